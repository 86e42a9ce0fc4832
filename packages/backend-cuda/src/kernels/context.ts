import type { Parameters } from '@flambeau/core/backend';
import type { ParameterSlot } from '../cuda-c/body.ts';
import { representationOf } from '../cuda-c/types.ts';
import type { Kernel, KernelSource, Launch, LaunchArguments } from '../launch.ts';
import { NARROW_LIMIT } from './loops.ts';

/** What every kernel is made with. */
export interface Context {
  readonly launch: Launch;
  /** From how many elements on kernels count in 64 bits. */
  readonly narrowLimit: number;
}

export const contextOf = (launch: Launch, narrowLimit = NARROW_LIMIT): Context => ({ launch, narrowLimit });

/** The compiled variants of one kernel, by a number that the caller makes of what sets them apart. */
export class Variants {
  private readonly launch: Launch;
  private readonly known = new Map<number, Kernel>();

  constructor(launch: Launch) {
    this.launch = launch;
  }

  get(variant: number, source: () => KernelSource): Kernel {
    let kernel = this.known.get(variant);
    if (kernel === undefined) {
      kernel = this.launch.kernel(source());
      this.known.set(variant, kernel);
    }
    return kernel;
  }
}

const least64 = -(2n ** 63n);

function toInt64(value: number | bigint): bigint {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value);
  return Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) : least64;
}

function toInt32(value: number | bigint): number {
  return typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value | 0;
}

/** Writes a call's parameters in the order and the types of `parameterSlots`. */
export function writeParameters(
  args: LaunchArguments,
  slots: readonly ParameterSlot[],
  parameters: Parameters,
): void {
  for (const { slot, type } of slots) {
    const value = parameters[slot]!;
    switch (representationOf(type)) {
      case 'float':
        args.f32(Number(value));
        break;
      case 'double':
        args.f64(Number(value));
        break;
      case 'int64':
        args.i64(toInt64(value));
        break;
      case 'bool':
        args.i32(value === 0 || value === 0n ? 0 : 1);
        break;
      case 'int':
        args.i32(narrowed(type, toInt32(value)));
        break;
      case 'uint32':
        args.i32(toInt32(value));
        break;
    }
  }
}

function narrowed(type: ParameterSlot['type'], value: number): number {
  switch (type) {
    case 'int8':
      return (value << 24) >> 24;
    case 'int16':
      return (value << 16) >> 16;
    case 'uint8':
      return value & 255;
    default:
      return value;
  }
}
