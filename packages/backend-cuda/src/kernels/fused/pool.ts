import {
  byteLengthOf,
  DTYPES,
  type FusedKernel,
  isFloating,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import {
  avgPoolBackwardSource,
  avgPoolSource,
  maxPoolBackwardSource,
  maxPoolSource,
  overlapAddSource,
} from '../../cuda-c/fused/pool.ts';
import type { LaunchArguments } from '../../launch.ts';
import { type Context, Variants } from '../context.ts';
import { gridFor, pointerTo } from '../loops.ts';
import { type Attrs, isEmpty, three } from './support.ts';

/** Windows over the last dimensions, as core declares them. */
interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly size: readonly number[];
  readonly output: readonly number[];
}

const windowsOf = (attrs: Attrs): Windows => attrs as unknown as Windows;

function writeGeometry(args: LaunchArguments, windows: Windows): void {
  const { kernel, stride, padding, dilation, size, output } = windows;
  const lists = [
    three(kernel, 1),
    three(stride, 1),
    three(padding, 0),
    three(dilation, 1),
    three(size, 1),
    three(output, 1),
  ];
  for (const list of lists) for (const number of list) args.i32(number);
}

/** Strides of `[batch, channels, ...three]`. */
const fiveStrides = ({ strides }: TensorOperand): number[] => [
  strides[0]!,
  strides[1]!,
  ...three(strides.slice(2), 0),
];

const fits = (x: TensorOperand): boolean => !isEmpty(x) && x.shape.length >= 3 && x.shape.length <= 5;

function maxPool(context: Context): FusedKernel {
  const { launch } = context;
  const variants = new Variants(launch);
  return {
    when: ({ x }) => fits(x!) && x!.dtype !== 'bool',
    run({ values, indices }, inputs, attrs) {
      const x = inputs.x!;
      const kernel = variants.get(DTYPES[x.dtype].index, () => maxPoolSource(x.dtype));
      const total = sizeOf(values!.shape);
      const args = launch.arguments.reset();
      pointerTo(args, values!, byteLengthOf(x.dtype));
      pointerTo(args, indices!, 4);
      pointerTo(args, x, byteLengthOf(x.dtype)).i64(total).i32(x.shape[1]!);
      writeGeometry(args, windowsOf(attrs));
      for (const stride of fiveStrides(x)) args.i64(stride);
      const { blocks, size } = gridFor(total);
      launch.launch(kernel, [blocks, 1, 1], [size, 1, 1], 0, args);
    },
  };
}

function avgPool(context: Context): FusedKernel {
  const { launch } = context;
  const variants = new Variants(launch);
  return {
    when: ({ x }) => fits(x!) && isFloating(x!.dtype),
    run({ y }, inputs, attrs) {
      const x = inputs.x!;
      const kernel = variants.get(DTYPES[x.dtype].index, () => avgPoolSource(x.dtype));
      const total = sizeOf(y!.shape);
      const args = launch.arguments.reset();
      pointerTo(args, y!, byteLengthOf(x.dtype));
      pointerTo(args, x, byteLengthOf(x.dtype)).i64(total).i32(x.shape[1]!);
      args.i32(attrs.include === true ? 1 : 0).f64(Number(attrs.divisor));
      writeGeometry(args, windowsOf(attrs));
      for (const stride of fiveStrides(x)) args.i64(stride);
      const { blocks, size } = gridFor(total);
      launch.launch(kernel, [blocks, 1, 1], [size, 1, 1], 0, args);
    },
  };
}

function maxPoolBackward(context: Context): FusedKernel {
  const { launch } = context;
  const variants = new Variants(launch);
  return {
    when: ({ dy }) => fits(dy!) && isFloating(dy!.dtype),
    run({ dx }, inputs, attrs) {
      const [dy, indices] = [inputs.dy!, inputs.indices!];
      const kernel = variants.get(DTYPES[dy.dtype].index, () => maxPoolBackwardSource(dy.dtype));
      const total = sizeOf(dx!.shape);
      const args = launch.arguments.reset();
      pointerTo(args, dx!, byteLengthOf(dy.dtype));
      pointerTo(args, dy, byteLengthOf(dy.dtype));
      pointerTo(args, indices, 4).i64(total).i32(dy.shape[1]!);
      writeGeometry(args, windowsOf(attrs));
      for (const stride of [...fiveStrides(dy), ...fiveStrides(indices)]) args.i64(stride);
      const { blocks, size } = gridFor(total);
      launch.launch(kernel, [blocks, 1, 1], [size, 1, 1], 0, args);
    },
  };
}

function avgPoolBackward(context: Context): FusedKernel {
  const { launch } = context;
  const variants = new Variants(launch);
  return {
    when: ({ dy }) => fits(dy!) && isFloating(dy!.dtype),
    run({ dx }, inputs, attrs) {
      const dy = inputs.dy!;
      const kernel = variants.get(DTYPES[dy.dtype].index, () => avgPoolBackwardSource(dy.dtype));
      const total = sizeOf(dx!.shape);
      const args = launch.arguments.reset();
      pointerTo(args, dx!, byteLengthOf(dy.dtype));
      pointerTo(args, dy, byteLengthOf(dy.dtype)).i64(total).i32(dy.shape[1]!);
      args.i32(attrs.include === true ? 1 : 0).f64(Number(attrs.divisor));
      writeGeometry(args, windowsOf(attrs));
      for (const stride of fiveStrides(dy)) args.i64(stride);
      const { blocks, size } = gridFor(total);
      launch.launch(kernel, [blocks, 1, 1], [size, 1, 1], 0, args);
    },
  };
}

/** Windows `[batch, channels, ...kernel, ...output]` added into `[batch, channels, ...size]`. */
function overlapAdd(context: Context): FusedKernel {
  const { launch } = context;
  const variants = new Variants(launch);
  return {
    when: ({ d }, { size }) => {
      const rank = (size as readonly number[]).length;
      return !isEmpty(d!) && rank <= 3 && isFloating(d!.dtype) && d!.shape.length === 2 + 2 * rank;
    },
    run({ y }, inputs, attrs) {
      const d = inputs.d!;
      const windows = { ...windowsOf(attrs.windows as Attrs), size: attrs.size as readonly number[] };
      const rank = windows.size.length;
      const kernel = variants.get(DTYPES[d.dtype].index, () => overlapAddSource(d.dtype));
      const total = sizeOf(y!.shape);
      const args = launch.arguments.reset();
      pointerTo(args, y!, byteLengthOf(d.dtype));
      pointerTo(args, d, byteLengthOf(d.dtype)).i64(total).i32(d.shape[1]!);
      writeGeometry(args, windows);
      const inner = [...three(d.strides.slice(2, 2 + rank), 0), ...three(d.strides.slice(2 + rank), 0)];
      for (const stride of [d.strides[0]!, d.strides[1]!, ...inner]) args.i64(stride);
      const { blocks, size } = gridFor(total);
      launch.launch(kernel, [blocks, 1, 1], [size, 1, 1], 0, args);
    },
  };
}

export const poolKernels = (context: Context): Readonly<Record<string, FusedKernel>> => ({
  maxPool: maxPool(context),
  avgPool: avgPool(context),
  maxPoolBackward: maxPoolBackward(context),
  avgPoolBackward: avgPoolBackward(context),
  overlapAdd: overlapAdd(context),
});
