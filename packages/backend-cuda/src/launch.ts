import type { Allocation } from '@flambeau/core/backend';

/** Memory of a device, as kernels name it. */
export type CudaAllocation = Allocation;

/** One entry of CUDA C: `extern "C" __global__ void entry(…)`. It includes nothing. */
export interface KernelSource {
  /** Says all that decides the source, and is stable between runs. */
  readonly key: string;
  readonly entry: string;
  /** The text; asked for once, when the kernel is first compiled. */
  source(): string;
}

/** A compiled entry. */
export interface Kernel {
  readonly name: string;
}

/** Writes the arguments of one launch, in the order of the entry's parameters. There is one writer, used again and again. */
export interface LaunchArguments {
  reset(): this;
  pointer(allocation: CudaAllocation, byteOffset: number): this;
  i32(value: number): this;
  i64(value: number | bigint): this;
  f32(value: number): this;
  f64(value: number): this;
}

export type Triple = readonly [number, number, number];

/** The dtypes of cuBLAS's products. */
export type GemmType = 'float32' | 'float64' | 'float16' | 'bfloat16';

/** A matrix of each batch, column-major as cuBLAS sees it. */
export interface GemmMatrix {
  readonly allocation: CudaAllocation;
  readonly byteOffset: number;
  /** Elements from one column to the next. */
  readonly leading: number;
  /** Elements from one batch to the next. */
  readonly batchStride: number;
  readonly transposed: boolean;
}

/** `c = a b`, column-major: a is m by k, b is k by n. Halves accumulate in float32. */
export interface Gemm {
  readonly type: GemmType;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  readonly a: GemmMatrix;
  readonly b: GemmMatrix;
  readonly c: GemmMatrix;
}

export interface DeviceProperties {
  /** Compute capability, such as 90. */
  readonly sm: number;
  readonly multiprocessors: number;
  readonly maxSharedBytes: number;
  /** Whether cuBLAS was found. */
  readonly blas: boolean;
}

/** What kernels need of the driver. */
export interface Launch {
  /** Compiled once for each `source.key`. */
  kernel(source: KernelSource): Kernel;
  readonly arguments: LaunchArguments;
  launch(kernel: Kernel, grid: Triple, block: Triple, sharedBytes: number, args: LaunchArguments): void;
  workspace(byteLength: number): CudaAllocation;
  release(allocation: CudaAllocation): void;
  /** int32 words in which the first kernel that sees a fault leaves it; `faultOf` reads them. */
  readonly fault: CudaAllocation;
  readonly properties: DeviceProperties;
  gemm(product: Gemm): void;
}
