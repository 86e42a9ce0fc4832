import {
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type RequiredKernels,
  type ScatterMode,
} from '@flambeau/core/backend';
import { arrayOf, type TypedArray } from './allocation.ts';
import { withIndices } from './indices.ts';
import { arrange, innermost } from './loops.ts';
import { compileSource } from './policy.ts';
import { loadClosure, storeClosure } from './scalar/closures.ts';
import { combineClosure, combineSource } from './scalar/combine.ts';
import { loadSource, storeSource } from './scalar/source.ts';
import { Odometer } from './walk.ts';
import type { IndexedLines } from './wasm/indexed.ts';

type ScatterRow = (
  y: TypedArray,
  yStart: number,
  yStep: number,
  along: number,
  x: TypedArray,
  xStart: number,
  xStep: number,
  index: Int32Array,
  iStart: number,
  iStep: number,
  count: number,
) => void;

const COMBINER = { add: 'sum', mul: 'prod', max: 'max', min: 'min' } as const;

const MODE_INDEX: Readonly<Record<ScatterMode, number>> = { assign: 0, add: 1, mul: 2, max: 3, min: 4 };

/** The `scatter` kernel. Indices are checked before the first write, so that a fault leaves the output as it was. */
export function scatterKernel(bySource: boolean, lines: IndexedLines | null): RequiredKernels['scatter'] {
  const table: ScatterRow[] = [];
  const rowFor = (mode: ScatterMode, dtype: DType): ScatterRow => {
    const at = MODE_INDEX[mode] * DTYPE_COUNT + DTYPES[dtype].index;
    return (table[at] ??= bySource
      ? compileSource<ScatterRow>(rowSource(mode, dtype))
      : rowClosure(mode, dtype));
  };
  return (mode, shape, outputLength, output, source, index) =>
    withIndices('scatter', shape, index, outputLength, lines?.scan ?? null, (indices) => {
      const last = shape.length - 1;
      const along = output.strides[last]!;
      const outputSteps = output.strides.map((stride, dim) => (dim === last ? 0 : stride));
      const nest = arrange(shape, [source.strides, outputSteps, indices.strides]);
      if (lines?.scatter(mode, { loops: nest, walked: source, indexed: output, along, indices })) return;
      const { outerRank, size, steps } = innermost(nest);
      const rows = new Odometer(nest.shape, outerRank, [
        { offset: source.offset, strides: nest.strides[0]! },
        { offset: output.offset, strides: nest.strides[1]! },
        { offset: indices.offset, strides: nest.strides[2]! },
      ]);
      const row = rowFor(mode, output.dtype);
      const y = arrayOf(output);
      const x = arrayOf(source);
      const [xStep, yStep, iStep] = steps as [number, number, number];
      const { offsets } = rows;
      do {
        row(y, offsets[1]!, yStep, along, x, offsets[0]!, xStep, indices.array, offsets[2]!, iStep, size);
      } while (rows.next());
    });
}

function rowSource(mode: ScatterMode, dtype: DType): string {
  const put = (at: string, from: string): string => {
    if (mode === 'assign') return `y[${at}] = x[${from}];`;
    return `const q = ${at}; const a = ${loadSource(dtype, 'y[q]')}; const b = ${loadSource(dtype, `x[${from}]`)};
const c = ${combineSource(COMBINER[mode], dtype, 'a', 'b')}; y[q] = ${storeSource(dtype, 'c')};`;
  };
  return `function scatterRow(y, yStart, yStep, along, x, xStart, xStep, index, iStart, iStep, count) {
if (iStep === 0) {
const to = yStart + index[iStart] * along;
for (let j = 0; j < count; j++) { ${put('to + j * yStep', 'xStart + j * xStep')} }
return;
}
for (let j = 0; j < count; j++) { ${put('yStart + j * yStep + index[iStart + j * iStep] * along', 'xStart + j * xStep')} }
}`;
}

function rowClosure(mode: ScatterMode, dtype: DType): ScatterRow {
  const load = loadClosure(dtype);
  const store = storeClosure(dtype);
  const combine = mode === 'assign' ? null : combineClosure(COMBINER[mode], dtype);
  return (y, yStart, yStep, along, x, xStart, xStep, index, iStart, iStep, count) => {
    for (let j = 0; j < count; j++) {
      const at = yStart + j * yStep + index[iStart + j * iStep]! * along;
      const value = x[xStart + j * xStep]!;
      y[at] = combine === null ? value : store(combine(load(y[at]!), load(value)));
    }
  };
}
