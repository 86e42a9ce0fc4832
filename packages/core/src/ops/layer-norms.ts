import { checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { checkOptions, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sameShape } from '../shape.ts';
import { type Layout, rootMeanSquare, standardizer } from './standardize.ts';

type Optional = Tensor | null | undefined;

const standardizeTrailing = standardizer('layerNorm');

function trailing(
  op: string,
  x: Tensor,
  normalizedShape: readonly number[],
  vectors: Readonly<Record<string, Optional>>,
  eps: number,
): Layout {
  checkTensor(op, 'x', x);
  const lead = x.shape.length - normalizedShape.length;
  if (normalizedShape.length === 0 || lead < 0 || !sameShape(x.shape.slice(lead), normalizedShape)) {
    throw new ShapeError(
      `${op}: ${showShape(x.shape)} does not end in the normalised shape ${showShape(normalizedShape)}`,
      { op },
    );
  }
  for (const [name, vector] of Object.entries(vectors)) {
    if (vector && !sameShape(vector.shape, normalizedShape)) {
      throw new ShapeError(
        `${op}: ${name} must have the normalised shape ${showShape(normalizedShape)}, it is ${showShape(vector.shape)}`,
        { op },
      );
    }
  }
  const dims = x.shape.map((_, i) => i).slice(lead);
  const vector = x.shape.map((size, i) => (i < lead ? 1 : size));
  return { view: x.shape, dims, vector, own: normalizedShape, eps };
}

export interface EpsOptions {
  /** Added to the variance. */
  readonly eps?: number | null;
}

/**
 * Normalises over the last dimensions: `(x - mean) / sqrt(var + eps) * weight + bias`.
 *
 * - `x`: `[..., *normalizedShape]`; `weight`, `bias`: `normalizedShape`
 *
 * @throws {ShapeError} a shape does not fit.
 * @see Ba, Kiros and Hinton, Layer Normalization (2016)
 */
export const layerNorm = composite(
  'layerNorm',
  (
    x: Tensor,
    normalizedShape: readonly number[],
    weight?: Tensor | null,
    bias?: Tensor | null,
    options: EpsOptions = {},
  ): Tensor => {
    checkOptions('layerNorm', options, ['eps']);
    const layout = trailing('layerNorm', x, normalizedShape, { weight, bias }, options.eps ?? 1e-5);
    return standardizeTrailing(x, weight ?? undefined, bias ?? undefined, layout).y;
  },
);

/** The distance from 1 to the next number. */
const MACHINE_EPSILON: Readonly<Record<string, number>> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
};

/**
 * Divides by the root of the mean square over the last dimensions: `x / sqrt(mean(x²) + eps) * weight`.
 *
 * - `x`: `[..., *normalizedShape]`; `weight`: `normalizedShape`
 *
 * @throws {ShapeError} a shape does not fit.
 * @see Zhang and Sennrich, Root Mean Square Layer Normalization (2019)
 */
export const rmsNorm = composite(
  'rmsNorm',
  (
    x: Tensor,
    normalizedShape: readonly number[],
    weight?: Tensor | null,
    options: EpsOptions = {},
  ): Tensor => {
    checkOptions('rmsNorm', options, ['eps']);
    const eps = options.eps ?? MACHINE_EPSILON[x.dtype] ?? 2 ** -23;
    return rootMeanSquare(x, weight ?? undefined, trailing('rmsNorm', x, normalizedShape, { weight }, eps));
  },
);
