import { byteLengthOf, type DType, type Operand, type RequiredKernels, sizeOf } from '@flambeau/core/backend';
import { arrange } from '../loops.ts';
import { addressOf, allInHeap, staged } from '../staging.ts';
import { Code } from '../threads/code.ts';
import { PARTS_PER_THREAD } from '../threads/pool.ts';
import { Odometer } from '../walk.ts';
import type { Engine } from './engine.ts';
import { argReduceModule, canArgReduce } from './programs/arg-reduce.ts';

type ArgReduce = RequiredKernels['argReduce'];
type Mode = Parameters<ArgReduce>[0];

const NANOSECONDS = 0.25;
/** Results of a few elements lie in arrays: staging them is worth it for so many times as many elements. */
const STAGED_TIMES = 32;
/**
 * The `argReduce` kernel in WebAssembly, along memory or for columns side by side. Narrow dtypes, other layouts and
 * what is small go to `otherwise`.
 */
export function wasmArgReduce(engine: Engine, otherwise: ArgReduce): ArgReduce {
  const codes = new Map<DType, Code>();
  const codeFor = (dtype: DType): Code => {
    let code = codes.get(dtype);
    if (code === undefined) {
      code = new Code(engine.heap, argReduceModule(engine.heap.shared, dtype));
      codes.set(dtype, code);
    }
    return code;
  };
  return (mode, shape, output, input) => {
    const least = engine.leastElements * (allInHeap(output, [input]) ? 1 : STAGED_TIMES);
    if (canArgReduce(input.dtype) && sizeOf(shape) >= least) {
      const code = codeFor(input.dtype);
      let done = false;
      staged(engine.heap, [output], [input], ([y], [x]) => {
        done = run(engine, code, mode, shape, y!, x!);
      });
      if (done) return;
    }
    otherwise(mode, shape, output, input);
  };
}

function run(
  engine: Engine,
  code: Code,
  mode: Mode,
  shape: readonly number[],
  output: Operand,
  input: Operand,
): boolean {
  const last = shape.length - 1;
  const bytes = byteLengthOf(input.dtype);
  const loops = arrange(shape.slice(0, last), [input.strides.slice(0, last), output.strides.slice(0, last)]);
  const kept = loops.shape.length - 1;
  const [lines, xStep, yStep] = [
    loops.shape[kept] ?? 1,
    loops.strides[0]![kept] ?? 0,
    loops.strides[1]![kept] ?? 0,
  ];
  const along = input.strides[last]!;
  const byColumns = along !== 1;
  if (byColumns && (xStep !== 1 || yStep !== 1)) return false;
  const name = `${mode}${byColumns ? 'Columns' : 'Rows'}`;
  const turns = new Odometer(
    loops.shape,
    Math.max(0, kept),
    [input, output].map(({ offset }, k) => ({ offset, strides: loops.strides[k]! })),
  );
  const [from, to] = [addressOf(input, 0), addressOf(output, 0)];
  const { pool } = engine;
  const threads = lines === 1 ? 1 : pool.width(lines * shape[last]! * NANOSECONDS);
  do {
    const [x, y] = [from + turns.offsets[0]! * bytes, to + turns.offsets[1]! * 4];
    const args = [lines, shape[last]!, x, xStep * bytes, y, yStep * 4, along * bytes];
    if (threads === 1) {
      code.functions[name]!(...args);
      continue;
    }
    const per = Math.max(byColumns ? 64 : 1, Math.ceil(lines / (threads * PARTS_PER_THREAD)));
    const steps = [0, 0, per * xStep * bytes, 0, per * yStep * 4, 0, 0];
    pool.run({
      code,
      name,
      args,
      steps,
      chunks: Math.ceil(lines / per),
      count: { at: 0, per, total: lines },
    });
  } while (turns.next());
  return true;
}
