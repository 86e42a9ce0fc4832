import { emptyTensor } from '../dispatch/operands.ts';
import { byteLengthOf } from '../dtype.ts';
import { BackendError } from '../errors.ts';
import { gradEnabled, withRecording } from '../graph/mode.ts';
import { edgeTo, type GradientList, type Gradients, Node, wantsGrad } from '../graph/node.ts';
import type { Tensor } from '../graph/tensor.ts';
import { clone } from '../ops/copying.ts';
import { type DeviceEntry, deviceEntry } from '../storage/registry.ts';
import { scope } from '../storage/scope.ts';

/** The tensor on another device. Gradients travel back. */
export function transfer(x: Tensor, device: string): Tensor {
  const entry = deviceEntry(device);
  if (entry === x.entry) return x;
  return attach(x, copyAcross(x, entry));
}

/** `transfer` from a device that can only be read asynchronously. */
export async function transferAsync(x: Tensor, device: string): Promise<Tensor> {
  const entry = deviceEntry(device);
  if (entry === x.entry) return x;
  const { bytes, shape, dtype } = readBytes(x, (source, start, length) =>
    source.entry.backend.read(source.storage.allocation, start, length),
  );
  const ready = await bytes;
  const target = emptyTensor(entry, dtype, shape);
  if (ready.byteLength > 0) entry.backend.write(target.storage.allocation, 0, ready);
  return attach(x, target);
}

function attach(x: Tensor, target: Tensor): Tensor {
  if (gradEnabled && wantsGrad(x)) target.node = new TransferNode(x);
  return target;
}

function readBytes<B>(x: Tensor, reading: (source: Tensor, start: number, byteLength: number) => B) {
  return scope(() =>
    withRecording(false, () => {
      const source = x.rowMajor ? x : clone(x);
      const width = byteLengthOf(x.dtype);
      const bytes =
        x.size === 0 ? new Uint8Array(0) : reading(source, source.offset * width, source.size * width);
      return { bytes, shape: x.shape, dtype: x.dtype };
    }),
  );
}

function copyAcross(x: Tensor, entry: DeviceEntry): Tensor {
  if (entry.device === 'meta') return emptyTensor(entry, x.dtype, x.shape);
  const { backend } = x.entry;
  if (backend.readSync === undefined) {
    throw new BackendError(
      `to: ${x.device} cannot be read synchronously; write (await x.cpu())${entry.device === 'cpu' ? '' : `.to('${entry.device}')`}`,
      { op: 'to' },
    );
  }
  const { bytes, shape, dtype } = readBytes(x, (source, start, length) =>
    backend.readSync!(source.storage.allocation, start, length),
  );
  const target = emptyTensor(entry, dtype, shape);
  if (bytes.byteLength > 0) entry.backend.write(target.storage.allocation, 0, bytes);
  return target;
}

class TransferNode extends Node {
  private readonly device: string;

  constructor(x: Tensor) {
    super('to', [edgeTo(x)]);
    this.device = x.device;
  }

  apply([dy]: Gradients): GradientList {
    return [dy ? transfer(dy, this.device) : null];
  }
}
