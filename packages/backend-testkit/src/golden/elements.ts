import type { Json, JsonRecord } from './case.ts';
import type { ElementArray } from './framework.ts';

/** A tensor of a case, before it becomes one of the framework's. */
export interface RawTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Row-major. Of complex tensors, real and imaginary parts in turn. float16 and bfloat16 are widened. */
  readonly elements: ElementArray;
  /** Present where PyTorch's own tensor was not contiguous. */
  readonly strides: readonly number[] | undefined;
  readonly requiresGrad: boolean;
}

const byteLengths: Readonly<Record<string, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
  complex64: 8,
  complex128: 16,
};

/** @throws {TypeError} The tensor is not as the format says: unknown dtype, wrong number of bytes, bad shape. */
export function decodeTensor(value: JsonRecord): RawTensor {
  const { dtype, b64 } = value;
  if (typeof dtype !== 'string' || !(dtype in byteLengths))
    throw new TypeError(`tensor of unknown dtype ${dtype}`);
  if (typeof b64 !== 'string') throw new TypeError('tensor without b64');
  const shape = integers('shape', value.shape);
  const bytes = fromBase64(b64);
  const count = shape.reduce((product, size) => product * size, 1);
  const expected = count * (byteLengths[dtype] ?? 0);
  if (bytes.byteLength !== expected) {
    throw new TypeError(
      `tensor ${dtype} [${shape.join(', ')}] has ${bytes.byteLength} bytes, not ${expected}`,
    );
  }
  const strides = value.strides === undefined ? undefined : integers('strides', value.strides);
  if (strides !== undefined && strides.length !== shape.length)
    throw new TypeError('strides of another rank');
  return {
    dtype,
    shape,
    elements: view(dtype, bytes.buffer),
    strides,
    requiresGrad: value.requiresGrad === true,
  };
}

function integers(name: string, value: Json | undefined): number[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`);
  return value.map((item: Json) => {
    if (typeof item !== 'number' || !Number.isInteger(item) || item < 0) {
      throw new TypeError(`${name} holds ${JSON.stringify(item)}`);
    }
    return item;
  });
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The hosts that run this are little-endian, as the format is. */
function view(dtype: string, buffer: ArrayBuffer): ElementArray {
  switch (dtype) {
    case 'float64':
    case 'complex128':
      return new Float64Array(buffer);
    case 'float32':
    case 'complex64':
      return new Float32Array(buffer);
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer), fromFloat16);
    case 'bfloat16':
      return Float32Array.from(new Uint16Array(buffer), fromBfloat16);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

function fromFloat16(bits: number): number {
  const sign = bits >>> 15 === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new Uint32Array(1);
const wordAsFloat = new Float32Array(word.buffer);

function fromBfloat16(bits: number): number {
  word[0] = bits << 16;
  return wordAsFloat[0] ?? 0;
}

/**
 * The smallest storage in which `elements` lie at `strides`. Cells that no element uses hold a value that shows up in any
 * result it slips into.
 */
export function layOut(raw: RawTensor, strides: readonly number[], elements: ElementArray): ElementArray {
  const { shape } = raw;
  const length = shape.reduce((last, size, i) => last + (size - 1) * (strides[i] ?? 0), 1);
  const floating = elements instanceof Float32Array || elements instanceof Float64Array;
  const width = raw.dtype.startsWith('complex') ? 2 : 1;
  const storage = Reflect.construct(elements.constructor, [length * width]) as typeof elements;
  if (floating) storage.fill(Number.NaN as never);
  else if (storage instanceof BigInt64Array) storage.fill(-77n);
  else if (raw.dtype !== 'bool') storage.fill(77 as never);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < elements.length / width; i++) {
    const at = index.reduce((offset, position, dim) => offset + position * (strides[dim] ?? 0), 0);
    for (let part = 0; part < width; part++) storage[at * width + part] = elements[i * width + part] as never;
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      index[dim] = (index[dim] ?? 0) + 1;
      if ((index[dim] ?? 0) < (shape[dim] ?? 0)) break;
      index[dim] = 0;
    }
  }
  return storage;
}
