import type { Scalar } from '../dtype.ts';
import { AutogradError } from '../errors.ts';
import { type Edge, type GradientList, type Gradients, Node } from '../graph/node.ts';
import { SavedTensor } from '../graph/saved.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { copyOf } from './in-place.ts';
import type { PointwiseOp } from './pointwise.ts';
import type { ParameterValues, Value } from './pointwise-operands.ts';

/** A recorded pointwise operator. It keeps just the operands that its gradients read. */
export class PointwiseNode extends Node {
  private readonly op: PointwiseOp;
  private readonly options: ParameterValues | undefined;
  private readonly kept: (SavedTensor | Scalar | null)[];
  private readonly readsOutput: boolean;
  private output: SavedTensor | null = null;

  /** `overwrites`: operand 0 is about to change, so that a gradient that reads it needs a copy. */
  constructor(
    op: PointwiseOp,
    operands: readonly Value[],
    options: ParameterValues | undefined,
    edges: readonly (Edge | null)[],
    overwrites: boolean,
  ) {
    super(op.name, edges);
    this.op = op;
    this.options = options;
    let mask = 0;
    let readsOutput = false;
    for (let i = 0; i < edges.length; i++) {
      if (edges[i] === null) continue;
      const gradient = op.gradient(i)!;
      mask |= gradient.readMask;
      if (gradient.readsOutput) readsOutput = true;
    }
    this.readsOutput = readsOutput;
    this.kept = new Array<SavedTensor | Scalar | null>(operands.length);
    for (let slot = 0; slot < operands.length; slot++) {
      const operand = operands[slot]!;
      if (!isTensor(operand)) this.kept[slot] = operand;
      else if ((mask & (1 << slot)) === 0) this.kept[slot] = null;
      else this.kept[slot] = new SavedTensor(overwrites && slot === 0 ? copyOf(operand) : operand);
    }
  }

  /** Keeps the output, now that it has its place in the graph, where a gradient reads it. */
  saveOutput(output: Tensor): void {
    if (this.readsOutput) this.output = new SavedTensor(output, output.node, output.outputIndex);
  }

  apply([dy]: Gradients): GradientList {
    const { edges } = this;
    const gradients = new Array<Tensor | null>(edges.length);
    for (let i = 0; i < edges.length; i++)
      gradients[i] = dy && edges[i] !== null ? this.gradient(i, dy) : null;
    return gradients;
  }

  private gradient(i: number, dy: Tensor): Tensor {
    const { op, reads, readsOutput } = this.op.gradient(i)!;
    if (op === null) return dy;
    const operands = new Array<Value>(1 + reads.length + (readsOutput ? 1 : 0));
    operands[0] = dy;
    for (let k = 0; k < reads.length; k++) operands[k + 1] = this.unpack(reads[k]!);
    if (readsOutput) operands[operands.length - 1] = this.output!.unpack(this.name);
    return op.call(operands, this.options);
  }

  private unpack(slot: number): Value {
    const kept = this.kept[slot]!;
    if (kept instanceof SavedTensor) return kept.unpack(this.name);
    if (kept === null)
      throw new AutogradError(`backward of ${this.name}: operand ${slot} was not saved`, { op: this.name });
    return kept;
  }

  override release(): void {
    for (const kept of this.kept) if (kept instanceof SavedTensor) kept.release();
    this.output?.release();
  }
}
