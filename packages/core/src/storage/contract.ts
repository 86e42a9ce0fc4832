import type { DType } from '../dtype.ts';
import type { BackendError } from '../errors.ts';
import type { Program } from '../expr/program.ts';

/**
 * The contract between core and a backend. Whoever implements `Backend` with its eight required kernels has every
 * operator with gradients; `@flambeau/backend-testkit` checks it.
 *
 * Ownership: core allocates and frees; a kernel may allocate workspace of its own and must free it. Ordering: a
 * kernel enqueues and returns, and effects happen in the order of calls; only `read` and `synchronize` wait.
 * A fault that is noticed late is thrown there and names the first operator that caused it: a kernel that may find one
 * asks `runningOperator()` for the name while it is enqueued.
 */

/** Memory on a device: opaque to core. `byteLength` is what was asked for. */
export interface Allocation {
  readonly byteLength: number;
  /** True for an ordinary object of the JavaScript heap, which its collector frees: `free` is never called for it. */
  readonly collected?: boolean;
}

/**
 * A tensor as a kernel sees it. Element `i0, i1, …` lies at `offset + i0*strides[0] + i1*strides[1] + …`, counted
 * in elements of `dtype`. Strides are 0 or more; 0 repeats. One allocation may serve several operands.
 */
export interface Operand {
  readonly allocation: Allocation;
  readonly dtype: DType;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** What reductions and scans do with two values. */
export type ReduceCombiner = 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all';
export type ScanCombiner = 'sum' | 'prod' | 'max' | 'min' | 'logaddexp';
export type ScatterMode = 'assign' | 'add' | 'mul' | 'max' | 'min';

/** A reduction: `post(combine over elements of pre(inputs))`. */
export interface Reduction {
  readonly key: string;
  /** Dense from 0 within a process. */
  readonly id: number;
  /** From the operands to the accumulated value; its `output` is the accumulator's dtype. */
  readonly pre: Program;
  readonly combiner: ReduceCombiner;
  /** From the accumulated value (its input 0) to the result. It reads the same parameters as `pre`. */
  readonly post: Program;
}

export type Parameters = readonly (number | bigint)[];

/**
 * The eight kernels. Sizes and strides arrive with loops already joined where that was possible, rank ≤ 8. "Along"
 * kernels work along the last dimension of `shape`: core has moved it there by permuting strides. Partial overlap
 * of an output with an input never arrives (core copies); an output may be exactly one of the inputs in
 * `pointwise` alone. Sizes of 0 never arrive.
 */
export interface RequiredKernels {
  /** `output[i] = program(inputs[i]…)` for every index of `shape`. */
  pointwise(
    program: Program,
    shape: readonly number[],
    output: Operand,
    inputs: readonly Operand[],
    parameters: Parameters,
  ): void;

  /**
   * Reduces over dimensions `keptRank..` of `shape`; the inputs have strides for all of `shape`, the output for the
   * first `keptRank`. Floating sums accumulate in float32 at least, pairwise or better; a NaN spreads.
   */
  reduce(
    reduction: Reduction,
    shape: readonly number[],
    keptRank: number,
    output: Operand,
    inputs: readonly Operand[],
    parameters: Parameters,
  ): void;

  /** The index along the last dimension of the largest or smallest value: the first of ties; NaN wins. Output int32, strides for all but the last dimension. */
  argReduce(mode: 'max' | 'min', shape: readonly number[], output: Operand, input: Operand): void;

  /** The running combination along the last dimension, from the end when `reverse`. Input and output have one dtype. */
  scan(
    combiner: ScanCombiner,
    shape: readonly number[],
    output: Operand,
    input: Operand,
    reverse: boolean,
  ): void;

  /** `output[..., i, j] = sum over k of a[..., i, k] * b[..., k, j]`; strides for `[...batch, m, k]`, `[...batch, k, n]`, `[...batch, m, n]`. */
  matmul(size: MatmulSize, output: Operand, a: Operand, b: Operand): void;

  /**
   * `output[…, i] = input[…, index[…, i]]` over `shape`, the shape of output and index. `input` has `inputLength`
   * elements along the last dimension. Indices are int32 or int64; one outside `0..inputLength-1` is a fault.
   */
  gather(
    shape: readonly number[],
    inputLength: number,
    output: Operand,
    input: Operand,
    index: Operand,
  ): void;

  /**
   * `output[…, index[…, i]] = combine(that, source[…, i])` over `shape`, the shape of index and source. `output` has
   * `outputLength` elements along the last dimension and holds the values to combine with. Repeated indices are safe; `assign` keeps any of them.
   */
  scatter(
    mode: ScatterMode,
    shape: readonly number[],
    outputLength: number,
    output: Operand,
    source: Operand,
    index: Operand,
  ): void;

  /** Sorts along the last dimension, stably; NaN counts as the largest. Writes the sorted values and their int32 indices. */
  sort(
    shape: readonly number[],
    values: Operand,
    indices: Operand,
    input: Operand,
    descending: boolean,
  ): void;
}

export interface MatmulSize {
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** A tensor as a fused kernel sees it: contiguous outputs, inputs of any strides. */
export interface TensorOperand extends Operand {
  readonly shape: readonly number[];
}

/**
 * A faster way for one composite operator, under the operator's name. `when` may decline a case (by shapes, dtypes,
 * attributes); the operator then decomposes.
 */
export interface FusedKernel {
  when?(
    inputs: Readonly<Record<string, TensorOperand | undefined>>,
    attrs: Readonly<Record<string, unknown>>,
  ): boolean;
  run(
    outputs: Readonly<Record<string, TensorOperand>>,
    inputs: Readonly<Record<string, TensorOperand | undefined>>,
    attrs: Readonly<Record<string, unknown>>,
  ): void;
}

/** Fused kernels by operator name, e.g. `softmax`, `convolution`. */
export type OptionalKernels = Readonly<Record<string, FusedKernel>>;

/**
 * Steps that overwrite tensors of one shape element by element, one step after the other: what an optimiser does to
 * a parameter and its state.
 */
export interface Update {
  readonly key: string;
  /** Dense from 0 within a process. */
  readonly id: number;
  /** The dtypes of a row's operands: all floating. */
  readonly operands: readonly DType[];
  /** Which operands are overwritten; the others are only read. */
  readonly written: readonly number[];
  /** The types of values that later steps read and nobody keeps. */
  readonly locals: readonly DType[];
  readonly steps: readonly UpdateStep[];
}

/**
 * One step: `program` reads all operands and then all locals, with what earlier steps made of them, and its result takes
 * the place of one. The programs of all steps read the same parameters.
 */
export interface UpdateStep {
  /** Which operand is overwritten; counted on from there, which local is made. */
  readonly target: number;
  readonly program: Program;
}

/** The tensors of one parameter: `length` elements each, side by side (strides of 1). */
export interface UpdateRow {
  readonly length: number;
  readonly operands: readonly Operand[];
}

/**
 * An update of many rows in one call, which a backend may have. No allocation comes twice among the rows of a call, so
 * elements may be taken in any order. Without the kernel, and for rows that `when` declines, core calls `pointwise` for
 * each step of each row.
 */
export interface UpdateKernel {
  when?(update: Update, row: UpdateRow): boolean;
  run(update: Update, rows: readonly UpdateRow[], parameters: Parameters): void;
}

export interface Kernels extends RequiredKernels {
  readonly fused?: OptionalKernels;
  readonly update?: UpdateKernel;
}

export interface BackendLimits {
  /** The dtypes that every kernel takes. Others are refused with a text that says what to use. */
  readonly dtypes: readonly DType[];
  /** The largest allocation, in bytes. */
  readonly maxByteLength: number;
  /** Whether `readSync` exists. */
  readonly synchronousReads: boolean;
  /** Past so many bytes of tensors the device runs short; core then looks for dropped ones sooner. */
  readonly roomByteLength?: number;
  /** What an allocation weighs on the host besides its own bytes; decides when core looks for dropped ones. Default 4 KiB. */
  readonly overheadByteLength?: number;
}

export interface Backend {
  readonly apiVersion: 1;
  /** `cpu`, `webgpu`, `cuda:1`, or another's own name. */
  readonly device: string;
  /** What it runs on, for people. */
  readonly name: string;
  readonly limits: BackendLimits;
  /** Resolves when the device is gone. Never rejects. */
  readonly lost: Promise<BackendError>;
  readonly kernels: Kernels;

  /**
   * Memory of `byteLength` bytes, padded to a multiple of 16; its content is undefined. `dtype` says how it will
   * mostly be used.
   * @throws {OutOfMemoryError}
   */
  allocate(byteLength: number, dtype: DType): Allocation;
  free(allocation: Allocation): void;
  write(target: Allocation, byteOffset: number, bytes: Uint8Array): void;
  copy(
    source: Allocation,
    sourceOffset: number,
    target: Allocation,
    targetOffset: number,
    byteLength: number,
  ): void;
  /** A snapshot of what the bytes hold after everything enqueued so far. */
  read(source: Allocation, byteOffset: number, byteLength: number): Promise<Uint8Array>;
  readSync?(source: Allocation, byteOffset: number, byteLength: number): Uint8Array;
  synchronize(): Promise<void>;
}
