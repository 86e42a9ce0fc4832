import type { Heap } from '../../heap/heap.ts';
import { runtime } from '../../scalar/arithmetic.ts';
import { Code } from '../../threads/code.ts';
import { type FunctionBuilder, ModuleBuilder, type Type } from '../assembler/index.ts';
import { parameters } from '../emit.ts';
import { HOST_TYPE } from '../functions/host.ts';
import type { HostName } from './host.ts';
import type { HostIndex } from './step.ts';

/** A compiled kernel: a function of the address of its frame, or of several numbers. */
export interface Kernel {
  /** For other threads. Null where it calls functions of the host: such a kernel stays in the thread that calls it. */
  readonly code: Code | null;
  readonly run: (...args: number[]) => unknown;
}

export interface Target {
  readonly heap: Heap;
  readonly relaxed: boolean;
}

const HOST: Readonly<Record<HostName, (...args: never[]) => unknown>> = {
  ...runtime,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  remainder: (a: number, b: number) => a % b,
  // WebAssembly hands 32 bits over as a signed number.
  shiftLeftUint32: (a: number, bits: number) => runtime.shiftLeftUint32(a, bits >>> 0),
  shiftRightUint32: (a: number, bits: number) => runtime.shiftRightUint32(a, bits >>> 0),
};

/** How a function of the host is called: by its operands' type and number. */
function signature(name: HostName): readonly [operand: Type, count: number] {
  if (name.endsWith('64')) return [HOST_TYPE.i64, 2];
  if (/Int$|Uint32$/.test(name)) return [HOST_TYPE.i32, 2];
  return [HOST_TYPE.f64, name.length === 3 ? 1 : 2];
}

/** Compiles a kernel of one function. Its parameters are numbers: by default one, the address of its frame. */
export function compileKernel(
  target: Target,
  hosts: readonly HostName[],
  body: (f: FunctionBuilder, host: HostIndex) => void,
  parameterCount = 1,
): Kernel {
  const builder = new ModuleBuilder(target.heap);
  for (const name of hosts) {
    const [type, count] = signature(name);
    builder.import(name, new Array<Type>(count).fill(type), [type]);
  }
  builder.export('run', parameters(parameterCount), [], (f) => body(f, (name) => hosts.indexOf(name)));
  const bytes = builder.toBytes();
  if (hosts.length === 0) {
    const code = new Code(target.heap, bytes);
    return { code, run: code.functions.run! };
  }
  const env: Record<string, WebAssembly.ImportValue> = { memory: target.heap.memory };
  for (const name of hosts) env[name] = HOST[name];
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
  // The builder exports a function of that type under this name.
  return { code: null, run: exports.run as Kernel['run'] };
}
