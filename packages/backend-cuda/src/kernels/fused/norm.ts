import {
  byteLengthOf,
  contiguousStrides,
  type FusedKernel,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { normSource } from '../../cuda-c/fused/norm.ts';
import { rankClass } from '../../cuda-c/nest.ts';
import { type Context, Variants } from '../context.ts';
import { arrange, type Loops, pointerTo, writeCount, writeNest } from '../loops.ts';
import { type Attrs, areFloating, isContiguous, launchRows, rowNumber, rowsOf } from './support.ts';

/** The attributes of normalisations, as core declares them. */
interface Layout {
  readonly view: readonly number[];
  readonly dims: readonly number[];
  readonly vector: readonly number[];
  readonly eps: number;
}

const layoutOf = ({ view, dims, vector, eps }: Attrs): Layout => ({ view, dims, vector, eps }) as Layout;

/** Whether statistics go over the last dimensions, so that each is of a row. */
const goesOverRows = ({ view, dims }: Layout): boolean =>
  dims.length > 0 && dims.every((dim) => dim >= view.length - dims.length);

/** Weight and bias as they meet the input: strides of `view`, 0 where they repeat. */
function metStrides({ view, vector }: Layout, operand: TensorOperand | undefined): number[] {
  if (operand === undefined) return view.map(() => 0);
  const strides = contiguousStrides(vector);
  return view.map((n, dim) => (vector[dim] === 1 && n !== 1 ? 0 : strides[dim]!));
}

/** Normalisations whose statistics are those of rows: layers, groups, instances, roots of mean squares. */
function normKernel(context: Context, centered: boolean): FusedKernel {
  const { launch } = context;
  const variants = new Variants(launch);
  return {
    when: (inputs, attrs) =>
      areFloating(inputs) &&
      goesOverRows(layoutOf(attrs)) &&
      Object.values(inputs).every((x) => x === undefined || (isContiguous(x) && x.dtype === inputs.x!.dtype)),
    run(outputs, inputs, attrs) {
      const layout = layoutOf(attrs);
      const { view, dims, eps } = layout;
      const [x, weight, bias] = [inputs.x!, inputs.weight, inputs.bias];
      const outer = view.length - dims.length;
      const met = metStrides(layout, weight ?? bias);
      const inner = arrangedInOrder(view.slice(outer), met.slice(outer));
      const count = sizeOf(view.slice(outer));
      const rowStrides = [...met.slice(0, outer), 0];
      const row = { ...x, shape: [...view.slice(0, outer), count], strides: rowStrides };
      const rows = rowsOf(context, row.shape, [row, row]);
      const rowVariant = {
        ...rows.variant,
        wide: rows.variant.wide || rows.rows * count >= context.narrowLimit,
      };
      const innerRank = rankClass(inner.shape.length);
      const variant = {
        ...rowVariant,
        centered,
        weight: weight !== undefined,
        bias: bias !== undefined,
        innerRank,
      };
      const number = (rowNumber(rowVariant) * 9 + innerRank) * 4 + (weight ? 2 : 0) + (bias ? 1 : 0);
      const kernel = variants.get(number, () => normSource(variant));
      const bytes = byteLengthOf(x.dtype);
      const { wide } = variant;
      const args = launch.arguments.reset();
      pointerTo(args, outputs.y!, bytes);
      if (centered) pointerTo(args, outputs.mean!, byteLengthOf(outputs.mean!.dtype));
      pointerTo(args, outputs.rstd!, byteLengthOf(outputs.rstd!.dtype));
      pointerTo(args, x, bytes);
      pointerTo(args, weight ?? x, bytes);
      pointerTo(args, bias ?? x, bytes);
      if (x.dtype === 'float64') args.f64(eps);
      else args.f32(eps);
      writeNest(args, inner, innerRank, wide);
      writeCount(args, rows.rows, wide);
      writeCount(args, count, wide);
      writeNest(args, rows.loops, variant.rank, wide);
      launchRows(launch, kernel, rows);
    },
  };
}

/** Loops over one operand, joined where they can be, in the order of the shape. */
function arrangedInOrder(shape: readonly number[], strides: readonly number[]): Loops {
  const arranged = arrange({ shape, strides: [contiguousStrides(shape), strides] });
  return { shape: arranged.shape, strides: [arranged.strides[1]!] };
}

export const normKernels = (context: Context): Readonly<Record<string, FusedKernel>> => {
  const centered = normKernel(context, true);
  return {
    layerNorm: centered,
    groupNorm: centered,
    instanceNorm: centered,
    rmsNorm: normKernel(context, false),
  };
};
