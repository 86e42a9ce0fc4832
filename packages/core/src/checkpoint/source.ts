import { files } from '#host';
import { ArgumentError, CheckpointError, describe, FlambeauError } from '../errors.ts';
import { refusal } from './format.ts';

/** Bytes as they come: from the network, from a file's stream. */
export type ByteStream = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** What a checkpoint can be loaded from. A string is a path. */
export type CheckpointSource = string | URL | ArrayBufferLike | ArrayBufferView | Blob | ByteStream;

/** Bytes that are read from their start to their end. */
export interface ByteSource {
  /** What it is called in error texts. */
  readonly label: string;
  /** How many there are, where that is known beforehand. */
  readonly byteLength: number | undefined;
  /** The next `length` bytes; fewer at the end. */
  read(length: number): Promise<Uint8Array>;
  /** Lets go of the source, read to its end or not. */
  close(): Promise<void>;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isStream = (value: object): value is ReadableStream<Uint8Array> => 'getReader' in value;
const isAsyncIterable = (value: object): value is AsyncIterable<Uint8Array> => Symbol.asyncIterator in value;
const isBlob = (value: object): value is Blob =>
  'arrayBuffer' in value && 'slice' in value && 'size' in value;
// Not by instanceof: buffers and URLs may come from another realm.
const tagOf = (value: object): string => Object.prototype.toString.call(value).slice(8, -1);

/** @throws {ArgumentError} nothing can be read from it. @throws {CheckpointError} the file cannot be opened. */
export async function openSource(source: CheckpointSource): Promise<ByteSource> {
  const given: unknown = source;
  if (typeof given === 'string') return { label: given, ...bound(await files.open('load', given)) };
  if (isObject(given)) {
    if (tagOf(given) === 'URL')
      return { label: String(given), ...bound(await files.open('load', given as URL)) };
    if (ArrayBuffer.isView(given))
      return fromBytes(new Uint8Array(given.buffer, given.byteOffset, given.byteLength));
    if (/^(Shared)?ArrayBuffer$/.test(tagOf(given)))
      return fromBytes(new Uint8Array(given as ArrayBufferLike));
    if (isBlob(given)) return fromBlob(given);
    if (isStream(given)) return fromReader(lockedReader(given));
    if (isAsyncIterable(given)) return fromIterator(given[Symbol.asyncIterator]());
  }
  throw new ArgumentError(
    `load: the source must be a path, a URL of a file, bytes, a Blob or a stream of bytes, got ${describe(given)}`,
    { op: 'load' },
  );
}

type Reading = Omit<ByteSource, 'label'>;

const bound = (file: Reading): Reading => ({
  byteLength: file.byteLength,
  read: (length) => file.read(length),
  close: () => file.close(),
});

function fromBytes(bytes: Uint8Array): ByteSource {
  let at = 0;
  return {
    label: `${bytes.byteLength} bytes`,
    byteLength: bytes.byteLength,
    async read(length) {
      const part = bytes.subarray(at, at + length);
      at += part.byteLength;
      return part;
    },
    async close() {},
  };
}

function fromBlob(blob: Blob): ByteSource {
  const label = `a blob of ${blob.size} bytes`;
  let at = 0;
  return {
    label,
    byteLength: blob.size,
    async read(length) {
      const part = blob.slice(at, at + length);
      at += part.size;
      try {
        return new Uint8Array(await part.arrayBuffer());
      } catch (error) {
        throw unreadable(label, error);
      }
    },
    async close() {},
  };
}

const unreadable = (label: string, error: unknown): unknown =>
  error instanceof FlambeauError
    ? error
    : new CheckpointError(`load: ${label}: ${error instanceof Error ? error.message : String(error)}`, {
        op: 'load',
        cause: error,
      });

const STREAM = 'the stream';

function lockedReader(stream: ReadableStream<Uint8Array>): ReadableStreamDefaultReader<Uint8Array> {
  try {
    return stream.getReader();
  } catch (error) {
    throw unreadable(STREAM, error);
  }
}

const fromReader = (reader: ReadableStreamDefaultReader<Uint8Array>): ByteSource =>
  fromPieces(
    async () => {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    },
    () => reader.cancel(),
  );

const fromIterator = (iterator: AsyncIterator<Uint8Array>): ByteSource =>
  fromPieces(
    async () => {
      const { done, value } = await iterator.next();
      return done ? undefined : value;
    },
    async () => {
      await iterator.return?.();
    },
  );

/** Cuts pieces of whatever lengths into the lengths asked for. Holds no more than was asked for and one piece. */
function fromPieces(next: () => Promise<unknown>, stop: () => Promise<void>): ByteSource {
  let rest = new Uint8Array(0);
  async function refill(): Promise<boolean> {
    let piece: unknown;
    try {
      piece = await next();
    } catch (error) {
      throw unreadable(STREAM, error);
    }
    if (piece === undefined) return false;
    if (!isObject(piece) || tagOf(piece) !== 'Uint8Array') {
      throw refusal(STREAM, `it must give Uint8Arrays, got ${describe(piece)}`);
    }
    rest = piece as Uint8Array<ArrayBuffer>;
    return true;
  }
  return {
    label: STREAM,
    byteLength: undefined,
    async read(length) {
      const parts: Uint8Array[] = [];
      let wanted = length;
      while (wanted > 0 && (rest.byteLength > 0 || (await refill()))) {
        const part = rest.subarray(0, wanted);
        rest = rest.subarray(part.byteLength);
        wanted -= part.byteLength;
        parts.push(part);
      }
      return joined(parts);
    },
    async close() {
      // The reading is over, well or not: what stopping the source says does not matter any more.
      await stop().catch(() => {});
    },
  };
}

/** Several pieces as one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
