import {
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type RequiredKernels,
  type ScanCombiner,
} from '@flambeau/core/backend';
import { arrayOf, type TypedArray } from './allocation.ts';
import { compileSource } from './policy.ts';
import { loadClosure, storeClosure } from './scalar/closures.ts';
import { combineClosure, combineSource, identityOf } from './scalar/combine.ts';
import { representationOf } from './scalar/representation.ts';
import { loadSource, storeSource, valueSource } from './scalar/source.ts';
import { Odometer } from './walk.ts';

/** Scans `lanes` neighbouring rows of `count` elements each. Steps may be negative: that is how `reverse` runs. */
type ScanLoop = (
  y: TypedArray,
  yStart: number,
  yStep: number,
  yLane: number,
  x: TypedArray,
  xStart: number,
  xStep: number,
  xLane: number,
  count: number,
  lanes: number,
) => void;

/** How many lanes are scanned side by side where neighbours in memory belong to different lanes. */
const TILE = 256;

const COMBINER_INDEX: Readonly<Record<ScanCombiner, number>> = {
  sum: 0,
  prod: 1,
  max: 2,
  min: 3,
  logaddexp: 4,
};

/** The `scan` kernel. Floating values accumulate in double and are rounded where they are stored. */
export function scanKernel(bySource: boolean): RequiredKernels['scan'] {
  const table: ScanLoop[] = [];
  const loopFor = (combiner: ScanCombiner, dtype: DType): ScanLoop => {
    const at = COMBINER_INDEX[combiner] * DTYPE_COUNT + DTYPES[dtype].index;
    return (table[at] ??= bySource
      ? compileSource<ScanLoop>(loopSource(combiner, dtype))
      : loopClosure(combiner, dtype));
  };
  return (combiner, shape, output, input, reverse) => {
    const last = shape.length - 1;
    const count = shape[last]!;
    const sign = reverse ? -1 : 1;
    const yStep = output.strides[last]!;
    const xStep = input.strides[last]!;
    const lane = laneDim(shape, output.strides, input.strides);
    const lanes = lane < 0 ? 1 : shape[lane]!;
    const [yLane, xLane] = lane < 0 ? [0, 0] : [output.strides[lane]!, input.strides[lane]!];
    const outer = shape.map((size, dim) => (dim === lane ? 1 : size));
    const rows = new Odometer(outer, last, [output, input]);
    const loop = loopFor(combiner, output.dtype);
    const y = arrayOf(output);
    const x = arrayOf(input);
    const [yFirst, xFirst] = reverse ? [(count - 1) * yStep, (count - 1) * xStep] : [0, 0];
    const { offsets } = rows;
    do {
      for (let at = 0; at < lanes; at += TILE) {
        const yStart = offsets[0]! + yFirst + at * yLane;
        const xStart = offsets[1]! + xFirst + at * xLane;
        loop(
          y,
          yStart,
          sign * yStep,
          yLane,
          x,
          xStart,
          sign * xStep,
          xLane,
          count,
          Math.min(TILE, lanes - at),
        );
      }
    } while (rows.next());
  };
}

/** The dimension whose elements lie closer together than those that are scanned, or -1. */
function laneDim(shape: readonly number[], output: readonly number[], input: readonly number[]): number {
  const last = shape.length - 1;
  let best = -1;
  let nearest = output[last]! + input[last]!;
  for (let dim = 0; dim < last; dim++) {
    const stride = output[dim]! + input[dim]!;
    if (shape[dim]! > 1 && stride < nearest) {
      best = dim;
      nearest = stride;
    }
  }
  return best;
}

const accumulators = (dtype: DType): string => {
  switch (representationOf(dtype)) {
    case 'int64':
      return 'BigInt64Array';
    case 'float':
      return 'Float64Array';
    default:
      return 'Int32Array';
  }
};

function loopSource(combiner: ScanCombiner, dtype: DType): string {
  const identity = valueSource(identityOf(combiner, dtype));
  const bool = dtype === 'bool';
  const step = (at: string): string => `const v = ${loadSource(dtype, `x[x${at}]`)};
const c = ${combineSource(combiner, dtype, 'a', 'v')};
y[y${at}] = ${storeSource(dtype, 'c')};`;
  return `function scanLoop(y, yStart, yStep, yLane, x, xStart, xStep, xLane, count, lanes) {
if (lanes === 1) {
let a = ${identity};
for (let i = 0, yAt = yStart, xAt = xStart; i < count; i++, yAt += yStep, xAt += xStep) { ${step('At')} a = c; }
return;
}
const sums = new ${accumulators(dtype)}(lanes).fill(${bool ? `${identity} ? 1 : 0` : identity});
for (let i = 0; i < count; i++) {
for (let j = 0, yAt = yStart + i * yStep, xAt = xStart + i * xStep; j < lanes; j++, yAt += yLane, xAt += xLane) {
const a = sums[j]${bool ? ' !== 0' : ''};
${step('At')}
sums[j] = c${bool ? ' ? 1 : 0' : ''};
}
}
}`;
}

function loopClosure(combiner: ScanCombiner, dtype: DType): ScanLoop {
  const load = loadClosure(dtype);
  const store = storeClosure(dtype);
  const combine = combineClosure(combiner, dtype);
  const identity = identityOf(combiner, dtype);
  return (y, yStart, yStep, yLane, x, xStart, xStep, xLane, count, lanes) => {
    for (let j = 0; j < lanes; j++) {
      let sum = identity;
      for (let i = 0; i < count; i++) {
        sum = combine(sum, load(x[xStart + j * xLane + i * xStep]!));
        y[yStart + j * yLane + i * yStep] = store(sum);
      }
    }
  };
}
