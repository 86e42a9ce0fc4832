import { byteLengthOf, DTYPES, type RequiredKernels, sizeOf } from '@flambeau/core/backend';
import { ARG_REDUCE_THREADS, argReduceSource } from '../cuda-c/arg-reduce.ts';
import { type Context, Variants } from './context.ts';
import { arrange, classOf, isWide, pointerTo, writeCount, writeNest } from './loops.ts';

const ceilPower = (x: number): number => 2 ** Math.ceil(Math.log2(x));

/** The `argReduce` kernel. */
export function argReduceKernel(context: Context): RequiredKernels['argReduce'] {
  const { launch } = context;
  const variants = new Variants(launch);
  return (mode, shape, output, input) => {
    const last = shape.length - 1;
    const count = shape[last]!;
    const step = input.strides[last]!;
    const arranged = arrange({
      shape: shape.slice(0, last),
      strides: [input.strides.slice(0, last), output.strides],
    });
    const kept = { shape: arranged.shape, strides: [arranged.strides[1]!, arranged.strides[0]!] };
    const wide =
      isWide(kept, context.narrowLimit) || isWide({ shape, strides: [input.strides] }, context.narrowLimit);
    const rank = classOf(kept);
    const dtype = DTYPES[input.dtype].index;
    const variant = (((dtype * 2 + (mode === 'max' ? 1 : 0)) * 9 + rank) << 1) | (wide ? 1 : 0);
    const kernel = variants.get(variant, () => argReduceSource(mode, input.dtype, rank, wide));
    const results = sizeOf(kept.shape);
    const byRow = step <= kept.strides[1]!.at(-1)! || kept.shape.at(-1)! < 8;
    const lanes = Math.min(ARG_REDUCE_THREADS, ceilPower(Math.ceil(count / 4)));
    const used = byRow ? lanes : Math.min(lanes, ARG_REDUCE_THREADS / 32);
    const rows = Math.max(1, Math.min(ARG_REDUCE_THREADS / used, ceilPower(results)));
    const args = launch.arguments.reset();
    pointerTo(args, output, 4);
    pointerTo(args, input, byteLengthOf(input.dtype));
    writeCount(args, results, wide).i32(count);
    writeCount(args, step, wide)
      .i32(used)
      .i32(byRow ? 1 : 0);
    writeNest(args, kept, rank, wide);
    launch.launch(kernel, [Math.ceil(results / rows), 1, 1], [used * rows, 1, 1], 0, args);
  };
}
