import { BackendError } from '@flambeau/core/backend';
import type { CudaAllocation, Gemm, GemmMatrix, GemmType, LaunchArguments, Triple } from '../launch.ts';
import type { DeviceAllocation } from '../memory/allocator.ts';

/** As in native/src/session.h. */
const HEADER_WORDS = 10;
const MOST_ARGUMENTS = 256;
const BYTES = 4 * (HEADER_WORDS + 2 * MOST_ARGUMENTS);

const GEMM_TYPES: Readonly<Record<GemmType, number>> = { float32: 0, float64: 1, float16: 2, bfloat16: 3 };

/** Where memory lies on the device: kernels are handed what the allocator of this package made. */
export const addressOf = (allocation: CudaAllocation): number => (allocation as DeviceAllocation).address;

/**
 * The buffer through which launches reach native code: a header, then 8 bytes for each argument. A call into native
 * code with a dozen arguments costs ten times as much.
 */
export class Commands implements LaunchArguments {
  readonly buffer = new ArrayBuffer(BYTES);
  private readonly words = new Int32Array(this.buffer);
  private readonly floats = new Float32Array(this.buffer);
  private readonly doubles = new Float64Array(this.buffer);
  private readonly longs = new BigInt64Array(this.buffer);
  private at = HEADER_WORDS;

  reset(): this {
    this.at = HEADER_WORDS;
    return this;
  }

  pointer(allocation: CudaAllocation, byteOffset: number): this {
    const address = addressOf(allocation) + byteOffset;
    this.words[this.at] = address | 0;
    this.words[this.at + 1] = address / 2 ** 32;
    this.at += 2;
    return this;
  }

  i32(value: number): this {
    this.words[this.at] = value;
    this.at += 2;
    return this;
  }

  i64(value: number | bigint): this {
    if (typeof value === 'bigint') {
      this.longs[this.at >> 1] = value;
    } else {
      this.words[this.at] = value | 0;
      this.words[this.at + 1] = Math.floor(value / 2 ** 32);
    }
    this.at += 2;
    return this;
  }

  f32(value: number): this {
    this.floats[this.at] = value;
    this.at += 2;
    return this;
  }

  f64(value: number): this {
    this.doubles[this.at >> 1] = value;
    this.at += 2;
    return this;
  }

  /** Writes the header over the arguments that were written since `reset`. */
  header(kernel: number, grid: Triple, block: Triple, sharedBytes: number): void {
    const { words } = this;
    const count = (this.at - HEADER_WORDS) / 2;
    if (count > MOST_ARGUMENTS)
      throw new BackendError(`cuda: a kernel takes ${MOST_ARGUMENTS} arguments at most, got ${count}`);
    words[0] = kernel;
    words[1] = count;
    words[2] = grid[0];
    words[3] = grid[1];
    words[4] = grid[2];
    words[5] = block[0];
    words[6] = block[1];
    words[7] = block[2];
    words[8] = sharedBytes;
  }

  gemm(product: Gemm, allowTf32: boolean): void {
    const { doubles } = this;
    doubles[0] = GEMM_TYPES[product.type];
    doubles[1] = allowTf32 ? 1 : 0;
    doubles[2] = product.m;
    doubles[3] = product.n;
    doubles[4] = product.k;
    doubles[5] = product.batch;
    this.matrix(6, product.a);
    this.matrix(10, product.b);
    this.matrix(14, product.c);
  }

  private matrix(at: number, { allocation, byteOffset, leading, batchStride, transposed }: GemmMatrix): void {
    const { doubles } = this;
    doubles[at] = addressOf(allocation) + byteOffset;
    doubles[at + 1] = leading;
    doubles[at + 2] = batchStride;
    doubles[at + 3] = transposed ? 1 : 0;
  }
}
