import { byteLengthOf, type DType } from '../dtype.ts';
import { BackendError } from '../errors.ts';
import { withRecording } from '../graph/mode.ts';
import { checkAlive, type Tensor } from '../graph/tensor.ts';
import { scope } from '../storage/scope.ts';
import { cast, clone } from './copying.ts';

/** What a tensor's elements come as: bool as bytes of 0 and 1, halves and float32 as Float32Array. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

const ARRAYS: Readonly<
  Record<Exclude<DType, 'float16' | 'bfloat16'>, new (buffer: ArrayBuffer) => TypedArray>
> = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
  complex64: Float32Array,
};

type Readable = keyof typeof ARRAYS;

/** The tensor in a form that can be read at once: contiguous, no half. */
function readable(x: Tensor): { tensor: Tensor; dtype: Readable; start: number; byteLength: number } {
  const half = x.dtype === 'float16' || x.dtype === 'bfloat16';
  const whole = half ? cast(x, 'float32') : x;
  const tensor = whole.rowMajor ? whole : clone(whole);
  const width = byteLengthOf(tensor.dtype);
  return {
    tensor,
    dtype: tensor.dtype as Readable,
    start: tensor.offset * width,
    byteLength: tensor.size * width,
  };
}

const asArray = (bytes: Uint8Array, dtype: Readable): TypedArray =>
  new ARRAYS[dtype](bytes.slice().buffer as ArrayBuffer);

/** What an operator reads in order to go on, and what to give it on a device that cannot be read at once. */
export interface Needed {
  readonly what: string;
  readonly instead: string;
}

/**
 * The elements in row-major order, read at once: by a method that does nothing else, or by an operator that needs them.
 *
 * @throws {BackendError} the device cannot be read synchronously; the text names the asynchronous form, or what to give.
 */
export function readSync(op: string, x: Tensor, needed?: Needed): TypedArray {
  checkAlive(op, x);
  const { backend } = x.entry;
  if (backend.readSync === undefined) {
    const text =
      needed === undefined
        ? `${x.device} cannot be read synchronously; write await ${op.replace(/Sync$/, '')}(…)`
        : `${needed.what} cannot be read on ${x.device} without waiting; ${needed.instead}`;
    throw new BackendError(`${op}: ${text}`, { op });
  }
  return scope(() =>
    withRecording(false, () => {
      const { tensor, dtype, start, byteLength } = readable(x);
      if (byteLength === 0) return asArray(new Uint8Array(0), dtype);
      return asArray(backend.readSync!(tensor.storage.allocation, start, byteLength), dtype);
    }),
  );
}

/** The elements in row-major order, as they are at the call. */
export async function read(op: string, x: Tensor): Promise<TypedArray> {
  checkAlive(op, x);
  const { bytes, dtype } = scope(() =>
    withRecording(false, () => {
      const { tensor, dtype, start, byteLength } = readable(x);
      const bytes =
        byteLength === 0
          ? new Uint8Array(0)
          : tensor.entry.backend.read(tensor.storage.allocation, start, byteLength);
      return { bytes, dtype };
    }),
  );
  return asArray(await bytes, dtype);
}
