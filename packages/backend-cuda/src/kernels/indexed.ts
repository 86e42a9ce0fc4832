import {
  BackendError,
  byteLengthOf,
  DTYPES,
  type Operand,
  type RequiredKernels,
  type ScatterMode,
  sizeOf,
} from '@flambeau/core/backend';
import { gatherSource, type IndexDType, scatterSource } from '../cuda-c/indexed.ts';
import { type Context, Variants } from './context.ts';
import { arrange, classOf, gridFor, isWide, pointerTo, writeCount, writeNest } from './loops.ts';

const indexDType = (op: string, { dtype }: Operand): IndexDType => {
  if (dtype === 'int32' || dtype === 'int64') return dtype;
  throw new BackendError(`${op}: indices are int32 or int64, got ${dtype}`, { op });
};

/** The stride along the last dimension is replaced by what an index multiplies. */
const without = (strides: readonly number[]): number[] => strides.with(strides.length - 1, 0);

/** The `gather` kernel. */
export function gatherKernel(context: Context): RequiredKernels['gather'] {
  const { launch } = context;
  const variants = new Variants(launch);
  return (shape, inputLength, output, input, index) => {
    const dtype = indexDType('gather', index);
    const bytes = byteLengthOf(output.dtype);
    const along = input.strides.at(-1)!;
    const loops = arrange({ shape, strides: [output.strides, without(input.strides), index.strides] });
    const wide =
      isWide(loops, context.narrowLimit) ||
      isWide({ shape: shape.with(-1, inputLength), strides: [input.strides] }, context.narrowLimit);
    const rank = classOf(loops);
    const variant = ((bytes * 2 + (dtype === 'int64' ? 1 : 0)) * 9 + rank) * 2 + (wide ? 1 : 0);
    const kernel = variants.get(variant, () => gatherSource(bytes, dtype, rank, wide));
    const count = sizeOf(shape);
    const args = launch.arguments.reset();
    pointerTo(args, output, bytes);
    pointerTo(args, input, bytes);
    pointerTo(args, index, byteLengthOf(dtype)).pointer(launch.fault, 0);
    writeCount(args, count, wide);
    writeCount(args, inputLength, wide);
    writeCount(args, along, wide);
    writeNest(args, loops, rank, wide);
    const { blocks, size } = gridFor(count);
    launch.launch(kernel, [blocks, 1, 1], [size, 1, 1], 0, args);
  };
}

const MODES: Readonly<Record<ScatterMode, number>> = { assign: 0, add: 1, mul: 2, max: 3, min: 4 };

/** The `scatter` kernel. An index out of range writes nothing. */
export function scatterKernel(context: Context): RequiredKernels['scatter'] {
  const { launch } = context;
  const variants = new Variants(launch);
  return (mode, shape, outputLength, output, source, index) => {
    const dtype = indexDType('scatter', index);
    const bytes = byteLengthOf(output.dtype);
    const along = output.strides.at(-1)!;
    // Sources side by side are read together, whatever the order of the output.
    const arranged = arrange({ shape, strides: [source.strides, index.strides, without(output.strides)] });
    const [sources, indices, outputs] = arranged.strides as [number[], number[], number[]];
    const loops = { shape: arranged.shape, strides: [outputs, sources, indices] };
    const wide =
      isWide(loops, context.narrowLimit) ||
      isWide({ shape: shape.with(-1, outputLength), strides: [output.strides] }, context.narrowLimit);
    const rank = classOf(loops);
    // Elements that are only assigned are told apart by their size.
    const element = mode === 'assign' ? bytes : DTYPES[output.dtype].index;
    const variant =
      (((MODES[mode] * 11 + element) * 2 + (dtype === 'int64' ? 1 : 0)) * 9 + rank) * 2 + (wide ? 1 : 0);
    const kernel = variants.get(variant, () => scatterSource(mode, output.dtype, dtype, rank, wide));
    const count = sizeOf(shape);
    const args = launch.arguments.reset();
    pointerTo(args, output, bytes);
    pointerTo(args, source, bytes);
    pointerTo(args, index, byteLengthOf(dtype)).pointer(launch.fault, 0);
    writeCount(args, count, wide);
    writeCount(args, outputLength, wide);
    writeCount(args, along, wide);
    writeNest(args, loops, rank, wide);
    const { blocks, size } = gridFor(count);
    launch.launch(kernel, [blocks, 1, 1], [size, 1, 1], 0, args);
  };
}
