import { files } from '#host';
import { byteLengthOf } from '../dtype.ts';
import {
  ArgumentError,
  BackendError,
  CheckpointError,
  checkOptions,
  describe,
  FlambeauError,
} from '../errors.ts';
import { withRecording } from '../graph/mode.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { clone } from '../ops/copying.ts';
import { isContiguous } from '../shape.ts';
import { scope } from '../storage/scope.ts';
import { waitingPoint } from '../tensor/turn.ts';
import {
  FORMAT_DTYPES,
  type FormatDType,
  hasLoneSurrogate,
  MAX_HEADER_BYTES,
  METADATA,
  PREFIX_BYTES,
  quoted,
} from './format.ts';

/** Tensors by name, as `module.stateDict()` gives them. */
export type StateDict = Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;

export interface SaveOptions {
  /** Strings to keep along, e.g. `{ format: 'pt' }`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What is to be written: the header, and the tensors in the order of their bytes. */
interface Plan {
  readonly op: string;
  readonly head: Uint8Array;
  readonly parts: readonly Part[];
  /** Of header and data. */
  readonly byteLength: number;
}

interface Part {
  readonly name: string;
  readonly tensor: Tensor;
  readonly version: number;
  readonly byteLength: number;
}

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

function planned(op: string, stateDict: StateDict, options: SaveOptions | undefined): Plan {
  checkOptions(op, options, ['metadata']);
  const header: string[] = [];
  if (options?.metadata !== undefined)
    header.push(`${JSON.stringify(METADATA)}:${metadataText(op, options.metadata)}`);
  const parts: Part[] = [];
  let at = 0;
  for (const [name, tensor] of inFormatOrder(entriesOf(op, stateDict))) {
    const byteLength = tensor.size * byteLengthOf(tensor.dtype);
    header.push(
      `${JSON.stringify(name)}:{"dtype":"${formatDType(op, name, tensor)}","shape":[${tensor.shape.join(',')}],"data_offsets":[${at},${at + byteLength}]}`,
    );
    parts.push({ name, tensor, version: tensor.storage.version, byteLength });
    at += byteLength;
  }
  const head = encodeHead(op, `{${header.join(',')}}`);
  return { op, head, parts, byteLength: head.byteLength + at };
}

function entriesOf(op: string, stateDict: StateDict): [string, Tensor][] {
  if (
    typeof stateDict !== 'object' ||
    stateDict === null ||
    isTensor(stateDict) ||
    Array.isArray(stateDict)
  ) {
    throw new ArgumentError(
      `${op}: the tensors come by name, as { weight: tensor } or a Map, got ${describe(stateDict)}`,
      { op },
    );
  }
  const entries: [string, unknown][] =
    Symbol.iterator in stateDict
      ? [...(stateDict as ReadonlyMap<string, unknown>)]
      : Object.entries(stateDict);
  for (const [name, tensor] of entries) {
    checkText(op, 'a name', name);
    if (name === METADATA)
      throw new CheckpointError(`${op}: no tensor can be called ${METADATA}; give strings as { metadata }`, {
        op,
      });
    if (!isTensor(tensor))
      throw new ArgumentError(`${op}: ${quoted(name)} must be a tensor, got ${describe(tensor)}`, { op });
    if (tensor.disposed) throw new CheckpointError(`${op}: tensor ${quoted(name)} was disposed`, { op });
  }
  return entries as [string, Tensor][];
}

function checkText(op: string, what: string, text: unknown): asserts text is string {
  if (typeof text !== 'string')
    throw new ArgumentError(`${op}: ${what} must be a string, got ${describe(text)}`, { op });
  if (hasLoneSurrogate(text))
    throw new CheckpointError(`${op}: ${what}, ${quoted(text)}, is no valid Unicode`, { op });
}

function metadataText(op: string, metadata: Readonly<Record<string, string>>): string {
  if (typeof metadata !== 'object' || metadata === null) {
    throw new ArgumentError(`${op}: metadata must be an object of strings, got ${describe(metadata)}`, {
      op,
    });
  }
  const members = Object.entries(metadata).map(([key, value]) => {
    checkText(op, 'a key of metadata', key);
    checkText(op, `metadata ${quoted(key)}`, value);
    return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  });
  return `{${members.join(',')}}`;
}

const FORMAT_NAMES = Object.keys(FORMAT_DTYPES) as FormatDType[];

function formatDType(op: string, name: string, tensor: Tensor): FormatDType {
  const found = FORMAT_NAMES.find((format) => FORMAT_DTYPES[format] === tensor.dtype);
  if (found !== undefined) return found;
  throw new CheckpointError(
    `${op}: tensor ${quoted(name)} is ${tensor.dtype}, which the format does not have; save its parts as floats`,
    { op },
  );
}

/** The reference writer's order: by dtype from the widest, then by the names' bytes. */
function inFormatOrder(entries: readonly [string, Tensor][]): [string, Tensor][] {
  const ranks = FORMAT_NAMES.map((format) => FORMAT_DTYPES[format]) as string[];
  const rankOf = (tensor: Tensor): number => ranks.indexOf(tensor.dtype);
  return [...entries].sort(([a, x], [b, y]) => rankOf(y) - rankOf(x) || compareCodePoints(a, b));
}

/** The order of the texts' UTF-8, which is that of their code points. */
function compareCodePoints(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}

function encodeHead(op: string, text: string): Uint8Array {
  const header = new TextEncoder().encode(text);
  const length = Math.ceil(header.byteLength / PREFIX_BYTES) * PREFIX_BYTES;
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      `${op}: the names take ${length} bytes; ${MAX_HEADER_BYTES} is the most that a header may have`,
      { op },
    );
  }
  const head = new Uint8Array(PREFIX_BYTES + length).fill(' '.charCodeAt(0));
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(header, PREFIX_BYTES);
  return head;
}
