import { ArgumentError, describe } from '../errors.ts';

/** A generator's whole state: what it will give next follows from these two numbers. */
export interface GeneratorState {
  readonly seed: bigint;
  /** Blocks of four 32-bit words given out so far. */
  readonly offset: bigint;
}

const MASK64 = (1n << 64n) - 1n;
const MASK32 = 0xffffffffn;

/**
 * A source of random numbers: Philox 4x32-10, counting in blocks of four words. The same seed gives the same bits on
 * every device.
 *
 * @see Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (2011)
 * @example const generator = new Generator(42); rand([2], { generator });
 */
export class Generator {
  private current: GeneratorState;

  constructor(seed: number | bigint = 0) {
    this.current = { seed: asSeed(seed), offset: 0n };
  }

  /** Starts again from a seed. */
  manualSeed(seed: number | bigint): this {
    this.current = { seed: asSeed(seed), offset: 0n };
    return this;
  }

  getState(): GeneratorState {
    return this.current;
  }

  setState(state: GeneratorState): void {
    this.current = { seed: asSeed(state.seed), offset: BigInt.asUintN(64, state.offset) };
  }

  /** Takes the next blocks, and says with which parameters a program computes their words. */
  take(blocks: number): { seedLow: number; seedHigh: number; offsetLow: number; offsetHigh: number } {
    const { seed, offset } = this.current;
    this.current = { seed, offset: (offset + BigInt(blocks)) & MASK64 };
    return {
      seedLow: Number(seed & MASK32),
      seedHigh: Number(seed >> 32n),
      offsetLow: Number(offset & MASK32),
      offsetHigh: Number(offset >> 32n),
    };
  }
}

function asSeed(seed: number | bigint): bigint {
  if (typeof seed === 'bigint' || Number.isSafeInteger(seed)) return BigInt.asUintN(64, BigInt(seed));
  throw new ArgumentError(`a seed must be an integer, got ${describe(seed)}`, { op: 'manualSeed' });
}

/** The generator of whoever names none. It starts from a seed that differs from run to run. */
export const defaultGenerator = new Generator(Math.floor(Math.random() * Number.MAX_SAFE_INTEGER));

/**
 * Makes everything random after it repeatable.
 *
 * @throws {ArgumentError} `seed` is no integer.
 * @example manualSeed(0);
 */
export const manualSeed = (seed: number | bigint): Generator => defaultGenerator.manualSeed(seed);
