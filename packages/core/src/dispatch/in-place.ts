import { AutogradError } from '../errors.ts';
import { gradEnabled } from '../graph/mode.ts';
import { edgeTo, type GradientList, type Gradients, Node, nodeOf, wantsGrad } from '../graph/node.ts';
import type { Tensor } from '../graph/tensor.ts';
import { aliasing, overlapsItself } from './operands.ts';

/** Operators that this layer needs and the layer of operators gives. */
interface Copying {
  clone(x: Tensor): Tensor;
  copy_(target: Tensor, source: Tensor): Tensor;
  zeroLike(x: Tensor): Tensor;
}

let copying: Copying;

/** Called once, where `clone` and `copy_` are declared. */
export function provideCopying(operators: Copying): void {
  copying = operators;
}

/**
 * Refuses an in-place operator where PyTorch does.
 * @throws {AutogradError} on a leaf that needs a gradient, on one of several views, on memory that overlaps itself.
 */
export function checkInPlace(op: string, target: Tensor): void {
  if (overlapsItself(target)) {
    throw new AutogradError(
      `${op}: several elements of the tensor share one place in memory (it was expanded); change a clone() instead`,
      { op },
    );
  }
  if (!gradEnabled) return;
  const { viewLink } = target;
  if (target.leafRequiresGrad || viewLink?.base.leafRequiresGrad) {
    const what = target.leafRequiresGrad ? 'a leaf' : 'a view of a leaf';
    throw new AutogradError(
      `${op}: ${what} that requires grad cannot be changed in place while a graph is recorded; wrap the update in noGrad(() => …)`,
      { op },
    );
  }
  if (viewLink !== null && viewLink.frozen !== null && (wantsGrad(target) || wantsGrad(viewLink.base))) {
    throw new AutogradError(`${op}: ${viewLink.frozen}; change a clone() of it instead`, { op });
  }
}

/** A copy in memory of its own, recorded like any other operator. */
export const copyOf = (x: Tensor): Tensor => copying.clone(x);

/** `operand`, or a copy of it where it shares part of the target's memory in another arrangement. */
export function separateFrom(target: Tensor, operand: Tensor): Tensor {
  return aliasing(target, operand) === 'partial' ? copyOf(operand) : operand;
}

/**
 * Writes a result into a tensor: the in-place form of an operator that has no way of its own to write over its input.
 */
export const copyInto = (target: Tensor, source: Tensor): Tensor => copying.copy_(target, source);

/**
 * Makes `node` the origin of an in-place result. Input 0 of `node` is the target's old value. Through a view, the
 * base becomes the output of a node that replaces the view's part.
 */
export function assignNode(target: Tensor, node: Node): void {
  if (target.viewLink === null) {
    target.node = node;
    target.outputIndex = 0;
    return;
  }
  const { base } = target.viewLink;
  base.node = new RebaseNode(node, target, base);
  base.outputIndex = 0;
  target.viewLink.refresh(target);
}

/** The gradient of a base, one view of which was changed in place by `inner`. */
class RebaseNode extends Node {
  private readonly inner: Node;
  private readonly view: Tensor;

  constructor(inner: Node, view: Tensor, base: Tensor) {
    super(`${inner.name}_ on a view`, [nodeOf(base) === null ? null : edgeTo(base), ...inner.edges.slice(1)]);
    this.inner = inner;
    this.view = view;
  }

  apply([dy]: Gradients): GradientList {
    if (dy === null || dy === undefined) return this.edges.map(() => null);
    const whole = copying.clone(dy);
    const part = this.view.viewLink!.replay(whole);
    const [old, ...others] = this.inner.apply([copying.clone(part)]);
    copying.copy_(part, old ?? copying.zeroLike(part));
    return [whole, ...others];
  }

  override release(): void {
    this.inner.release();
  }
}
