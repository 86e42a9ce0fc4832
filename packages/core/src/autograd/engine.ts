import { ArgumentError, AutogradError, describe, ShapeError, showShape } from '../errors.ts';
import { addHook, edgeTo, type Node } from '../graph/node.ts';
import { isTensor, type Tensor, type TensorHook } from '../graph/tensor.ts';
import { add } from '../ops/arithmetic.ts';
import { cast } from '../ops/copying.ts';
import { onesOf } from '../ops/filling.ts';
import { sameShape } from '../shape.ts';
import { pauseScopes, resumeScopes, track, unscoped } from '../storage/scope.ts';
import { type BackwardOptions, type Root, runPass } from './pass.ts';

export type { BackwardOptions } from './pass.ts';

let unit: Tensor | null = null;

/** One, as the gradient that a pass begins with: the same tensor for all passes, as long as nobody changed it in place. */
function unitOf(output: Tensor): Tensor {
  // On a device it would hold memory for nothing.
  if (output.shape.length > 0 || !output.storage.allocation.collected) return onesOf(output);
  if (
    unit === null ||
    unit.storage.entry !== output.storage.entry ||
    unit.dtype !== output.dtype ||
    unit.storage.version > 0 ||
    unit.disposed
  ) {
    unit = onesOf(output);
    unit.shown = true;
  }
  return unit;
}

/** `recording`: whether the pass itself is recorded, so that its gradients may live on. */
function rootOf(op: string, output: Tensor, gradient: Tensor | null | undefined, recording: boolean): Root {
  const edge = edgeTo(output);
  if (edge === null) {
    throw new AutogradError(
      `${op}: the tensor needs no gradient and was not made from one that does; set requiresGrad on what it is computed from`,
      { op },
    );
  }
  if (gradient === null || gradient === undefined) {
    if (output.size !== 1) {
      throw new AutogradError(
        `${op}: a gradient can be made up only for a tensor of one element, and this one has shape ${showShape(output.shape)}; reduce it first, e.g. y.sum().backward(), or give the gradient`,
        { op, data: { shape: output.shape } },
      );
    }
    return { edge, gradient: recording ? onesOf(output) : unitOf(output) };
  }
  if (!isTensor(gradient)) {
    throw new ArgumentError(
      `${op}: the gradient must be a tensor or null, got ${describe(gradient)}; options come after it: y.backward(null, { retainGraph: true })`,
      { op },
    );
  }
  if (!sameShape(gradient.shape, output.shape)) {
    throw new ShapeError(
      `${op}: the gradient has shape ${showShape(gradient.shape)}, the tensor ${showShape(output.shape)}`,
      { op },
    );
  }
  gradient.shown = true;
  return { edge, gradient: cast(gradient, output.dtype) };
}

/**
 * Adds the gradient of `output` to the `grad` of every leaf that it was computed from.
 *
 * @throws {AutogradError} nothing needs a gradient, the graph was used before, or a saved value was changed.
 */
export function backward(output: Tensor, gradient?: Tensor | null, options: BackwardOptions = {}): void {
  const before = pauseScopes();
  try {
    runPass([rootOf('backward', output, gradient, options.createGraph ?? false)], options, null);
  } finally {
    resumeScopes(before);
  }
}

export interface GradOptions extends BackwardOptions {
  /** The gradients of the outputs; ones for outputs of one element. */
  readonly gradOutputs?: Tensor | readonly (Tensor | null)[];
  /** Gives null for inputs that the outputs do not depend on, instead of an error. */
  readonly allowUnused?: boolean;
}

/**
 * The gradients of `outputs` with respect to `inputs`, without touching any `grad`.
 *
 * @throws {AutogradError} an input needs no gradient, or is not part of the graph and `allowUnused` is not set.
 * @example
 * const x = tensor(3, { requiresGrad: true });
 * grad(x.pow(2), [x]); // [tensor(6.)]
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options?: GradOptions & { allowUnused?: false },
): Tensor[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions,
): (Tensor | null)[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const outs = Array.isArray(outputs) ? (outputs as readonly Tensor[]) : [outputs as Tensor];
  const given = options.gradOutputs;
  const gradOutputs = given === undefined ? [] : Array.isArray(given) ? given : [given];
  const gradients = unscoped(() => {
    const places = inputs.map((x, i) => {
      const edge = edgeTo(x);
      if (edge === null)
        throw new AutogradError(
          `grad: input ${i} needs no gradient; call requiresGrad_() before it is used`,
          { op: 'grad' },
        );
      return edge;
    });
    const captures = new Map<Node, number[]>();
    for (const { node, outputIndex } of places)
      captures.set(node, [...(captures.get(node) ?? []), outputIndex]);
    const recording = options.createGraph ?? false;
    const roots = outs.map((output, i) => rootOf('grad', output, gradOutputs[i], recording));
    const arrived = runPass(roots, options, captures);
    return places.map(({ node, outputIndex }, i) => {
      const found = arrived?.get(node)?.[captures.get(node)!.indexOf(outputIndex)] ?? null;
      if (found === null && !options.allowUnused) {
        throw new AutogradError(
          `grad: the outputs do not depend on input ${i}; pass { allowUnused: true } to get null for it`,
          { op: 'grad' },
        );
      }
      return found;
    });
  });
  // The results belong to the scope in which they were asked for.
  for (const gradient of gradients) if (gradient !== null) track(gradient);
  return gradients;
}

/** Keeps the gradient of a tensor that is no leaf in its `grad`. */
export function retainGrad(tensor: Tensor): void {
  if (tensor.retainsGrad || tensor.isLeaf) return;
  tensor.retainsGrad = true;
  addHook(tensor, (gradient) => {
    tensor.grad = tensor.grad === null ? gradient : add(tensor.grad, gradient);
  });
}

/**
 * Lets a function see, and by its result replace, the gradient of a tensor in every backward. Returns the way to
 * take it off.
 */
export const registerHook = (tensor: Tensor, hook: TensorHook): (() => void) => addHook(tensor, hook);
