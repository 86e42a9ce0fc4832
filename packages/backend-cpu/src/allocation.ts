import { type Allocation, type DType, type Operand, OutOfMemoryError } from '@flambeau/core/backend';
import { UNIT_BYTES } from './heap/blocks.ts';
import type { Heap } from './heap/heap.ts';

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
function viewArray(kind: ArrayKind, buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
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

/** Up to here memory is a piece of a typed array; at such sizes a kernel reached by address has no advantage. */
export const SMALL_BYTES = 64;

/** What `kind` is for memory in the heap: of no class of its own. */
export const IN_HEAP = -1;

/**
 * Memory of the CPU backend. The fields are public, so that native kernels laid over this backend can find the
 * bytes: at `address` of the heap's memory where `kind` is `IN_HEAP`, and otherwise in `array`, from its element
 * `base` on. JavaScript kernels address elements relative to `view(kind)`.
 */
export type CpuAllocation = ArrayAllocation | HeapAllocation;

/** A copy of some bytes. */
export function readBytes(source: CpuAllocation, byteOffset: number, byteLength: number): Uint8Array {
  if (source instanceof ArrayAllocation) {
    const size = ELEMENT_BYTES[source.kind];
    if ((byteOffset | byteLength) % size === 0) {
      const from = source.base + byteOffset / size;
      const copy = source.array.slice(from, from + byteLength / size);
      return new Uint8Array(copy.buffer, copy.byteOffset, byteLength);
    }
  }
  const copy = new Uint8Array(byteLength);
  copy.set(bytesOf(source).subarray(byteOffset, byteOffset + byteLength));
  return copy;
}

/** Overwrites some bytes. */
export function writeBytes(target: CpuAllocation, byteOffset: number, source: Uint8Array): void {
  if (target instanceof ArrayAllocation) {
    const size = ELEMENT_BYTES[target.kind];
    if ((byteOffset | source.length) % size === 0) {
      const aligned = source.byteOffset % size === 0 ? source : source.slice();
      const elements = viewArray(target.kind, aligned.buffer, aligned.byteOffset, source.length / size);
      setArray(target.array, elements, target.base + byteOffset / size);
      return;
    }
  }
  bytesOf(target).set(source, byteOffset);
}

/** Copies bytes from one allocation to another, or to another place of the same one. */
export function copyBytes(
  source: CpuAllocation,
  sourceOffset: number,
  target: CpuAllocation,
  targetOffset: number,
  byteLength: number,
): void {
  if (
    byteLength <= SMALL_BYTES &&
    source !== target &&
    (source.kind === target.kind || isOfHeap(source, target))
  ) {
    const kind = source.kind === IN_HEAP ? target.kind : source.kind;
    if (kind !== IN_HEAP && (sourceOffset | targetOffset | byteLength) % ELEMENT_BYTES[kind] === 0) {
      const size = ELEMENT_BYTES[kind];
      copyElements(source, sourceOffset / size, target, targetOffset / size, kind, byteLength / size);
      return;
    }
  }
  if (source.kind === IN_HEAP && target.kind === IN_HEAP && source.heap === target.heap)
    source.heap.copy(source.address + sourceOffset, target.address + targetOffset, byteLength);
  else bytesOf(target).set(bytesOf(source).subarray(sourceOffset, sourceOffset + byteLength), targetOffset);
}

const isOfHeap = (a: CpuAllocation, b: CpuAllocation): boolean => a.kind === IN_HEAP || b.kind === IN_HEAP;

/** One by one: of a few elements, calls of the arrays' own methods cost more than copying. */
function copyElements(
  source: CpuAllocation,
  sourceOffset: number,
  target: CpuAllocation,
  targetOffset: number,
  kind: ArrayKind,
  count: number,
): void {
  const from = source.kind === IN_HEAP ? source.view(kind) : source.array;
  const to = target.kind === IN_HEAP ? target.view(kind) : target.array;
  const start = sourceOffset + (source.kind === IN_HEAP ? 0 : source.base);
  const end = targetOffset + (target.kind === IN_HEAP ? 0 : target.base);
  for (let i = 0; i < count; i++) to[end + i] = from[start + i]!;
}

// The uint8 view is a Uint8Array by construction; the table's type is the union.
export const bytesOf = (allocation: CpuAllocation): Uint8Array =>
  allocation.view(ArrayKind.uint8) as Uint8Array;

/** Small memory comes from typed arrays that several allocations share, as each array is some 200 bytes of objects. */
const SLAB_BYTES = 4096;

interface Slab {
  readonly array: TypedArray;
  /** Elements that are taken. */
  used: number;
}

const slabs: Slab[] = ELEMENT_BYTES.map((_, kind) => ({
  // The table's positions are the kinds.
  array: makeArray(kind as ArrayKind, 0),
  used: 0,
}));

/**
 * A typed array, or a piece of one: small memory, all memory where there is no heap, and what the heap has no room
 * for. JavaScript's collector frees it.
 */
export class ArrayAllocation implements Allocation {
  /** What was asked for, in bytes; the memory is padded to a multiple of 16. */
  readonly byteLength: number;
  /** The class of `array`, by the dtype that the memory was asked for. */
  readonly kind: ArrayKind;
  /** Holds the memory from its element `base` on. */
  readonly array: TypedArray;
  readonly base: number;
  /** The same bytes as arrays of all classes, made when first asked for. */
  private views: (TypedArray | undefined)[] | null = null;

  constructor(byteLength: number, kind: ArrayKind) {
    this.byteLength = byteLength;
    this.kind = kind;
    const length = ((byteLength + 15) >>> 4) * (16 / ELEMENT_BYTES[kind]);
    if (byteLength > SMALL_BYTES) {
      this.array = makeArray(kind, Math.ceil(byteLength / 16) * (16 / ELEMENT_BYTES[kind]));
      this.base = 0;
      return;
    }
    let slab = slabs[kind]!;
    if (slab.used + length > slab.array.length) {
      slab = { array: makeArray(kind, SLAB_BYTES / ELEMENT_BYTES[kind]), used: 0 };
      slabs[kind] = slab;
    }
    this.array = slab.array;
    this.base = slab.used;
    slab.used += length;
  }

  get collected(): boolean {
    return true;
  }

  /** The memory as an array of a class. */
  view(kind: ArrayKind): TypedArray {
    const small = this.byteLength <= SMALL_BYTES;
    if (kind === this.kind && !small) return this.array;
    this.views ??= new Array<TypedArray | undefined>(ELEMENT_BYTES.length).fill(undefined);
    const byteLength = Math.ceil(this.byteLength / 16) * 16;
    return (this.views[kind] ??= viewArray(
      kind,
      this.array.buffer,
      this.array.byteOffset + this.base * ELEMENT_BYTES[this.kind],
      byteLength / ELEMENT_BYTES[kind],
    ));
  }
}

/** A block of the heap, given back by `free`. */
export class HeapAllocation implements Allocation {
  readonly byteLength: number;
  readonly heap: Heap;
  /** Of the first byte, in the heap's memory; a multiple of 64. */
  readonly address: number;
  private views: (TypedArray | undefined)[] | null = null;
  private generation: number;

  constructor(byteLength: number, heap: Heap, address: number) {
    this.byteLength = byteLength;
    this.heap = heap;
    this.address = address;
    this.generation = heap.generation;
  }

  get kind(): typeof IN_HEAP {
    return IN_HEAP;
  }

  get collected(): boolean {
    return false;
  }

  view(kind: ArrayKind): TypedArray {
    const { heap } = this;
    if (this.views === null || this.generation !== heap.generation) {
      this.views = new Array<TypedArray | undefined>(ELEMENT_BYTES.length).fill(undefined);
      this.generation = heap.generation;
    }
    const length = Math.ceil(this.byteLength / 16) * (16 / ELEMENT_BYTES[kind]);
    return (this.views[kind] ??= viewArray(kind, heap.memory.buffer, this.address, length));
  }
}

/** `target.set(source, at)` for two arrays that the caller knows to be of one class. */
export function setArray(target: TypedArray, source: TypedArray, at: number): void {
  // TypeScript has no type for "two members of the union, the same one".
  (target as Float32Array).set(source as Float32Array, at);
}

/**
 * The block at an address as an object, the one that stood for it before if it can: those that serve again are old,
 * and the collector, which copies what is young, has nothing to do with them.
 */
function heapAllocation(byteLength: number, heap: Heap, address: number): HeapAllocation {
  const { allocations } = heap;
  const unit = address / UNIT_BYTES;
  const known = allocations.get(unit);
  if (known?.byteLength === byteLength) return known;
  if (allocations.size >= MOST_KNOWN) allocations.clear();
  const allocation = new HeapAllocation(byteLength, heap, address);
  allocations.set(unit, allocation);
  return allocation;
}

const MOST_KNOWN = 16384;

/**
 * Memory for tensors: small ones as arrays, others in the heap while it has room.
 *
 * @throws {OutOfMemoryError} the engine has no room for it.
 */
export function allocate(heap: Heap | null, byteLength: number, dtype: DType): CpuAllocation {
  if (heap !== null && byteLength > SMALL_BYTES) {
    const address = heap.allocate(byteLength);
    if (address !== 0) return heapAllocation(byteLength, heap, address);
  }
  try {
    return new ArrayAllocation(byteLength, KIND_OF[dtype]);
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
