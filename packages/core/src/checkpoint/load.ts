import { emptyTensor } from '../dispatch/operands.ts';
import { type CheckpointError, checkOptions } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Device, type DeviceEntry, deviceEntry } from '../storage/registry.ts';
import { waitingPoint } from '../tensor/turn.ts';
import { MAX_HEADER_BYTES, PREFIX_BYTES, quoted, refusal, type StoredTensor } from './format.ts';
import { dataByteLength, inDataOrder, parseHeader } from './header.ts';
import { type ByteSource, type CheckpointSource, joined, openSource } from './source.ts';

/** Bytes that are held at a time while a tensor is read. A multiple of every element's size. */
const PIECE_BYTES = 4 * 2 ** 20;

export interface LoadOptions {
  /** Where the tensors shall be. Default: the default device. */
  readonly device?: Device;
}

/** A checkpoint's tensors and the strings that were saved with them. */
export interface Checkpoint {
  readonly tensors: Record<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The tensors of a safetensors checkpoint by name, with the dtypes that they were saved with. Reads tensor by
 * tensor. A stream of unknown length is trusted no further than it has given bytes.
 *
 * - `source`: a path or file URL (where there is a file system), bytes, a Blob, a `ReadableStream` or another async
 *   iterable of bytes, such as `(await fetch(url)).body`
 *
 * @throws {CheckpointError} the source is damaged, is none, or holds a dtype that the device lacks; nothing is kept.
 * @see https://github.com/huggingface/safetensors
 * @example (await load(await serialize({ w: tensor([1, 2]) }))).w // tensor([1., 2.])
 */
export async function load(source: CheckpointSource, options?: LoadOptions): Promise<Record<string, Tensor>> {
  return (await loadWithMetadata(source, options)).tensors;
}

/**
 * `load`, with the metadata that was saved along.
 *
 * @throws {CheckpointError} as `load`.
 * @example (await loadWithMetadata(await serialize({}, { metadata: { epoch: '3' } }))).metadata.epoch // '3'
 */
export async function loadWithMetadata(source: CheckpointSource, options?: LoadOptions): Promise<Checkpoint> {
  checkOptions('load', options, ['device']);
  const entry = deviceEntry(options?.device);
  const bytes = await openSource(source);
  try {
    return await read(bytes, entry);
  } finally {
    await bytes.close();
  }
}

async function read(source: ByteSource, entry: DeviceEntry): Promise<Checkpoint> {
  const { text, byteLength } = await readHeader(source);
  const { tensors, metadata } = parseHeader(text, source.label);
  const ordered = inDataOrder(tensors, source.label);
  const total = byteLength + dataByteLength(ordered);
  if (source.byteLength !== undefined && source.byteLength !== total)
    throw wrongLength(source, total, source.byteLength);
  for (const stored of tensors) checkDevice(source, stored, entry);
  const made = new Map<StoredTensor, Tensor>();
  try {
    for (const stored of ordered)
      await readTensor(source, stored, entry, total, (tensor) => made.set(stored, tensor));
    if ((await source.read(1)).byteLength > 0)
      throw refusal(source.label, `bytes follow the ${total} of the checkpoint`);
  } catch (error) {
    for (const tensor of made.values()) tensor.dispose();
    throw error;
  }
  // Without a prototype, so that a tensor may have any name.
  const byName: Record<string, Tensor> = Object.create(null);
  for (const stored of tensors) byName[stored.name] = made.get(stored)!;
  return { tensors: byName, metadata };
}

function wrongLength(source: ByteSource, total: number, byteLength: number): CheckpointError {
  const what = byteLength < total ? 'it is cut off' : 'bytes follow the checkpoint';
  return refusal(
    source.label,
    `${what}: by its header it takes ${total} bytes, but there are ${byteLength}`,
    { expected: total, byteLength },
  );
}

async function readHeader(source: ByteSource): Promise<{ text: string; byteLength: number }> {
  const prefix = await source.read(PREFIX_BYTES);
  if (prefix.byteLength < PREFIX_BYTES)
    throw refusal(source.label, `it has ${prefix.byteLength} bytes, too few for a checkpoint`);
  const claimed = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES).getBigUint64(0, true);
  if (claimed > MAX_HEADER_BYTES) {
    throw refusal(
      source.label,
      `its header would take ${claimed} bytes; ${MAX_HEADER_BYTES} is the most. Is this a safetensors file?`,
    );
  }
  const length = Number(claimed);
  if (source.byteLength !== undefined && length > source.byteLength - PREFIX_BYTES) {
    throw refusal(
      source.label,
      `it is cut off: its header takes ${length} bytes, but ${source.byteLength - PREFIX_BYTES} are left`,
    );
  }
  const bytes = joined(await readPieces(source, length, () => {}));
  if (bytes.byteLength < length)
    throw refusal(source.label, `it ends inside its header, ${length} bytes long`);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, byteLength: PREFIX_BYTES + length };
  } catch {
    throw refusal(source.label, 'its header is not valid UTF-8');
  }
}

/** The next `length` bytes in pieces, as far as there are. */
async function readPieces(
  source: ByteSource,
  length: number,
  check: (piece: Uint8Array) => void,
): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for (let left = length; left > 0; ) {
    const piece = await source.read(Math.min(left, PIECE_BYTES));
    if (piece.byteLength === 0) break;
    check(piece);
    pieces.push(piece);
    left -= piece.byteLength;
  }
  return pieces;
}

function checkDevice(source: ByteSource, { name, dtype }: StoredTensor, entry: DeviceEntry): void {
  if (entry.supports(dtype)) return;
  const known = entry.limits.dtypes.join(', ');
  throw refusal(
    source.label,
    `tensor ${quoted(name)} is ${dtype}, which ${entry.device} does not have (it has ${known}); load it on the CPU and convert it: load(source, { device: 'cpu' }), then .to({ dtype: … })`,
    { name, dtype, device: entry.device },
  );
}

/** Reads one tensor; `made` sees it as soon as it has memory. */
async function readTensor(
  source: ByteSource,
  stored: StoredTensor,
  entry: DeviceEntry,
  total: number,
  made: (tensor: Tensor) => void,
): Promise<void> {
  const { name, dtype, shape, start, end } = stored;
  const allocate = (): Tensor => {
    const tensor = emptyTensor(entry, dtype, shape);
    made(tensor);
    return tensor;
  };
  const check = (piece: Uint8Array): void => {
    if (dtype === 'bool' && piece.some((byte) => byte > 1)) {
      throw refusal(source.label, `tensor ${quoted(name)} is bool, but has bytes that are neither 0 nor 1`);
    }
  };
  const cutOff = (got: number): CheckpointError =>
    refusal(
      source.label,
      `it is cut off: tensor ${quoted(name)} has ${got} of its ${end - start} bytes, of ${total} in all`,
    );
  if (source.byteLength !== undefined) {
    const tensor = allocate();
    for (let at = 0; at < end - start; ) {
      const piece = await source.read(Math.min(end - start - at, PIECE_BYTES));
      if (piece.byteLength === 0) throw cutOff(at);
      check(piece);
      entry.backend.write(tensor.storage.allocation, at, piece);
      at += piece.byteLength;
      await waitingPoint();
    }
    return;
  }
  // The header of a stream may claim what never comes: memory is taken once the bytes are there.
  const pieces = await readPieces(source, end - start, check);
  const got = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  if (got < end - start) throw cutOff(got);
  const tensor = allocate();
  let at = 0;
  for (const piece of pieces) {
    entry.backend.write(tensor.storage.allocation, at, piece);
    at += piece.byteLength;
  }
  await waitingPoint();
}
