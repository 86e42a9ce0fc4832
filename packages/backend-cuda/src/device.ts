import { type Allocation, BackendError } from '@flambeau/core/backend';
import { FAULT_WORDS, faultOf } from './fault.ts';
import type {
  CudaAllocation,
  DeviceProperties,
  Gemm,
  Kernel,
  KernelSource,
  Launch,
  LaunchArguments,
  Triple,
} from './launch.ts';
import { Allocator, type DeviceAllocation } from './memory/allocator.ts';
import { type NativeAddon, type NativeSession, type Outcome, SESSION_FAULT_WORDS } from './native/addon.ts';
import { addressOf, type Commands } from './native/commands.ts';
import type { Compiler } from './native/compiler.ts';
import { deadContext, explain, isFatal, resultOf } from './native/failures.ts';

/** A compiled entry, with its number in native code. */
class LoadedKernel implements Kernel {
  readonly name: string;
  readonly id: number;

  constructor(name: string, id: number) {
    this.name = name;
    this.id = id;
  }
}

export interface DeviceSettings {
  readonly addon: NativeAddon;
  readonly session: NativeSession;
  readonly commands: Commands;
  readonly compiler: Compiler;
  readonly device: string;
  readonly properties: DeviceProperties;
  readonly allowTf32: boolean;
  readonly exactMemory: boolean;
}

/** One device as this thread uses it: launches, memory and the transfer of bytes, all in one stream. */
export class CudaDevice implements Launch {
  readonly arguments: Commands;
  readonly fault: CudaAllocation;
  readonly properties: DeviceProperties;
  readonly memory: Allocator;
  readonly lost: Promise<BackendError>;
  private readonly addon: NativeAddon;
  private readonly session: NativeSession;
  private readonly compiler: Compiler;
  private readonly device: string;
  private readonly allowTf32: boolean;
  private readonly kernels = new Map<string, LoadedKernel>();
  private readonly faultNow = new Int32Array(SESSION_FAULT_WORDS);
  private gone: BackendError | null = null;
  private tellLost: (error: BackendError) => void = () => {};

  constructor(settings: DeviceSettings) {
    const { session, device } = settings;
    this.addon = settings.addon;
    this.session = session;
    this.arguments = settings.commands;
    this.compiler = settings.compiler;
    this.device = device;
    this.properties = settings.properties;
    this.allowTf32 = settings.allowTf32;
    this.memory = new Allocator(
      {
        allocate: (byteLength) => this.guard('allocate', () => session.allocate(byteLength)),
        release: (address) => this.guard('free', () => session.release(address)),
        memoryInfo: () => this.guard('memory', () => session.memoryInfo()),
      },
      device,
      settings.exactMemory,
    );
    const words: Pick<DeviceAllocation, 'address' | 'byteLength'> = {
      address: session.fault,
      byteLength: 4 * SESSION_FAULT_WORDS,
    };
    this.fault = words;
    this.lost = new Promise((resolve) => {
      this.tellLost = resolve;
    });
  }

  kernel(source: KernelSource): Kernel {
    let kernel = this.kernels.get(source.key);
    if (kernel === undefined) {
      this.check();
      kernel = this.guard(`kernel ${source.entry}`, () =>
        this.compiler.compile(
          source,
          (image) => new LoadedKernel(source.entry, this.session.loadFunction(image, source.entry)),
        ),
      );
      this.kernels.set(source.key, kernel);
    }
    return kernel;
  }

  /** Registers and memory of a kernel as the device will use them. */
  attributesOf(kernel: Kernel): { registers: number; localBytes: number; sharedBytes: number } {
    return this.guard('attributes', () => this.session.functionAttributes((kernel as LoadedKernel).id));
  }

  launch(kernel: Kernel, grid: Triple, block: Triple, sharedBytes: number, args: LaunchArguments): void {
    if (args !== this.arguments)
      throw new BackendError(`${this.device}: a launch takes the arguments of its own device`);
    this.arguments.header((kernel as LoadedKernel).id, grid, block, sharedBytes);
    const outcome = this.session.launch();
    if (outcome !== undefined)
      this.fail(`kernel ${kernel.name} of [${grid}] blocks of [${block}] threads`, outcome);
  }

  gemm(product: Gemm): void {
    this.arguments.gemm(product, this.allowTf32);
    const outcome = this.session.gemm();
    if (outcome === undefined) return;
    if (outcome > 0) this.fail('cuBLAS', outcome);
    throw new BackendError(
      `${this.device}: cuBLAS refuses a product of [${product.m}, ${product.k}] and [${product.k}, ${product.n}] with status ${-outcome}`,
      { data: { status: -outcome } },
    );
  }

  allocate(byteLength: number): DeviceAllocation {
    if (this.gone !== null) throw this.gone;
    return this.memory.allocate(byteLength);
  }

  workspace(byteLength: number): CudaAllocation {
    return this.allocate(byteLength);
  }

  release(allocation: Allocation): void {
    // What a dead context held is gone already.
    if (this.gone === null) this.memory.free(allocation as DeviceAllocation);
  }

  write(target: Allocation, byteOffset: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.done('write', this.session.write(addressOf(target) + byteOffset, bytes));
  }

  copy(source: Allocation, from: number, target: Allocation, to: number, byteLength: number): void {
    if (byteLength === 0) return;
    this.done('copy', this.session.copy(addressOf(source) + from, addressOf(target) + to, byteLength));
  }

  readNow(source: Allocation, byteOffset: number, byteLength: number): Uint8Array {
    const bytes = new Uint8Array(byteLength);
    this.done('read', this.session.readNow(addressOf(source) + byteOffset, bytes, this.faultNow));
    this.checkFault(this.faultNow);
    return bytes;
  }

  async read(source: Allocation, byteOffset: number, byteLength: number): Promise<Uint8Array> {
    this.check();
    const address = addressOf(source) + byteOffset;
    const pending = this.guard('read', () => this.session.read(address, byteLength));
    if (pending === undefined) return this.readNow(source, byteOffset, byteLength);
    let result: Awaited<typeof pending>;
    try {
      result = await pending;
    } catch (error) {
      throw this.translate('read', error);
    }
    this.checkFault(new Int32Array(result.fault));
    return new Uint8Array(result.bytes);
  }

  async synchronize(): Promise<void> {
    await this.read(this.fault, 0, 0);
  }

  /** Milliseconds that the device takes for what `body` enqueues. */
  elapsedMs(body: () => void): number {
    return this.guard('timing', () => {
      const { session } = this;
      const from = session.recordEvent();
      body();
      const elapsed = session.elapsedMs(from, session.recordEvent());
      session.dropEvents();
      return elapsed;
    });
  }

  close(): void {
    if (this.gone !== null && this.gone.data.reason === 'closed') return;
    this.gone = new BackendError(`${this.device}: the device was closed`, { data: { reason: 'closed' } });
    this.session.close();
    this.tellLost(this.gone);
  }

  private check(): void {
    if (this.gone !== null) throw this.gone;
  }

  private done(call: string, outcome: Outcome): void {
    if (outcome !== undefined) this.fail(call, outcome);
  }

  private checkFault(words: Int32Array): void {
    if (words[0] === 0) return;
    this.session.clear(this.session.fault, 4 * SESSION_FAULT_WORDS);
    const fault = faultOf(words.subarray(0, FAULT_WORDS));
    words.fill(0);
    if (fault !== undefined) throw fault;
  }

  private fail(call: string, result: number): never {
    throw this.errorOf(call, result, this.addon.describe(result));
  }

  private errorOf(call: string, result: number, words: string): BackendError {
    if (this.gone !== null) return this.gone;
    if (!isFatal(result))
      return new BackendError(`${this.device}: ${call}: ${words}`, { data: { reason: 'driver', result } });
    this.gone = deadContext(this.device, call, words);
    this.tellLost(this.gone);
    return this.gone;
  }

  private translate(call: string, error: unknown): unknown {
    const result = resultOf(error);
    return result > 0 && error instanceof Error ? this.errorOf(call, result, error.message) : explain(error);
  }

  private guard<R>(call: string, body: () => R): R {
    try {
      return body();
    } catch (error) {
      throw this.translate(call, error);
    }
  }
}
