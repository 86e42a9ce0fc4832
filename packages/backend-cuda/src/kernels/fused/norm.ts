import {
  byteLengthOf,
  contiguousStrides,
  type FusedKernel,
  goesOverRows,
  isContiguous,
  normAttributes,
  sizeOf,
  vectorStrides,
} from '@flambeau/core/backend';
import { normSource } from '../../cuda-c/fused/norm.ts';
import { rankClass } from '../../cuda-c/nest.ts';
import { type Context, Variants } from '../context.ts';
import { arrange, type Loops, pointerTo, writeCount, writeNest } from '../loops.ts';
import { areFloating, launchRows, rowNumber, rowsOf } from './support.ts';

/** Normalisations whose statistics are those of rows: layers, groups, instances, roots of mean squares. */
function normKernel(context: Context, centered: boolean): FusedKernel {
  const { launch } = context;
  const variants = new Variants(launch);
  return {
    when: (inputs, attrs) =>
      areFloating(inputs) &&
      goesOverRows(normAttributes(attrs)) &&
      Object.values(inputs).every(
        (x) => x === undefined || (isContiguous(x.shape, x.strides) && x.dtype === inputs.x!.dtype),
      ),
    run(outputs, inputs, attrs) {
      const layout = normAttributes(attrs);
      const { view, dims, eps } = layout;
      const [x, weight, bias] = [inputs.x!, inputs.weight, inputs.bias];
      const outer = view.length - dims.length;
      const met = weight || bias ? vectorStrides(layout) : view.map(() => 0);
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
