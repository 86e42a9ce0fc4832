import { type Allocation, type DType, type Operand, OutOfMemoryError } from '@flambeau/core/backend';

export type NumberArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint16Array
  | Float32Array
  | Float64Array;

export type TypedArray = NumberArray | BigInt64Array;

/** The classes of typed arrays, numbered: what a compiled loop is specialised on. */
export const ArrayKind = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  uint16: 5,
  float32: 6,
  float64: 7,
} as const;

export type ArrayKind = (typeof ArrayKind)[keyof typeof ArrayKind];

/** The array in which each dtype is stored: bool as 0 and 1, halves as their bits. */
export const KIND_OF: Readonly<Record<DType, ArrayKind>> = {
  bool: ArrayKind.uint8,
  uint8: ArrayKind.uint8,
  int8: ArrayKind.int8,
  int16: ArrayKind.int16,
  int32: ArrayKind.int32,
  int64: ArrayKind.int64,
  float16: ArrayKind.uint16,
  bfloat16: ArrayKind.uint16,
  float32: ArrayKind.float32,
  float64: ArrayKind.float64,
  complex64: ArrayKind.float32,
};

const ELEMENT_BYTES = [1, 1, 2, 4, 8, 2, 4, 8] as const;

/** An array of `length` elements. A switch of plain constructor calls, which V8 makes inline. */
function makeArray(kind: ArrayKind, length: number): TypedArray {
  switch (kind) {
    case ArrayKind.uint8:
      return new Uint8Array(length);
    case ArrayKind.int8:
      return new Int8Array(length);
    case ArrayKind.int16:
      return new Int16Array(length);
    case ArrayKind.int32:
      return new Int32Array(length);
    case ArrayKind.int64:
      return new BigInt64Array(length);
    case ArrayKind.uint16:
      return new Uint16Array(length);
    case ArrayKind.float32:
      return new Float32Array(length);
    case ArrayKind.float64:
      return new Float64Array(length);
  }
}

/** Bytes seen as an array of another class. The offset must be a multiple of the element's size. */
export function viewArray(
  kind: ArrayKind,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): TypedArray {
  switch (kind) {
    case ArrayKind.uint8:
      return new Uint8Array(buffer, byteOffset, length);
    case ArrayKind.int8:
      return new Int8Array(buffer, byteOffset, length);
    case ArrayKind.int16:
      return new Int16Array(buffer, byteOffset, length);
    case ArrayKind.int32:
      return new Int32Array(buffer, byteOffset, length);
    case ArrayKind.int64:
      return new BigInt64Array(buffer, byteOffset, length);
    case ArrayKind.uint16:
      return new Uint16Array(buffer, byteOffset, length);
    case ArrayKind.float32:
      return new Float32Array(buffer, byteOffset, length);
    case ArrayKind.float64:
      return new Float64Array(buffer, byteOffset, length);
  }
}

/** Up to here V8 keeps a typed array's elements inside its own heap, as long as nobody asks for `.buffer`. */
const INLINE_BYTES = 64;

/**
 * Memory of the CPU backend. The fields are public, so that native kernels laid over this backend can find the
 * bytes: they begin at `array.byteOffset` of `array.buffer`. JavaScript kernels address elements relative to
 * `array`, so that an allocation may as well be a piece of a larger heap.
 */
export class CpuAllocation implements Allocation {
  /** What was asked for, in bytes; `array` is padded to a multiple of 16. */
  readonly byteLength: number;
  /** The class of `array`, by the dtype that the memory was asked for. */
  readonly kind: ArrayKind;
  readonly array: TypedArray;
  /** The same bytes as arrays of other classes, made when first asked for. */
  private views: (TypedArray | undefined)[] | null = null;

  constructor(byteLength: number, kind: ArrayKind) {
    this.byteLength = byteLength;
    this.kind = kind;
    this.array = makeArray(kind, Math.ceil(byteLength / 16) * (16 / ELEMENT_BYTES[kind]));
  }

  /** The memory as an array of a class. */
  view(kind: ArrayKind): TypedArray {
    if (kind === this.kind) return this.array;
    this.views ??= new Array<TypedArray | undefined>(ELEMENT_BYTES.length).fill(undefined);
    const { buffer, byteOffset, byteLength } = this.array;
    return (this.views[kind] ??= viewArray(kind, buffer, byteOffset, byteLength / ELEMENT_BYTES[kind]));
  }

  /** A copy of some bytes. */
  read(byteOffset: number, byteLength: number): Uint8Array {
    const size = ELEMENT_BYTES[this.kind];
    if ((byteOffset | byteLength) % size !== 0)
      return this.bytes().slice(byteOffset, byteOffset + byteLength);
    const copy = this.array.slice(byteOffset / size, (byteOffset + byteLength) / size);
    return new Uint8Array(copy.buffer, copy.byteOffset, byteLength);
  }

  /** Overwrites some bytes. Small arrays are written as elements, so that their `.buffer` is never made. */
  write(byteOffset: number, source: Uint8Array): void {
    const size = ELEMENT_BYTES[this.kind];
    if ((byteOffset | source.length) % size !== 0) {
      this.bytes().set(source, byteOffset);
      return;
    }
    const aligned = source.byteOffset % size === 0 ? source : source.slice();
    const elements = viewArray(this.kind, aligned.buffer, aligned.byteOffset, source.length / size);
    setArray(this.array, elements, byteOffset / size);
  }

  /** Copies bytes from another allocation, or from another place of this one. */
  copyFrom(source: CpuAllocation, sourceOffset: number, targetOffset: number, byteLength: number): void {
    const size = ELEMENT_BYTES[this.kind];
    const inline =
      source.array.byteLength <= INLINE_BYTES && this.array.byteLength <= INLINE_BYTES && source !== this;
    if (inline && source.kind === this.kind && (sourceOffset | targetOffset | byteLength) % size === 0) {
      copyElements(this.array, targetOffset / size, source.array, sourceOffset / size, byteLength / size);
      return;
    }
    this.bytes().set(source.bytes().subarray(sourceOffset, sourceOffset + byteLength), targetOffset);
  }

  private bytes(): Uint8Array {
    // The uint8 view is a Uint8Array by construction; the table's type is the union.
    return this.view(ArrayKind.uint8) as Uint8Array;
  }
}

/** `target.set(source, at)` for two arrays that the caller knows to be of one class. */
export function setArray(target: TypedArray, source: TypedArray, at: number): void {
  // TypeScript has no type for "two members of the union, the same one".
  (target as Float32Array).set(source as Float32Array, at);
}

function copyElements(target: TypedArray, to: number, source: TypedArray, from: number, count: number): void {
  for (let i = 0; i < count; i++) target[to + i] = source[from + i]!;
}

/** @throws {OutOfMemoryError} the engine has no room for it. */
export function allocate(byteLength: number, dtype: DType): CpuAllocation {
  try {
    return new CpuAllocation(byteLength, KIND_OF[dtype]);
  } catch (cause) {
    throw new OutOfMemoryError(`cpu: ${byteLength} bytes of ${dtype} could not be allocated`, {
      data: { byteLength, dtype },
      cause,
    });
  }
}

/** An operand's memory as the array class of its dtype. */
export function arrayOf(operand: Operand): TypedArray {
  return viewOf(operand, KIND_OF[operand.dtype]);
}

/** An operand's memory as an array of numbers. For every dtype but int64. */
export function numbersOf(operand: Operand): NumberArray {
  // Only int64 has the BigInt array.
  return arrayOf(operand) as NumberArray;
}

export function bigintsOf(operand: Operand): BigInt64Array {
  // This kind is a BigInt64Array by construction.
  return viewOf(operand, ArrayKind.int64) as BigInt64Array;
}

export function viewOf(operand: Operand, kind: ArrayKind): TypedArray {
  // Core hands back what `allocate` made.
  return (operand.allocation as CpuAllocation).view(kind);
}
