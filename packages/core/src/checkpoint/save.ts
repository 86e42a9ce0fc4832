import { files } from '#host';
import { byteLengthOf } from '../dtype.ts';
import { ArgumentError, BackendError, CheckpointError, describe, FlambeauError } from '../errors.ts';
import { withRecording } from '../graph/mode.ts';
import type { Tensor } from '../graph/tensor.ts';
import { clone } from '../ops/copying.ts';
import { isContiguous } from '../shape.ts';
import { scope } from '../storage/scope.ts';
import { waitingPoint } from '../tensor/turn.ts';
import { quoted } from './format.ts';
import { type Part, type Plan, planned, type SaveOptions, type StateDict } from './plan.ts';

/**
 * Saves tensors as a safetensors checkpoint, tensor by tensor. A file appears complete or not at all: the old one stays
 * until the new one is on the disk. Two names of one memory are saved twice.
 *
 * - `target`: a path or file URL, or a `WritableStream`, which is closed at the end
 *
 * @throws {CheckpointError} a dtype or name has no place in the format, the target cannot be written, or a tensor is
 * changed in place before it was saved: await `save` before the next step.
 * @see https://github.com/huggingface/safetensors
 * @example await save('model.safetensors', model.stateDict(), { metadata: { epoch: '3' } });
 */
export async function save(
  target: string | URL | WritableStream<Uint8Array>,
  stateDict: StateDict,
  options?: SaveOptions,
): Promise<void> {
  const plan = planned('save', stateDict, options);
  if (isWritableStream(target)) return writeTo(target, chunks(plan));
  return files.writeAtomically('save', filePath('save', target), chunks(plan));
}

/** `save` to a file at once, where the tensors' devices read synchronously. @throws {CheckpointError} as `save`. */
export function saveSync(target: string | URL, stateDict: StateDict, options?: SaveOptions): void {
  const plan = planned('saveSync', stateDict, options);
  files.writeAtomicallySync('saveSync', filePath('saveSync', target), chunksSync(plan));
}

/**
 * A safetensors checkpoint as bytes.
 *
 * @throws {CheckpointError} as `save`.
 * @example (await serialize({ w: tensor([1, 2]) })).byteLength // 72
 */
export async function serialize(stateDict: StateDict, options?: SaveOptions): Promise<Uint8Array> {
  const plan = planned('serialize', stateDict, options);
  const bytes = wholeOf(plan);
  let at = 0;
  for await (const chunk of chunks(plan)) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** `serialize` at once, where the tensors' devices read synchronously. @throws {CheckpointError} as `save`. */
export function serializeSync(stateDict: StateDict, options?: SaveOptions): Uint8Array {
  const plan = planned('serializeSync', stateDict, options);
  const bytes = wholeOf(plan);
  let at = 0;
  for (const chunk of chunksSync(plan)) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function wholeOf({ op, byteLength }: Plan): Uint8Array {
  try {
    return new Uint8Array(byteLength);
  } catch (cause) {
    throw new CheckpointError(
      `${op}: ${byteLength} bytes are too many for one array; save to a file or a stream`,
      { op, cause },
    );
  }
}

const isWritableStream = (target: unknown): target is WritableStream<Uint8Array> =>
  typeof target === 'object' && target !== null && 'getWriter' in target;

function filePath(op: string, target: unknown): string | URL {
  if (typeof target === 'string' || Object.prototype.toString.call(target) === '[object URL]')
    return target as string | URL;
  const streams = op === 'save' ? ' or a WritableStream (for a stream of Node: Writable.toWeb(stream))' : '';
  throw new ArgumentError(`${op}: the target must be a path, a file URL${streams}, got ${describe(target)}`, {
    op,
  });
}

async function writeTo(target: WritableStream<Uint8Array>, parts: AsyncIterable<Uint8Array>): Promise<void> {
  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  try {
    writer = target.getWriter();
    for await (const part of parts) {
      await writer.ready;
      await writer.write(part);
    }
    await writer.close();
  } catch (error) {
    await writer?.abort(error).catch(() => {});
    if (error instanceof FlambeauError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CheckpointError(`save: the stream failed: ${reason}`, { op: 'save', cause: error });
  } finally {
    writer?.releaseLock();
  }
}

async function* chunks(plan: Plan): AsyncGenerator<Uint8Array, void, void> {
  yield plan.head;
  for (const part of plan.parts) {
    checkUnchanged(plan.op, part);
    if (part.byteLength === 0) continue;
    yield await stored(part.tensor, (x, start) =>
      x.entry.backend.read(x.storage.allocation, start, part.byteLength),
    );
    await waitingPoint();
  }
}

function* chunksSync(plan: Plan): Generator<Uint8Array, void, void> {
  yield plan.head;
  for (const part of plan.parts) {
    checkUnchanged(plan.op, part);
    const { backend } = part.tensor.entry;
    if (backend.readSync === undefined) {
      throw new BackendError(
        `${plan.op}: ${part.tensor.device} cannot be read synchronously; write await ${plan.op.replace(/Sync$/, '')}(…)`,
        { op: plan.op },
      );
    }
    if (part.byteLength === 0) continue;
    yield stored(part.tensor, (x, start) => backend.readSync!(x.storage.allocation, start, part.byteLength));
  }
}

/** The tensor's elements as they are stored, in row-major order: from `start`, in bytes. */
function stored<R>(tensor: Tensor, read: (contiguous: Tensor, start: number) => R): R {
  let result: R;
  scope(() =>
    withRecording(false, () => {
      const x = isContiguous(tensor.shape, tensor.strides) ? tensor : clone(tensor);
      result = read(x, x.offset * byteLengthOf(x.dtype));
    }),
  );
  return result!;
}

function checkUnchanged(op: string, { name, tensor, version }: Part): void {
  if (tensor.disposed)
    throw new CheckpointError(`${op}: tensor ${quoted(name)} was disposed before it was saved`, { op });
  if (tensor.storage.version !== version) {
    throw new CheckpointError(
      `${op}: tensor ${quoted(name)} was changed in place by ${tensor.storage.changedBy} before it was saved; await ${op} before the next step, or save clones`,
      { op, data: { name } },
    );
  }
}
