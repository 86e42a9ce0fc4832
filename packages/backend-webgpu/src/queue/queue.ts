import { type BackendError, type FlambeauError, runningOperator } from '@flambeau/core/backend';
import type { GpuAllocation } from '../memory/allocation.ts';
import { BufferPool, type MemoryAccount } from '../memory/pool.ts';
import { Staging } from '../memory/staging.ts';
import { BindGroups } from './bind-groups.ts';
import { Commands } from './commands.ts';
import { FAULT_BYTES, FaultSites } from './fault-sites.ts';
import { Outcome } from './outcome.ts';
import { Pipelines } from './pipelines.ts';
import type { Profiler } from './profiler.ts';
import { aligned, Transfers } from './transfers.ts';
import type { FaultSite, Queue, Shader } from './types.ts';

export interface QueueOptions {
  readonly software: boolean;
  readonly memoryLimit: number;
  readonly pooledLimit: number;
  /** Whether errors that nobody catches are ours: not so on a device that the page shares with us. */
  readonly owned: boolean;
}

/**
 * The one road to the device. Everything takes effect in the order of the calls: `Commands` gathers them in batches,
 * `Transfers` moves bytes, `Outcome` knows what became of what was submitted.
 */
export class CommandQueue implements Queue {
  readonly device: GPUDevice;
  readonly maxStorageBuffers: number;
  readonly features: ReadonlySet<string>;
  readonly software: boolean;
  readonly faults: GpuAllocation;
  /** The largest buffer that can be bound whole. */
  readonly maxByteLength: number;

  private readonly outcome: Outcome;
  private readonly commands: Commands;
  private readonly transfers: Transfers;
  private readonly pool: BufferPool;
  private readonly pipelines: Pipelines;
  private readonly groups: BindGroups;
  private readonly sites = new FaultSites();

  constructor(device: GPUDevice, options: QueueOptions) {
    this.device = device;
    this.features = device.features as ReadonlySet<string>;
    this.software = options.software;
    const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = device.limits;
    this.maxStorageBuffers = maxStorageBuffersPerShaderStage;
    this.maxByteLength = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 16) * 16;
    this.outcome = new Outcome(device, options.owned, () => this.commands.drop());
    const report = (fault: FlambeauError): void => this.outcome.report(fault);
    this.pipelines = new Pipelines(device, report);
    this.commands = new Commands(device, this.outcome, this.pipelines);
    this.pool = new BufferPool(device, {
      ...options,
      maxByteLength: this.maxByteLength,
      onFailure: report,
      discard: (block) => this.commands.discard(block),
    });
    this.transfers = new Transfers(device, this, this.commands, new Staging(device));
    this.groups = new BindGroups(device, this.commands.arena.block);
    this.faults = { byteLength: FAULT_BYTES, block: this.pool.take(FAULT_BYTES) };
  }

  /** Resolves when the device is gone. */
  get lost(): Promise<BackendError> {
    return this.outcome.lost;
  }

  get profiler(): Profiler {
    return this.commands.profiler;
  }

  get account(): MemoryAccount {
    const { live, pooled, peak, buffers } = this.pool;
    return { live, pooled, peak, buffers };
  }

  /** How many shaders were compiled so far. */
  get shaderCount(): number {
    return this.pipelines.count;
  }

  /** No work is taken any more. */
  close(why: string): BackendError {
    return this.outcome.close(why);
  }

  allocate(byteLength: number): GpuAllocation {
    this.outcome.checkPresent();
    return { byteLength, block: this.pool.take(byteLength) };
  }

  free(allocation: GpuAllocation): void {
    if (!this.outcome.isLost) this.pool.give(allocation.block);
  }

  workspace(byteLength: number): GpuAllocation {
    return this.allocate(byteLength);
  }

  release(allocation: GpuAllocation): void {
    this.free(allocation);
  }

  /** Takes a buffer of somebody else's; it is never destroyed here. */
  adopt(buffer: GPUBuffer): GpuAllocation {
    this.outcome.checkPresent();
    return { byteLength: buffer.size, block: this.pool.adopt(buffer) };
  }

  /** Destroys what the pool keeps for later. */
  trim(): void {
    this.pool.trim(0);
  }

  dispatch(
    shader: Shader,
    buffers: readonly GpuAllocation[],
    uniforms: Uint32Array,
    workgroups: readonly [number, number, number],
  ): void {
    this.outcome.checkPresent();
    const { commands } = this;
    const { arena } = commands;
    const pipeline = this.pipelines.of(shader);
    const { uniformBytes } = pipeline;
    if (uniformBytes > 0 && !arena.fits(uniformBytes)) commands.flush();
    const copies = this.apartFromWritten(shader.bindings, buffers);
    const bound = copies === null ? buffers : buffers.map((buffer, i) => copies[i] ?? buffer);
    const offset = uniformBytes > 0 ? arena.pushWords(uniforms) : -1;
    for (let i = 0; i < bound.length; i++) bound[i]!.block.batch = commands.batch;
    commands.launch(pipeline, this.groups.of(pipeline, bound), offset, workgroups);
    if (copies !== null) for (const copy of copies) if (copy !== undefined) this.release(copy);
    commands.flushLarge();
  }

  /** Copies for the buffers that are read while another binding writes them; null where there are none. */
  private apartFromWritten(
    bindings: Shader['bindings'],
    buffers: readonly GpuAllocation[],
  ): (GpuAllocation | undefined)[] | null {
    let copies: (GpuAllocation | undefined)[] | null = null;
    for (let i = 0; i < bindings.length; i++) {
      if (bindings[i] !== 'read_write') continue;
      for (let j = 0; j < bindings.length; j++) {
        if (bindings[j] === 'read' && buffers[j]!.block === buffers[i]!.block) {
          copies ??= [];
          copies[j] ??= this.duplicate(buffers[j]!);
        }
      }
    }
    return copies;
  }

  private duplicate(source: GpuAllocation): GpuAllocation {
    const copy = this.workspace(source.byteLength);
    this.commands.copy(source.block, 0, copy.block, 0, aligned(source.byteLength));
    return copy;
  }

  /** Submits what was gathered. */
  flush(): void {
    this.commands.flush();
  }

  write(target: GpuAllocation, byteOffset: number, bytes: Uint8Array): void {
    this.outcome.checkPresent();
    this.transfers.write(target, byteOffset, bytes);
  }

  copy(
    source: GpuAllocation,
    sourceOffset: number,
    target: GpuAllocation,
    targetOffset: number,
    byteLength: number,
  ): void {
    this.outcome.checkPresent();
    this.transfers.copy(source, sourceOffset, target, targetOffset, byteLength);
  }

  /** A snapshot of bytes after everything enqueued so far. @throws {FlambeauError} the first fault since somebody waited. */
  async read(source: GpuAllocation, byteOffset: number, byteLength: number): Promise<Uint8Array> {
    this.outcome.checkPresent();
    const from = byteOffset & ~3;
    const wordBytes = aligned(byteOffset + byteLength) - from;
    let asked = false;
    const bytes = await this.transfers.read(source, from, wordBytes, FAULT_BYTES, (target, at) => {
      asked = this.encodeFaultCheck(target, at);
    });
    await this.settle(asked ? bytes.slice(wordBytes, wordBytes + FAULT_BYTES) : undefined);
    return bytes.subarray(byteOffset - from, byteOffset - from + byteLength);
  }

  /** Copies the fault words for a reader and clears them, where anybody may have reported. */
  private encodeFaultCheck(target: GPUBuffer, targetOffset: number): boolean {
    if (!this.sites.outstanding) return false;
    this.sites.outstanding = false;
    const { block } = this.faults;
    this.commands.transfer((encoder) => {
      encoder.copyBufferToBuffer(block.buffer, 0, target, targetOffset, FAULT_BYTES);
      encoder.clearBuffer(block.buffer, 0, FAULT_BYTES);
    });
    block.batch = this.commands.batch;
    return true;
  }

  /** Throws the first fault since somebody waited. */
  private settle(faultBytes: Uint8Array | undefined): Promise<void> {
    const found =
      faultBytes === undefined
        ? undefined
        : this.sites.read(new Uint32Array(faultBytes.buffer as ArrayBuffer));
    return this.outcome.settle([this.pipelines.ready(), this.pool.checked()], found);
  }

  async synchronize(): Promise<void> {
    this.outcome.checkPresent();
    if (this.sites.outstanding) {
      await this.read(this.faults, 0, 4);
      return;
    }
    await this.commands.untilDone(() => this.device.queue.onSubmittedWorkDone());
    await this.settle(undefined);
  }

  faultSite(kernel: string, size: number): FaultSite {
    return this.sites.siteOf(runningOperator() ?? kernel, size);
  }
}
