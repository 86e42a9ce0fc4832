import { isDifferentiable } from '../dtype.ts';
import { AutogradError } from '../errors.ts';
import { anomalyMode } from '../graph/mode.ts';
import type { GradientList, Node } from '../graph/node.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sumTo } from '../ops/broadcast.ts';
import { cast } from '../ops/copying.ts';

/** Applies a node's rule; where anomalies are looked for, NaN is refused and errors say where the operator was called. */
export function applyRule(node: Node, dys: readonly (Tensor | null)[]): GradientList {
  if (!anomalyMode) return node.apply(dys);
  try {
    const gradients = node.apply(dys);
    for (const [i, gradient] of gradients.entries()) if (gradient) refuseNaN(node, gradient, i);
    return gradients;
  } catch (error) {
    if (error instanceof AutogradError && node.calledAt !== undefined) {
      error.message += `; the forward operator was called at:\n${node.calledAt.split('\n').slice(1).join('\n')}`;
    }
    throw error;
  }
}

function refuseNaN(node: Node, gradient: Tensor, index: number): void {
  const { backend } = gradient.entry;
  if (backend.readSync === undefined || !isDifferentiable(gradient.dtype)) return;
  const total = sumTo(cast(gradient, 'float32'), []);
  const bytes = backend.readSync(total.storage.allocation, total.offset * 4, 4);
  if (Number.isNaN(new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true))) {
    throw new AutogradError(`backward of ${node.name}: the gradient of input ${index} holds NaN`, {
      op: node.name,
    });
  }
}
