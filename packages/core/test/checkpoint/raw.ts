import { type DType, fromArray, type Tensor } from '../../src/index.ts';

/** The bytes of a tensor that lies in row-major order. */
export function rawBytes(x: Tensor): Uint8Array {
  const width = {
    bool: 1,
    uint8: 1,
    int8: 1,
    int16: 2,
    float16: 2,
    bfloat16: 2,
    float64: 8,
    int64: 8,
  } as Partial<Record<DType, number>>;
  const bytes = width[x.dtype] ?? 4;
  if (x.size === 0) return new Uint8Array(0);
  return x.entry.backend.readSync!(x.storage.allocation, x.offset * bytes, x.size * bytes);
}

/** A file of the format from a header's text and the bytes after it; the length before it can be given wrong. */
export function fileOf(
  header: string | Uint8Array,
  data: Uint8Array | number = 0,
  claimed?: bigint,
): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = typeof data === 'number' ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + text.byteLength + bytes.byteLength);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(text.byteLength), true);
  file.set(text, 8);
  file.set(bytes, 8 + text.byteLength);
  return file;
}

/** One float tensor's entry in a header. */
export const entry = (fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  dtype: 'F32',
  shape: [1],
  data_offsets: [0, 4],
  ...fields,
});

export const floats = (...values: number[]): Tensor => fromArray(values, [values.length]);

/** Bytes cut into pieces, as a network would. */
export async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length);
}
