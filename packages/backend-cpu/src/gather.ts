import type { RequiredKernels } from '@flambeau/core/backend';
import { arrayOf, KIND_OF, type TypedArray } from './allocation.ts';
import { withIndices } from './indices.ts';
import { arrange, innermost } from './loops.ts';
import { perKind } from './policy.ts';
import { Odometer } from './walk.ts';
import type { IndexedLines } from './wasm/indexed.ts';

/** A row of fewer needs no preparation. */
const FEW = 64;

/** The `gather` kernel. Elements move as they are stored, so there is one loop for each class of arrays; what lies in the heap goes to `lines`. */
export function gatherKernel(bySource: boolean, lines: IndexedLines | null): RequiredKernels['gather'] {
  const loops = perKind(gatherRow, bySource);
  return (shape, inputLength, output, input, index) =>
    withIndices('gather', shape, index, inputLength, lines?.scan ?? null, (indices) => {
      const last = shape.length - 1;
      const along = input.strides[last]!;
      const row = loops(KIND_OF[output.dtype]);
      if (last === 0 && (lines === null || shape[0]! < FEW)) {
        const [target, source] = [arrayOf(output), arrayOf(input)];
        const yStep = output.strides[0]!;
        const [iStart, iStep] = [indices.offset, indices.strides[0]!];
        row(
          target,
          output.offset,
          yStep,
          source,
          input.offset,
          0,
          along,
          indices.array,
          iStart,
          iStep,
          shape[0]!,
        );
        return;
      }
      // Along the gathered dimension the index alone says where to read.
      const inputSteps = input.strides.map((stride, dim) => (dim === last ? 0 : stride));
      const nest = arrange(shape, [output.strides, inputSteps, indices.strides]);
      if (lines?.gather({ loops: nest, walked: output, indexed: input, along, indices })) return;
      const [target, source] = [arrayOf(output), arrayOf(input)];
      const { outerRank, size, steps } = innermost(nest);
      const rows = new Odometer(nest.shape, outerRank, [
        { offset: output.offset, strides: nest.strides[0]! },
        { offset: input.offset, strides: nest.strides[1]! },
        { offset: indices.offset, strides: nest.strides[2]! },
      ]);
      const [yStep, xStep, iStep] = steps as [number, number, number];
      const { offsets } = rows;
      do {
        row(
          target,
          offsets[0]!,
          yStep,
          source,
          offsets[1]!,
          xStep,
          along,
          indices.array,
          offsets[2]!,
          iStep,
          size,
        );
      } while (rows.next());
    });
}

function gatherRow(
  y: TypedArray,
  yStart: number,
  yStep: number,
  x: TypedArray,
  xStart: number,
  xStep: number,
  along: number,
  index: Int32Array,
  iStart: number,
  iStep: number,
  count: number,
): void {
  if (iStep === 0) {
    const from = xStart + index[iStart]! * along;
    for (let j = 0; j < count; j++) y[yStart + j * yStep] = x[from + j * xStep]!;
    return;
  }
  for (let j = 0; j < count; j++)
    y[yStart + j * yStep] = x[xStart + j * xStep + index[iStart + j * iStep]! * along]!;
}
