import { type DType, describe } from '@flambeau/core';
import { DataError } from '../errors.ts';
import { isGzip, maybeGunzip } from './gzip.ts';

/** The content of an IDX file: elements in row-major order. */
export interface IdxArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

export interface ReadIdxOptions {
  /** What error texts call the data, e.g. the file's name. */
  readonly name?: string;
  /** The most that the elements may take, in bytes; a file that claims more is refused unread. Default 1 GiB. */
  readonly maxByteLength?: number;
}

interface ElementType {
  readonly dtype: DType;
  readonly byteLength: number;
  /** From big-endian bytes at their own alignment. */
  read(view: DataView, count: number): IdxArray['data'];
}

function elementType(
  dtype: DType,
  byteLength: number,
  make: (count: number) => IdxArray['data'],
  get: (view: DataView, offset: number) => number,
): ElementType {
  return {
    dtype,
    byteLength,
    read(view, count) {
      const data = make(count);
      for (let i = 0; i < count; i++) data[i] = get(view, i * byteLength);
      return data;
    },
  };
}

/** By the third byte of the magic number. */
const TYPES: Readonly<Record<number, ElementType>> = {
  8: elementType(
    'uint8',
    1,
    (n) => new Uint8Array(n),
    (view, i) => view.getUint8(i),
  ),
  9: elementType(
    'int8',
    1,
    (n) => new Int8Array(n),
    (view, i) => view.getInt8(i),
  ),
  11: elementType(
    'int16',
    2,
    (n) => new Int16Array(n),
    (view, i) => view.getInt16(i),
  ),
  12: elementType(
    'int32',
    4,
    (n) => new Int32Array(n),
    (view, i) => view.getInt32(i),
  ),
  13: elementType(
    'float32',
    4,
    (n) => new Float32Array(n),
    (view, i) => view.getFloat32(i),
  ),
  14: elementType(
    'float64',
    8,
    (n) => new Float64Array(n),
    (view, i) => view.getFloat64(i),
  ),
};

const MAX_DIMENSIONS = 8;
const DEFAULT_MAX_BYTE_LENGTH = 2 ** 30;

/** What the first bytes of a file claim. */
interface Header {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Of header and elements together. */
  readonly totalByteLength: number;
}

/** The header, or `undefined` while more bytes are needed to know it. */
function parseHeader(bytes: Uint8Array, name: string, maxByteLength: number): Header | undefined {
  if (bytes.length < 4) return undefined;
  const [zero0, zero1, code, rank] = bytes as unknown as [number, number, number, number];
  const type = TYPES[code];
  if (zero0 !== 0 || zero1 !== 0 || type === undefined || rank < 1 || rank > MAX_DIMENSIONS) {
    const magic = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const hint = isGzip(bytes) ? '; it is compressed twice' : '';
    throw new DataError(
      `${name}: wrong magic number ${magic}; an IDX file begins with 00 00, a type of 08 to 0e and 1 to ${MAX_DIMENSIONS} dimensions${hint}`,
      { op: 'readIdx', data: { magic } },
    );
  }
  const byteLength = 4 + 4 * rank;
  if (bytes.length < byteLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const elements = shape.reduce((product, size) => product * size, type.byteLength);
  if (elements > maxByteLength) {
    throw new DataError(
      `${name}: the header claims [${shape.join(', ')}] of ${type.dtype}, ${elements} bytes; at most ${maxByteLength} are read`,
      { op: 'readIdx', data: { shape, maxByteLength } },
    );
  }
  return { type, shape, byteLength, totalByteLength: byteLength + elements };
}

function lengthError(name: string, byteLength: number | string, header: Header): DataError {
  const { type, shape, totalByteLength } = header;
  const kind = typeof byteLength === 'number' && byteLength < totalByteLength ? 'truncated' : 'too long';
  return new DataError(
    `${name}: ${kind}: [${shape.join(', ')}] of ${type.dtype} take ${totalByteLength} bytes with the header, got ${byteLength}`,
    { op: 'readIdx', data: { shape, byteLength, expected: totalByteLength } },
  );
}

/**
 * Reads the bytes of an IDX file, the format of MNIST: plain, or compressed with gzip. Nothing is allocated before
 * the file's length is known to fit what its header claims.
 *
 * @throws {DataError} wrong magic number, truncated, too long, or larger than `maxByteLength`.
 * @see LeCun et al., The MNIST database of handwritten digits
 * @example const { shape, data } = await readIdx(await readFile('train-images-idx3-ubyte.gz'));
 */
export async function readIdx(bytes: Uint8Array, options: ReadIdxOptions = {}): Promise<IdxArray> {
  const { name = 'readIdx', maxByteLength = DEFAULT_MAX_BYTE_LENGTH } = options;
  if (!(bytes instanceof Uint8Array)) {
    throw new DataError(`${name}: expected the bytes of a file, a Uint8Array, got ${describe(bytes)}`, {
      op: 'readIdx',
    });
  }
  const plain = await maybeGunzip(bytes, name, (begun) => {
    const header = parseHeader(begun, name, maxByteLength);
    return (
      header && { byteLength: header.totalByteLength, exceeded: () => lengthError(name, 'more', header) }
    );
  });
  const header = parseHeader(plain, name, maxByteLength);
  if (header === undefined) {
    throw new DataError(`${name}: truncated: ${plain.length} bytes do not hold the header of an IDX file`, {
      op: 'readIdx',
    });
  }
  if (plain.length !== header.totalByteLength) throw lengthError(name, plain.length, header);
  const { type, shape } = header;
  const count = shape.reduce((product, size) => product * size, 1);
  // Bytes need no conversion, and no copy either.
  if (type.dtype === 'uint8') return { dtype: 'uint8', shape, data: plain.subarray(header.byteLength) };
  const view = new DataView(plain.buffer, plain.byteOffset + header.byteLength);
  return { dtype: type.dtype, shape, data: type.read(view, count) };
}
