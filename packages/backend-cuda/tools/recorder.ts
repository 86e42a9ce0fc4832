import {
  type Allocation,
  BACKEND_DTYPES,
  type Backend,
  type BackendError,
  type Kernels,
} from '@flambeau/core/backend';
import { cudaKernels } from '../src/kernels/index.ts';
import type {
  DeviceProperties,
  Gemm,
  Kernel,
  KernelSource,
  Launch,
  LaunchArguments,
  Triple,
} from '../src/launch.ts';

/** One launch as the kernels asked for it. */
export interface RecordedLaunch {
  readonly key: string;
  readonly grid: Triple;
  readonly block: Triple;
  readonly sharedBytes: number;
  readonly argumentCount: number;
}

interface RecordedKernel extends Kernel {
  readonly key: string;
}

class CountedArguments implements LaunchArguments {
  count = 0;

  reset(): this {
    this.count = 0;
    return this;
  }
  private add(): this {
    this.count += 1;
    return this;
  }
  pointer(): this {
    return this.add();
  }
  i32(value: number): this {
    if ((value | 0) !== value) throw new RangeError(`${value} is no int32`);
    return this.add();
  }
  i64(): this {
    return this.add();
  }
  f32(): this {
    return this.add();
  }
  f64(): this {
    return this.add();
  }
}

/** What kernels would have compiled and launched: a backend that computes nothing. */
export class Recorder implements Launch {
  readonly sources = new Map<string, KernelSource>();
  readonly launches: RecordedLaunch[] = [];
  readonly products: Gemm[] = [];
  readonly arguments = new CountedArguments();
  readonly fault: Allocation = { byteLength: 20 };
  readonly properties: DeviceProperties;
  /** Workspace that is still held. */
  held = 0;

  constructor(properties: Partial<DeviceProperties> = {}) {
    this.properties = { sm: 90, multiprocessors: 132, maxSharedBytes: 232448, blas: false, ...properties };
  }

  kernel(source: KernelSource): RecordedKernel {
    this.sources.set(source.key, source);
    return { name: source.entry, key: source.key };
  }
  launch(kernel: Kernel, grid: Triple, block: Triple, sharedBytes: number): void {
    // It is one of those that `kernel` gave out.
    const { key } = kernel as RecordedKernel;
    this.launches.push({ key, grid, block, sharedBytes, argumentCount: this.arguments.count });
  }
  workspace(byteLength: number): Allocation {
    this.held += 1;
    return { byteLength };
  }
  release(): void {
    this.held -= 1;
  }
  gemm(product: Gemm): void {
    this.products.push(product);
  }
}

/** A device whose kernels are recorded. What is read from it is zeros. */
export function recordingBackend(recorder: Recorder, device: string): Backend {
  return {
    apiVersion: 1,
    device,
    name: 'recorder',
    limits: {
      dtypes: BACKEND_DTYPES,
      maxByteLength: 2 ** 40,
      synchronousReads: true,
    },
    lost: new Promise<BackendError>(() => {}),
    kernels: cudaKernels(recorder) satisfies Kernels,
    allocate: (byteLength) => ({ byteLength, collected: true }),
    free() {},
    write() {},
    copy() {},
    read: async (_source, _byteOffset, byteLength) => new Uint8Array(byteLength),
    readSync: (_source, _byteOffset, byteLength) => new Uint8Array(byteLength),
    synchronize: async () => {},
  };
}
