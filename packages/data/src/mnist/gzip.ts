import { FlambeauError } from '@flambeau/core';
import { DataError } from '../errors.ts';

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** How long the content may become, once its beginning has told. */
export interface Limit {
  readonly byteLength: number;
  exceeded(): FlambeauError;
}

/**
 * The bytes, decompressed where they are gzip's. `limitOf` is asked with what has come so far until it knows a limit,
 * so that a small file cannot unpack into all of the memory.
 *
 * @throws {DataError} the file is damaged, or its content longer than the limit.
 */
export async function maybeGunzip(
  bytes: Uint8Array,
  name: string,
  limitOf: (begun: Uint8Array) => Limit | undefined,
): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes;
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  let limit: Limit | undefined;
  try {
    for await (const chunk of gunzip(bytes)) {
      chunks.push(chunk);
      byteLength += chunk.length;
      limit ??= limitOf(chunks.length === 1 ? chunk : joined(chunks, byteLength));
      if (limit !== undefined && byteLength > limit.byteLength) throw limit.exceeded();
    }
  } catch (error) {
    if (error instanceof FlambeauError) throw error;
    throw new DataError(`${name}: damaged gzip data after ${byteLength} bytes of content`, {
      op: 'readIdx',
      cause: error,
    });
  }
  return joined(chunks, byteLength);
}

async function* gunzip(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const { readable, writable } = new DecompressionStream('gzip');
  const writer = writable.getWriter();
  // Faults of the data show at the reading end.
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => {});
  writer.close().catch(() => {});
  const reader = readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function joined(chunks: readonly Uint8Array[], byteLength: number): Uint8Array {
  const whole = new Uint8Array(byteLength);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
