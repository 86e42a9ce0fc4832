import { BackendError, type FlambeauError } from '@flambeau/core/backend';
import type { Block, GpuAllocation } from '../memory/allocation.ts';
import { Arena } from '../memory/arena.ts';
import { BufferPool, type MemoryAccount } from '../memory/pool.ts';
import { Staging } from '../memory/staging.ts';
import { BindGroups } from './bind-groups.ts';
import { copyBytesLaunch, copyBytesShader } from './bytes.ts';
import { FAULT_BYTES, FaultSites } from './fault-sites.ts';
import { Pipelines } from './pipelines.ts';
import { Profiler } from './profiler.ts';
import type { FaultSite, Queue, Shader } from './types.ts';

export interface QueueOptions {
  readonly software: boolean;
  readonly memoryLimit: number;
  readonly pooledLimit: number;
  /** Whether errors that nobody catches are ours: not so on a device that the page shares with us. */
  readonly owned: boolean;
}

/** Launches in one batch of commands, after which it is submitted. */
const BATCH_LAUNCHES = 128;
/** Writes up to so many bytes travel with the batch; larger ones go on their own. */
const SMALL_WRITE = 2 ** 16;
const ARENA_BYTES = 2 ** 20;

const isAligned = (value: number): boolean => (value & 3) === 0;
const aligned = (value: number): number => Math.ceil(value / 4) * 4;

/**
 * The one road to the device: commands gather in a batch, which is submitted when it is large, when somebody waits, or
 * in the next turn of the event loop. Everything takes effect in the order of the calls.
 */
export class CommandQueue implements Queue {
  readonly device: GPUDevice;
  readonly limits: GPUSupportedLimits;
  readonly features: ReadonlySet<string>;
  readonly software: boolean;
  readonly faults: GpuAllocation;
  /** Resolves when the device is gone. */
  readonly lost: Promise<BackendError>;
  /** The largest buffer that can be bound whole. */
  readonly maxByteLength: number;
  readonly profiler: Profiler;

  private readonly pool: BufferPool;
  private readonly staging: Staging;
  private readonly arena: Arena;
  private readonly pipelines: Pipelines;
  private readonly groups: BindGroups;
  private readonly sites = new FaultSites();

  private encoder: GPUCommandEncoder | null = null;
  private pass: GPUComputePassEncoder | null = null;
  private passPipeline: GPUComputePipeline | null = null;
  /** The number of the batch that is being gathered. */
  private batch = 0;
  private launches = 0;
  private scheduled = false;
  private condemned: Block[] = [];
  private readonly uniformOffset = new Uint32Array(1);
  private readonly blocks: Block[] = [];

  private fault: FlambeauError | undefined;
  private lostBy: BackendError | undefined;
  private readonly waiting = new Set<(reason: BackendError) => void>();
  private readonly submissions = new Set<Promise<void>>();

  constructor(device: GPUDevice, options: QueueOptions) {
    this.device = device;
    this.limits = device.limits;
    this.features = device.features as ReadonlySet<string>;
    this.software = options.software;
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    this.maxByteLength = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 16) * 16;
    const report = (fault: FlambeauError): void => this.report(fault);
    this.pool = new BufferPool(device, {
      ...options,
      maxByteLength: this.maxByteLength,
      onFailure: report,
      discard: (block) => this.discard(block),
    });
    this.staging = new Staging(device);
    this.arena = new Arena(device, ARENA_BYTES);
    this.pipelines = new Pipelines(device, report);
    this.groups = new BindGroups(device, this.arena.block);
    this.profiler = new Profiler(device);
    this.faults = { byteLength: FAULT_BYTES, block: this.pool.take(FAULT_BYTES) };
    this.lost = device.lost.then((info) => this.lose(info));
    if (options.owned) {
      device.addEventListener('uncapturederror', (event) => {
        // Node's Dawn logs an error that no handler has prevented.
        event.preventDefault();
        report(deviceError(event.error));
      });
    }
  }

  get account(): MemoryAccount {
    const { live, pooled, peak, buffers } = this.pool;
    return { live, pooled, peak, buffers };
  }

  /** How many shaders were compiled so far. */
  get shaderCount(): number {
    return this.pipelines.count;
  }

  private lose({ reason, message }: GPUDeviceLostInfo): BackendError {
    return this.close([reason, message].filter(Boolean).join(': '));
  }

  /** No work is taken any more. */
  close(why: string): BackendError {
    if (this.lostBy !== undefined) return this.lostBy;
    const error = new BackendError(
      `webgpu: the device is lost (${why}), and what was on it; make another: unregisterBackend('webgpu'), registerBackend(await webgpu())`,
      { data: { why } },
    );
    this.lostBy = error;
    this.encoder = null;
    this.pass = null;
    this.condemned = [];
    for (const reject of this.waiting) reject(error);
    this.waiting.clear();
    return error;
  }

  private checkPresent(): void {
    if (this.lostBy !== undefined) throw this.lostBy;
  }

  /** Keeps a fault for whoever waits next. The first counts. */
  private report(fault: FlambeauError): void {
    this.fault ??= fault;
  }

  // Memory

  allocate(byteLength: number): GpuAllocation {
    this.checkPresent();
    return { byteLength, block: this.pool.take(byteLength) };
  }

  free(allocation: GpuAllocation): void {
    if (this.lostBy === undefined) this.pool.give(allocation.block);
  }

  workspace(byteLength: number): GpuAllocation {
    return this.allocate(byteLength);
  }

  release(allocation: GpuAllocation): void {
    this.free(allocation);
  }

  /** Takes a buffer of somebody else's; it is never destroyed here. */
  adopt(buffer: GPUBuffer): GpuAllocation {
    this.checkPresent();
    return { byteLength: buffer.size, block: this.pool.adopt(buffer) };
  }

  /** Destroys what the pool keeps for later. */
  trim(): void {
    this.pool.trim(0);
  }

  /** Destroys a buffer, or does so once the batch that names it is on its way. */
  private discard(block: Block): void {
    if (block.batch === this.batch && this.encoder !== null) this.condemned.push(block);
    else block.buffer.destroy();
  }

  // Commands

  private openEncoder(): GPUCommandEncoder {
    this.checkPresent();
    if (this.encoder === null) {
      this.encoder = this.device.createCommandEncoder();
      if (!this.scheduled) {
        this.scheduled = true;
        setTimeout(() => {
          this.scheduled = false;
          this.flush();
        }, 0);
      }
    }
    return this.encoder;
  }

  private openPass(): GPUComputePassEncoder {
    if (this.pass === null) this.pass = this.openEncoder().beginComputePass();
    return this.pass;
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = null;
    this.passPipeline = null;
  }

  /** The encoder outside of a pass, where buffers are copied. */
  private openCopies(): GPUCommandEncoder {
    this.endPass();
    return this.openEncoder();
  }

  dispatch(
    shader: Shader,
    buffers: readonly GpuAllocation[],
    uniforms: Uint32Array,
    workgroups: readonly [number, number, number],
  ): void {
    this.checkPresent();
    const pipeline = this.pipelines.of(shader);
    const { uniformBytes } = pipeline;
    if (uniformBytes > 0 && !this.arena.fits(uniformBytes)) this.flush();
    const copies = this.apartFromWritten(shader.bindings, buffers);
    const offset = uniformBytes > 0 ? this.arena.pushWords(uniforms) : 0;
    const { blocks } = this;
    blocks.length = buffers.length;
    for (let i = 0; i < buffers.length; i++) {
      const { block } = (copies?.[i] ?? buffers[i])!;
      block.batch = this.batch;
      blocks[i] = block;
    }
    const group = this.groups.of(pipeline, blocks);
    const timing = this.profiler.active;
    if (timing) this.beginTimed(shader);
    const pass = this.openPass();
    if (this.passPipeline !== pipeline.pipeline) {
      pass.setPipeline(pipeline.pipeline);
      this.passPipeline = pipeline.pipeline;
    }
    if (uniformBytes > 0) {
      this.uniformOffset[0] = offset;
      pass.setBindGroup(0, group, this.uniformOffset, 0, 1);
    } else pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
    if (timing) this.endPass();
    if (copies !== null) for (const copy of copies) if (copy !== undefined) this.release(copy);
    this.launches += 1;
    if (this.launches >= BATCH_LAUNCHES) this.flush();
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
    this.encodeCopy(source.block, 0, copy.block, 0, aligned(source.byteLength));
    return copy;
  }

  private encodeCopy(source: Block, from: number, target: Block, to: number, byteLength: number): void {
    this.openCopies().copyBufferToBuffer(source.buffer, from, target.buffer, to, byteLength);
    source.batch = this.batch;
    target.batch = this.batch;
  }

  private beginTimed({ key }: Shader): void {
    this.endPass();
    const encoder = this.openEncoder();
    this.pass = encoder.beginComputePass({ timestampWrites: this.profiler.next(key) });
  }

  /** Submits what was gathered. */
  flush(): void {
    const { encoder, device } = this;
    if (encoder === null) return;
    this.endPass();
    this.profiler.resolve(encoder);
    this.encoder = null;
    device.pushErrorScope('validation');
    this.arena.upload(device.queue);
    device.queue.submit([encoder.finish()]);
    const check = device
      .popErrorScope()
      .then((error) => {
        if (error !== null) this.report(deviceError(error));
      })
      // A device that is lost says so elsewhere.
      .catch(() => {})
      .finally(() => this.submissions.delete(check));
    this.submissions.add(check);
    this.batch += 1;
    this.launches = 0;
    for (const { buffer } of this.condemned) buffer.destroy();
    this.condemned.length = 0;
  }

  // Bytes

  write(target: GpuAllocation, byteOffset: number, bytes: Uint8Array): void {
    this.checkPresent();
    if (bytes.byteLength === 0) return;
    const whole = isAligned(byteOffset) ? bytes.byteLength & ~3 : 0;
    if (whole > 0)
      this.writeWords(
        target.block,
        byteOffset,
        whole === bytes.byteLength ? bytes : bytes.subarray(0, whole),
      );
    if (whole < bytes.byteLength) this.writeBytes(target, byteOffset + whole, bytes.subarray(whole));
  }

  private writeWords(block: Block, byteOffset: number, bytes: Uint8Array): void {
    const named = block.batch === this.batch && this.encoder !== null;
    if (named && bytes.byteLength <= SMALL_WRITE) {
      if (!this.arena.fits(bytes.byteLength)) this.flush();
      const at = this.arena.pushBytes(bytes);
      this.encodeCopy(this.arena.block, at, block, byteOffset, bytes.byteLength);
      return;
    }
    if (named) this.flush();
    // The batch that is being gathered does not name the buffer, so that it may as well be written before.
    this.device.queue.writeBuffer(block.buffer, byteOffset, bytes as Uint8Array<ArrayBuffer>);
  }

  /** Bytes that do not begin or end on a word: they go into memory of their own first. */
  private writeBytes(target: GpuAllocation, byteOffset: number, bytes: Uint8Array): void {
    const padded = new Uint8Array(aligned(bytes.byteLength));
    padded.set(bytes);
    const source = this.workspace(padded.byteLength);
    this.writeWords(source.block, 0, padded);
    this.copyBytes(source, 0, target, byteOffset, bytes.byteLength);
    this.release(source);
  }

  copy(
    source: GpuAllocation,
    sourceOffset: number,
    target: GpuAllocation,
    targetOffset: number,
    byteLength: number,
  ): void {
    this.checkPresent();
    if (byteLength === 0) return;
    const whole = isAligned(sourceOffset) && isAligned(targetOffset) && isAligned(byteLength);
    if (whole && source.block !== target.block)
      this.encodeCopy(source.block, sourceOffset, target.block, targetOffset, byteLength);
    else this.copyBytes(source, sourceOffset, target, targetOffset, byteLength);
  }

  private copyBytes(
    source: GpuAllocation,
    sourceOffset: number,
    target: GpuAllocation,
    targetOffset: number,
    byteLength: number,
  ): void {
    const { uniforms, workgroups } = copyBytesLaunch(sourceOffset, targetOffset, byteLength);
    this.dispatch(copyBytesShader, [source, target], uniforms, workgroups);
  }

  /** A snapshot of bytes after everything enqueued so far. @throws {FlambeauError} the first fault since somebody waited. */
  async read(source: GpuAllocation, byteOffset: number, byteLength: number): Promise<Uint8Array> {
    this.checkPresent();
    const from = byteOffset & ~3;
    const wordBytes = aligned(byteOffset + byteLength) - from;
    const staging = this.staging.take(wordBytes + FAULT_BYTES);
    this.openCopies().copyBufferToBuffer(source.block.buffer, from, staging.buffer, 0, wordBytes);
    source.block.batch = this.batch;
    const asked = this.encodeFaultCheck(staging.buffer, wordBytes);
    const bytes = await this.untilDone(() => this.staging.bytes(staging, wordBytes + FAULT_BYTES));
    await this.settle(asked ? bytes : undefined, wordBytes);
    return bytes.subarray(byteOffset - from, byteOffset - from + byteLength);
  }

  /** Copies the fault words for a reader and clears them, where anybody may have reported. */
  private encodeFaultCheck(target: GPUBuffer, targetOffset: number): boolean {
    if (!this.sites.outstanding) return false;
    this.sites.outstanding = false;
    const { block } = this.faults;
    const encoder = this.openCopies();
    encoder.copyBufferToBuffer(block.buffer, 0, target, targetOffset, FAULT_BYTES);
    encoder.clearBuffer(block.buffer, 0, FAULT_BYTES);
    block.batch = this.batch;
    return true;
  }

  /** Lets other reads of this turn join the batch, submits it, and waits; a lost device ends the wait. */
  private async untilDone<R>(wait: () => Promise<R>): Promise<R> {
    const { batch } = this;
    await null;
    if (this.batch === batch) this.flush();
    return new Promise<R>((resolve, reject) => {
      if (this.lostBy !== undefined) {
        reject(this.lostBy);
        return;
      }
      this.waiting.add(reject);
      wait()
        .then(resolve, (error: unknown) => reject(this.lostBy ?? this.fault ?? waitError(error)))
        .finally(() => this.waiting.delete(reject));
    });
  }

  /** Throws the first fault since somebody waited. */
  private async settle(bytes: Uint8Array | undefined, faultOffset: number): Promise<void> {
    await Promise.all([...this.submissions]);
    await this.pipelines.checked();
    await this.pool.checked();
    if (this.lostBy !== undefined) throw this.lostBy;
    const reported =
      bytes === undefined
        ? undefined
        : this.sites.read(new Uint32Array(bytes.slice(faultOffset, faultOffset + FAULT_BYTES).buffer));
    const fault = this.fault ?? reported;
    this.fault = undefined;
    if (fault !== undefined) throw fault;
  }

  async synchronize(): Promise<void> {
    this.checkPresent();
    if (this.sites.outstanding) {
      await this.read(this.faults, 0, 4);
      return;
    }
    await this.untilDone(() => this.device.queue.onSubmittedWorkDone());
    await this.settle(undefined, 0);
  }

  faultSite(op: string, size: number): FaultSite {
    return this.sites.siteOf(op, size);
  }
}

function deviceError(error: GPUError): BackendError {
  return new BackendError(`webgpu: the device refused a command: ${error.message.split('\n')[0]}`, {
    data: { message: error.message },
  });
}

function waitError(error: unknown): BackendError {
  const reason = error instanceof Error ? error.message : String(error);
  return new BackendError(`webgpu: reading from the device failed: ${reason}`, { cause: error });
}
