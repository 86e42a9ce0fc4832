import { AutogradError, showShape } from '../errors.ts';
import { type Node, nodeOf } from './node.ts';
import { Tensor } from './tensor.ts';

/** A value kept for the gradient, with the version it had. It owns a share of the storage, not the handle. */
export class SavedTensor {
  private readonly tensor: Tensor;
  /** The storage's at the time; -1 once given free. */
  private version: number;
  private readonly node: Node | null;
  private readonly outputIndex: number;

  /** `node`: the one that makes the tensor, where it is not set yet (an operator saving its own output). */
  constructor(tensor: Tensor, node: Node | null = nodeOf(tensor), outputIndex = tensor.outputIndex) {
    this.tensor = tensor;
    this.version = tensor.storage.version;
    this.node = node;
    this.outputIndex = outputIndex;
    tensor.storage.retain();
  }

  /**
   * The saved value.
   * @throws {AutogradError} it was changed in place since, or given free by an earlier `backward`.
   */
  unpack(op: string): Tensor {
    const { tensor } = this;
    if (this.version < 0) throw secondBackward(op);
    if (tensor.storage.version !== this.version) {
      const by = tensor.storage.changedBy;
      throw new AutogradError(
        `backward of ${op}: a value it needs, ${tensor.dtype} ${showShape(tensor.shape)}, was changed in place${by ? ` by ${by}` : ''} (it is at version ${tensor.storage.version}, saved at version ${this.version}); use the out-of-place operator, or change a clone()`,
        { op, data: { shape: tensor.shape, changedBy: by } },
      );
    }
    if (!tensor.disposed && tensor.node === this.node && tensor.outputIndex === this.outputIndex)
      return tensor;
    const revived = new Tensor(tensor.storage, tensor.dtype, tensor.shape, tensor.strides, tensor.offset);
    revived.node = this.node;
    revived.outputIndex = this.outputIndex;
    return revived;
  }

  release(): void {
    if (this.version < 0) return;
    this.version = -1;
    this.tensor.storage.release();
  }
}

function secondBackward(op: string): AutogradError {
  return new AutogradError(
    `backward of ${op}: the graph was already used by a backward, which gave its saved values free; pass { retainGraph: true } to the first backward, or compute the loss again`,
    { op },
  );
}
