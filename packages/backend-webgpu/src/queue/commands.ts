import type { Block } from '../memory/allocation.ts';
import { Arena } from '../memory/arena.ts';
import type { Outcome } from './outcome.ts';
import { Profiler } from './profiler.ts';
import type { Shader } from './types.ts';

/** Launches in one batch of commands, after which it is submitted. */
const BATCH_LAUNCHES = 128;
const ARENA_BYTES = 2 ** 20;

/**
 * Commands gather in a batch, which is submitted when it is large, when somebody waits, or in the next turn of the event
 * loop.
 */
export class Commands {
  readonly arena: Arena;
  readonly profiler: Profiler;
  /** The number of the batch that is being gathered. */
  batch = 0;
  private readonly device: GPUDevice;
  private readonly outcome: Outcome;
  private encoder: GPUCommandEncoder | null = null;
  private pass: GPUComputePassEncoder | null = null;
  private passPipeline: GPUComputePipeline | null = null;
  private launches = 0;
  private scheduled = false;
  private condemned: Block[] = [];
  private readonly uniformOffset = new Uint32Array(1);

  constructor(device: GPUDevice, outcome: Outcome) {
    this.device = device;
    this.outcome = outcome;
    this.arena = new Arena(device, ARENA_BYTES);
    this.profiler = new Profiler(device);
  }

  private open(): GPUCommandEncoder {
    if (this.encoder === null) {
      this.outcome.checkPresent();
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

  private endPass(): void {
    this.pass?.end();
    this.pass = null;
    this.passPipeline = null;
  }

  /** The encoder outside of a pass, where buffers are copied. */
  openCopies(): GPUCommandEncoder {
    this.endPass();
    return this.open();
  }

  /** Whether a command of the batch that is being gathered names the buffer. */
  names(block: Block): boolean {
    return block.batch === this.batch && this.encoder !== null;
  }

  copy(source: Block, from: number, target: Block, to: number, byteLength: number): void {
    this.openCopies().copyBufferToBuffer(source.buffer, from, target.buffer, to, byteLength);
    source.batch = this.batch;
    target.batch = this.batch;
  }

  /** Encodes a launch; `offset` is where its uniforms begin in the arena, -1 where it has none. */
  launch(
    shader: Shader,
    pipeline: GPUComputePipeline,
    group: GPUBindGroup,
    offset: number,
    workgroups: readonly [number, number, number],
  ): void {
    const timing = this.profiler.active;
    if (timing) {
      this.endPass();
      this.pass = this.open().beginComputePass({ timestampWrites: this.profiler.next(shader.key) });
    }
    this.pass ??= this.open().beginComputePass();
    const { pass } = this;
    if (this.passPipeline !== pipeline) {
      pass.setPipeline(pipeline);
      this.passPipeline = pipeline;
    }
    if (offset >= 0) {
      this.uniformOffset[0] = offset;
      pass.setBindGroup(0, group, this.uniformOffset, 0, 1);
    } else pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
    if (timing) this.endPass();
    this.launches += 1;
  }

  /** Submits the batch where it is large. */
  flushLarge(): void {
    if (this.launches >= BATCH_LAUNCHES) this.flush();
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
    this.outcome.watch(device.popErrorScope());
    this.batch += 1;
    this.launches = 0;
    for (const { buffer } of this.condemned) buffer.destroy();
    this.condemned.length = 0;
  }

  /** Destroys a buffer, or does so once the batch that names it is on its way. */
  discard(block: Block): void {
    if (this.names(block)) this.condemned.push(block);
    else block.buffer.destroy();
  }

  /** Forgets the batch: the device is gone. */
  drop(): void {
    this.encoder = null;
    this.pass = null;
    this.condemned = [];
  }

  /** Waits for work, letting others of this turn join the batch before it is submitted. */
  async untilDone<R>(wait: () => Promise<R>): Promise<R> {
    const { batch } = this;
    await null;
    if (this.batch === batch) this.flush();
    return this.outcome.until(wait);
  }
}
