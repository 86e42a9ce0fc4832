import { composite } from '../dispatch/declare.ts';
import { ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf } from '../shape.ts';
import { add, mul } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { checkFactors, checkRank, matmul } from './matmul.ts';
import { reshape, transpose, unsqueeze } from './reshape.ts';

const addInto = add.inPlace as (target: Tensor, source: Tensor) => Tensor;

const affine = composite('linear', {
  infer(x: Tensor, weight: Tensor, bias: Tensor | undefined) {
    const shape = [...x.shape.slice(0, -1), weight.shape[0]!];
    return { inputs: { x, weight, bias }, attrs: {}, outputs: { y: { shape, dtype: x.dtype } } };
  },
  decompose({ x, weight, bias }) {
    const y = matmul(x, transpose(weight, 0, 1));
    return bias === undefined ? y : addInto(y, bias);
  },
  saves: ['x', 'weight'],
  readFor: { x: ['weight'], weight: ['x'] },
  vjp({ y: dy }, { x, weight }, _attrs, needs) {
    if (dy === undefined) return {};
    const rows = sizeOf(x.shape.slice(0, -1));
    const flat = needs.weight || needs.bias ? reshape(dy, [rows, weight.shape[0]!]) : dy;
    return {
      x: needs.x ? matmul(dy, weight) : undefined,
      weight: needs.weight ? matmul(transpose(flat, 0, 1), reshape(x, [rows, weight.shape[1]!])) : undefined,
      bias: needs.bias ? sum(flat, 0) : undefined,
    };
  },
});

/**
 * The affine map of a layer: `y = x Wᵀ + b`.
 *
 * - `x`: `[..., in]` · `weight`: `[out, in]` or `[in]` · `bias`: `[out]` or `[]`
 * - returns: `[..., out]`, or `[...]` for a `weight` of one dimension
 *
 * @throws {ShapeError} the sizes do not fit. @throws {DTypeError} the dtypes differ.
 * @example linear(ones([2, 3]), ones([1, 3]), tensor([1])) // tensor([[4.], [4.]])
 */
export const linear = composite('linear', (x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor => {
  const operands = bias === undefined || bias === null ? [x, weight] : [x, weight, bias];
  checkFactors('linear', ...operands);
  const size = x.shape.at(-1);
  if (
    size === undefined ||
    weight.shape.length === 0 ||
    weight.shape.length > 2 ||
    size !== weight.shape.at(-1)
  ) {
    throw new ShapeError(
      `linear: the last size of x must be that of weight [out, in]; x is ${showShape(x.shape)}, weight is ${showShape(weight.shape)}`,
      {
        op: 'linear',
        data: { shapes: [x.shape, weight.shape] },
      },
    );
  }
  if (weight.shape.length === 1) return bias ? add(matmul(x, weight), bias) : matmul(x, weight);
  if (
    bias &&
    !(
      bias.shape.length === 0 ||
      (bias.shape.length === 1 && (bias.shape[0] === weight.shape[0] || bias.shape[0] === 1))
    )
  ) {
    throw new ShapeError(
      `linear: the bias must be [${weight.shape[0]}] for weight ${showShape(weight.shape)}, got ${showShape(bias.shape)}`,
      { op: 'linear' },
    );
  }
  return affine(x, weight, bias ?? undefined);
});

/**
 * The bilinear map of two inputs: `y[…, o] = Σᵢⱼ x1[…, i] · weight[o, i, j] · x2[…, j] + bias[o]`.
 *
 * - `x`: `[..., in1]` · `x2`: `[..., in2]` · `weight`: `[out, in1, in2]` · `bias`: `[out]`
 * - returns: `[..., out]`
 *
 * @throws {ShapeError} the sizes do not fit. @throws {DTypeError} the dtypes differ.
 */
export const bilinear = composite(
  'bilinear',
  (x: Tensor, x2: Tensor, weight: Tensor, bias?: Tensor | null): Tensor => {
    checkFactors('bilinear', ...(bias ? [x, x2, weight, bias] : [x, x2, weight]));
    checkRank('bilinear', 'weight', weight, 3);
    const [out, in1, in2] = weight.shape as [number, number, number];
    const lead = x.shape.slice(0, -1);
    if (
      x.shape.at(-1) !== in1 ||
      x2.shape.at(-1) !== in2 ||
      showShape(lead) !== showShape(x2.shape.slice(0, -1))
    ) {
      throw new ShapeError(
        `bilinear: x1 must be [..., ${in1}] and x2 [..., ${in2}] with equal leading sizes for weight ${showShape(weight.shape)}; x1 is ${showShape(x.shape)}, x2 is ${showShape(x2.shape)}`,
        { op: 'bilinear' },
      );
    }
    // One row for each output: [..., 1, in1] meets [out, in1, in2] as [..., out, in2].
    const rows = sizeOf(lead);
    const half = matmul(reshape(x, [rows, in1]), reshape(transpose(weight, 0, 1), [in1, out * in2]));
    const products = mul(reshape(half, [rows, out, in2]), unsqueeze(reshape(x2, [rows, in2]), 1));
    const y = reshape(sum(products, -1), [...lead, out]);
    return bias ? add(y, bias) : y;
  },
);
