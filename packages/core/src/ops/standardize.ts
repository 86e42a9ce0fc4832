import { composite, reduction } from '../dispatch/declare.ts';
import { PointwiseOp } from '../dispatch/pointwise.ts';
import { reducedShape } from '../dispatch/reduction.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { computeType } from '../expr/program.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Shape } from '../shape.ts';
import type { NormAttributes } from '../storage/norm-attributes.ts';
import { add, mul } from './arithmetic.ts';
import { expand, sumTo, unreduce } from './broadcast.ts';
import { cast } from './copying.ts';
import { mean } from './reductions.ts';
import { reshape } from './reshape.ts';

/** How a normalisation sees its operands. */
export interface Layout extends NormAttributes {
  readonly [name: string]: unknown;
  /** The shape of weight and bias themselves. */
  readonly own: Shape;
}

const over = { keepdim: true } as const;

function checkFloating(op: string, x: Tensor): void {
  if (isFloating(x.dtype)) return;
  throw new DTypeError(
    `${op}: needs a floating input, got ${x.dtype}; convert it: to({ dtype: 'float32' })`,
    { op },
  );
}

const seen = (x: Tensor, { view }: Layout): Tensor => reshape(cast(x, computeType(x.dtype)), view);
const met = (v: Tensor | undefined, { vector }: Layout): Tensor | undefined => v && reshape(v, vector);
const countOf = ({ view, dims }: Layout): number => dims.reduce((n, dim) => n * view[dim]!, 1);

const meanSquare = reduction('meanSquare', {
  combiner: 'sum',
  result: 'float',
  empty: Number.NaN,
  pre: (x) => x.square(),
  post: (total, { count }) => total.div(count),
  saves: ['x'],
  vjp: (dy, { x }, attrs) => mul(unreduce(mul(dy, 2 / attrs.count), attrs), x),
});

const inverseRoot = new PointwiseOp('inverseRoot', 1, ([variance], { eps }) => variance!.add(eps!).rsqrt(), {
  params: { eps: 1e-5 },
});

/** `x · rstd · weight + bias`, without what is absent. */
const scaled = new PointwiseOp('scaleAndShift', 4, ([x, rstd, weight, bias]) =>
  x!.mul(rstd!).mul(weight!).add(bias!),
);
const unscaled = new PointwiseOp('scale', 3, ([x, rstd, weight]) => x!.mul(rstd!).mul(weight!));

function scale(x: Tensor, rstd: Tensor, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
  if (bias !== undefined) return scaled.call([x, rstd, weight ?? 1, bias], undefined);
  return weight === undefined ? mul(x, rstd) : unscaled.call([x, rstd, weight], undefined);
}

const centeredAndScaled = new PointwiseOp('standardized', 3, ([x, center, rstd]) =>
  x!.sub(center!).mul(rstd!),
);

/** The gradient of the input, by those of what it was scaled to: `scale · (d - mean d - xhat · mean(d · xhat))`. */
const inputGradient = new PointwiseOp('standardizeBackward', 5, ([factor, d, center, xhat, slope]) =>
  factor!.mul(d!.sub(center!).sub(xhat!.mul(slope!))),
);

interface Received {
  readonly dy: Tensor | undefined;
  readonly dmean?: Tensor | undefined;
  readonly drstd: Tensor | undefined;
}

/** The gradients of a normalisation; without `center` it subtracts no mean. */
function gradients(
  { dy, dmean, drstd }: Received,
  {
    x,
    weight,
    center,
    rstd,
  }: {
    readonly x: Tensor;
    readonly weight: Tensor | undefined;
    readonly center?: Tensor;
    readonly rstd: Tensor;
  },
  layout: Layout,
): { x?: Tensor; weight?: Tensor; bias?: Tensor } {
  const { dims, vector, own } = layout;
  const count = countOf(layout);
  const wide = seen(x, layout);
  const xhat =
    center === undefined ? mul(wide, rstd) : centeredAndScaled.call([wide, center, rstd], undefined);
  const terms: Tensor[] = [];
  const vectors: { weight?: Tensor; bias?: Tensor } = {};
  if (dy !== undefined) {
    const d = seen(dy, layout);
    const product = mul(d, xhat);
    const w = met(weight, layout);
    const total = (sums: Tensor): Tensor => reshape(sumTo(sums, vector), own);
    if (dims.every((dim) => vector[dim] === 1)) {
      // One weight for each mean: the sums that the weight needs are those that the input needs.
      const [level, slope] = [mean(d, dims, over), mean(product, dims, over)];
      terms.push(
        inputGradient.call([w ? mul(rstd, w) : rstd, d, center ? level : 0, xhat, slope], undefined),
      );
      vectors.weight = total(mul(slope, count));
      vectors.bias = total(mul(level, count));
    } else {
      const g = w ? mul(d, w) : d;
      const slope = mean(w ? mul(product, w) : product, dims, over);
      terms.push(inputGradient.call([rstd, g, center ? mean(g, dims, over) : 0, xhat, slope], undefined));
      vectors.weight = total(product);
      vectors.bias = total(d);
    }
  }
  if (dmean !== undefined) terms.push(expand(mul(dmean, 1 / count), layout.view));
  if (drstd !== undefined) terms.push(mul(xhat, mul(mul(drstd, mul(rstd, rstd)), -1 / count)));
  return terms.length === 0
    ? {}
    : {
        x: reshape(
          terms.reduce((a, b) => add(a, b)),
          x.shape,
        ),
        ...vectors,
      };
}

/**
 * The gradients of a normalisation as an operator of its own, named after it with `Backward`: what a backend can fuse.
 * Without `mean` none is subtracted.
 */
const backwardOf = (name: string) =>
  composite(`${name}Backward`, {
    infer(
      dy: Tensor,
      x: Tensor,
      weight: Tensor | undefined,
      center: Tensor | undefined,
      rstd: Tensor,
      layout: Layout,
    ) {
      const dtype = computeType(x.dtype);
      const own = { shape: layout.own, dtype };
      return {
        inputs: { dy, x, weight, mean: center, rstd },
        attrs: layout,
        outputs: { dx: { shape: x.shape, dtype }, dweight: own, dbias: own },
      };
    },
    decompose({ dy, x, weight, mean: center, rstd }, layout) {
      const known = { x, weight, rstd, ...(center === undefined ? {} : { center }) };
      const { x: dx, weight: dweight, bias: dbias } = gradients({ dy, drstd: undefined }, known, layout);
      // With a dy there are all three.
      return { dx: dx!, dweight: dweight!, dbias: dbias! };
    },
  });

/**
 * Declares a normalisation by statistics of its own input: `y = (x - mean) · rstd · weight + bias` with
 * `rstd = 1 / sqrt(var + eps)`. Mean and rstd are outputs with a gradient, so that gradients of gradients follow too.
 */
export const standardizer = (name: string) => {
  const backward = backwardOf(name);
  return composite(name, {
    infer(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined, layout: Layout) {
      checkFloating(name, x);
      const statistics = { shape: reducedShape(layout.view, layout.dims, true), dtype: computeType(x.dtype) };
      return {
        inputs: { x, weight, bias },
        attrs: layout,
        outputs: { y: { shape: x.shape, dtype: x.dtype }, mean: statistics, rstd: statistics },
      };
    },
    decompose({ x, weight, bias }, layout) {
      const { dims, eps } = layout;
      const wide = seen(x, layout);
      const center = mean(wide, dims, over);
      const centered = add(wide, center, { alpha: -1 });
      const rstd = inverseRoot.call([meanSquare(centered, dims, over)], { eps });
      const y = scale(centered, rstd, met(weight, layout), met(bias, layout));
      return { y: reshape(cast(y, x.dtype), x.shape), mean: center, rstd };
    },
    saves: ['x', 'weight', 'mean', 'rstd'],
    vjp({ y: dy, mean: dmean, rstd: drstd }, { x, weight, mean: center, rstd }, layout) {
      if (dy === undefined || dmean !== undefined || drstd !== undefined)
        return gradients({ dy, dmean, drstd }, { x, weight, center, rstd }, layout);
      const { dx, dweight, dbias } = backward(dy, x, weight, center, rstd, layout);
      return { x: dx, weight: dweight, bias: dbias };
    },
  });
};

const rootMeanSquareBackward = backwardOf('rmsNorm');

/** `y = x · rstd · weight` with `rstd = 1 / sqrt(mean(x²) + eps)`. Fused kernels come under this name. */
export const rootMeanSquare = composite('rmsNorm', {
  infer(x: Tensor, weight: Tensor | undefined, layout: Layout) {
    checkFloating('rmsNorm', x);
    const statistics = { shape: reducedShape(layout.view, layout.dims, true), dtype: computeType(x.dtype) };
    return {
      inputs: { x, weight },
      attrs: layout,
      outputs: { y: { shape: x.shape, dtype: x.dtype }, rstd: statistics },
    };
  },
  decompose({ x, weight }, layout) {
    const wide = seen(x, layout);
    const rstd = inverseRoot.call([meanSquare(wide, layout.dims, over)], { eps: layout.eps });
    return { y: reshape(cast(scale(wide, rstd, met(weight, layout), undefined), x.dtype), x.shape), rstd };
  },
  saves: ['x', 'weight', 'rstd'],
  returns: ['y'],
  vjp({ y: dy, rstd: drstd }, { x, weight, rstd }, layout) {
    if (dy === undefined || drstd !== undefined) return gradients({ dy, drstd }, { x, weight, rstd }, layout);
    const { dx, dweight } = rootMeanSquareBackward(dy, x, weight, undefined, rstd, layout);
    return { x: dx, weight: dweight };
  },
});

/** `(x - mean) / sqrt(variance + eps) · weight + bias` by statistics that were given, in one launch. */
const given = new PointwiseOp(
  'batchNormInference',
  5,
  ([x, center, variance, weight, bias], { eps }) =>
    x!.sub(center!).mul(variance!.add(eps!).rsqrt()).mul(weight!).add(bias!),
  { params: { eps: 1e-5 } },
);

/** A normalisation by running statistics, each of them and weight and bias as they meet `x`. */
export const standardizeBy = (
  x: Tensor,
  center: Tensor,
  variance: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  eps: number,
): Tensor => cast(given.call([x, center, variance, weight ?? 1, bias ?? 0], { eps }), x.dtype);
