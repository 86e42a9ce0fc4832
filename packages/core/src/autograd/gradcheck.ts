import { pointwise } from '../dispatch/declare.ts';
import { isDifferentiable } from '../dtype.ts';
import { AutogradError, showShape } from '../errors.ts';
import { enableGrad, noGrad } from '../graph/mode.ts';
import { Tensor } from '../graph/tensor.ts';
import { add, mul } from '../ops/arithmetic.ts';
import { sum } from '../ops/broadcast.ts';
import { clone } from '../ops/copying.ts';
import { progressionOn } from '../ops/creation.ts';
import { read } from '../ops/reading.ts';
import { permute, reshape } from '../ops/reshape.ts';
import { cloneAlias } from './detach.ts';
import { grad } from './engine.ts';

export interface GradcheckOptions {
  /** Step of the numerical difference. Default 1e-6. */
  readonly eps?: number;
  /** Default 1e-5. */
  readonly atol?: number;
  /** Default 1e-3. */
  readonly rtol?: number;
}

type Differentiable = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/**
 * Compares gradients with numerical differences, for every input that requires one, against a fixed combination of
 * all outputs. Inputs must be float64.
 *
 * @throws {AutogradError} they differ; the text names input, element and both values.
 * @example await gradcheck((x) => x.sin(), [randn([3], { dtype: 'float64', requiresGrad: true })])
 */
export async function gradcheck(
  fn: Differentiable,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<void> {
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3 } = options;
  const checked = inputs.flatMap((x, i) => (x.requiresGrad ? [i] : []));
  if (checked.length === 0)
    throw new AutogradError('gradcheck: no input requires a gradient', { op: 'gradcheck' });
  for (const i of checked) {
    if (inputs[i]!.dtype !== 'float64')
      throw new AutogradError(`gradcheck: input ${i} is ${inputs[i]!.dtype}; differences need float64`, {
        op: 'gradcheck',
      });
  }
  const objective = (...given: Tensor[]): Tensor => weighted(fn(...given));
  const loss = objective(...inputs);
  if (!loss.requiresGrad)
    throw new AutogradError('gradcheck: no output depends on an input that requires a gradient', {
      op: 'gradcheck',
    });
  const gradients = grad(
    loss,
    checked.map((i) => inputs[i]!),
    { allowUnused: true },
  );
  for (const [k, i] of checked.entries()) {
    const gradient = gradients[k];
    const analytic = gradient ? await read('gradcheck', gradient) : new Float64Array(inputs[i]!.size);
    await compare(objective, inputs, i, analytic as Float64Array, { eps, atol, rtol });
  }
}

/** The sum of all differentiable outputs, each element with another weight. */
function weighted(result: Tensor | readonly Tensor[]): Tensor {
  const outputs = (Array.isArray(result) ? result : [result]) as readonly Tensor[];
  let total: Tensor | undefined;
  for (const [k, output] of outputs.entries()) {
    if (!isDifferentiable(output.dtype)) continue;
    const weights = weightsFor(output, k);
    const term = sum(mul(output, weights));
    total = total === undefined ? term : add(total, term);
  }
  if (total === undefined)
    throw new AutogradError('gradcheck: the function has no floating output', { op: 'gradcheck' });
  return total;
}

/** Weights without a pattern that a wrong gradient could share. */
const weight = pointwise('gradcheckWeight', (x) => x.mul(7.3).sin().add(0.2));

function weightsFor(output: Tensor, k: number): Tensor {
  const ramp = progressionOn(output.entry, output.size, output.dtype, 0.37 + k, 1.618);
  return reshape(weight(ramp), output.shape);
}

async function compare(
  objective: (...given: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  i: number,
  analytic: Float64Array,
  { eps, atol, rtol }: Required<GradcheckOptions>,
): Promise<void> {
  const x = inputs[i]!;
  for (let element = 0; element < x.size; element++) {
    const at = async (step: number): Promise<number> => {
      const moved = noGrad(() =>
        objective(...inputs.map((other, j) => (j === i ? perturbed(x, element, step) : other))),
      );
      return Number((await read('gradcheck', moved))[0]);
    };
    const numeric = ((await at(eps)) - (await at(-eps))) / (2 * eps);
    const given = analytic[element]!;
    if (
      Math.abs(numeric - given) <= atol + rtol * Math.abs(numeric) ||
      (Number.isNaN(numeric) && Number.isNaN(given))
    )
      continue;
    throw new AutogradError(
      `gradcheck: input ${i} ${showShape(x.shape)}, element ${element}: backward gives ${given}, differences give ${numeric}`,
      { op: 'gradcheck', data: { input: i, element, analytic: given, numeric } },
    );
  }
}

/** A copy that lies in memory in the same order, with one element moved. */
function perturbed(x: Tensor, element: number, step: number): Tensor {
  const order = x.strides
    .map((stride, dim) => ({ stride, dim }))
    .sort((a, b) => b.stride - a.stride)
    .map(({ dim }) => dim);
  const inverse: number[] = [];
  for (const [position, dim] of order.entries()) inverse[dim] = position;
  const copy = permute(clone(permute(cloneAlias(x), order)), inverse);
  const indices = unravel(element, x.shape);
  const offset = copy.offset + indices.reduce((at, index, dim) => at + index * copy.strides[dim]!, 0);
  const place = new Tensor(copy.storage, copy.dtype, [], [], offset);
  (add.inPlace as (target: Tensor, value: number) => Tensor)(place, step);
  return copy;
}

function unravel(element: number, shape: readonly number[]): number[] {
  const indices = new Array<number>(shape.length);
  let rest = element;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    indices[dim] = rest % shape[dim]!;
    rest = Math.floor(rest / shape[dim]!);
  }
  return indices;
}

/**
 * `gradcheck` of the gradients themselves, with respect to inputs and to the gradients of the outputs.
 *
 * @throws {AutogradError} they differ.
 */
export async function gradgradcheck(
  fn: Differentiable,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<void> {
  const checked = inputs.flatMap((x, i) => (x.requiresGrad ? [i] : []));
  const first = fn(...inputs);
  const outputs = ((Array.isArray(first) ? first : [first]) as readonly Tensor[]).filter(
    (y) => isDifferentiable(y.dtype) && y.requiresGrad,
  );
  const cotangents = outputs.map((y, k) => {
    const weights = clone(noGrad(() => weightsFor(y, k + 3)));
    weights.leafRequiresGrad = true;
    return weights;
  });
  const gradients = (...given: Tensor[]): Tensor[] => {
    const xs = given.slice(0, inputs.length);
    const dys = given.slice(inputs.length);
    const enabled = xs.map((x, i) => (inputs[i]!.requiresGrad && !x.requiresGrad ? leafOf(x) : x));
    const result = enableGrad(() => fn(...enabled));
    const ys = ((Array.isArray(result) ? result : [result]) as readonly Tensor[]).filter(
      (y) => isDifferentiable(y.dtype) && y.requiresGrad,
    );
    const found = enableGrad(() =>
      grad(
        ys,
        checked.map((i) => enabled[i]!),
        { gradOutputs: dys, createGraph: true, allowUnused: true },
      ),
    );
    return found.filter((g) => g !== null);
  };
  const probe = gradients(...inputs, ...cotangents);
  if (!probe.some((g) => g.requiresGrad)) return;
  await gradcheck(gradients, [...inputs, ...cotangents], options);
}

function leafOf(x: Tensor): Tensor {
  const leaf = cloneAlias(x);
  leaf.leafRequiresGrad = true;
  return leaf;
}
