import type { Block } from '../memory/allocation.ts';
import { Arena } from '../memory/arena.ts';
import type { Outcome } from './outcome.ts';
import type { Pipeline, Pipelines } from './pipelines.ts';
import { Profiler } from './profiler.ts';

/** Commands in one batch, after which it is submitted. */
const BATCH_COMMANDS = 128;
/** Commands that a batch holds while shaders are being compiled. */
const HELD_COMMANDS = 1024;
const ARENA_BYTES = 2 ** 20;

/** A launch; where `transfer` is set, bytes that move. */
class Command {
  transfer: ((encoder: GPUCommandEncoder) => void) | null = null;
  pipeline!: Pipeline;
  group!: GPUBindGroup;
  /** Where its uniforms begin in the arena, -1 where it has none. */
  offset = -1;
  workgroups!: readonly [number, number, number];
}

/**
 * Commands gather in a batch, which is encoded and submitted when it is large, when somebody waits, or in the next turn of
 * the event loop. Until then the shaders that it needs may compile.
 */
export class Commands {
  readonly arena: Arena;
  readonly profiler: Profiler;
  /** The number of the batch that is being gathered. */
  batch = 0;
  private readonly device: GPUDevice;
  private readonly outcome: Outcome;
  private readonly pipelines: Pipelines;
  /** The commands of the batch are the first `count`; the objects are used again. */
  private readonly commands: Command[] = [];
  private count = 0;
  private scheduled = false;
  private condemned: Block[] = [];
  private readonly uniformOffset = new Uint32Array(1);

  constructor(device: GPUDevice, outcome: Outcome, pipelines: Pipelines) {
    this.device = device;
    this.outcome = outcome;
    this.pipelines = pipelines;
    this.arena = new Arena(device, ARENA_BYTES);
    this.profiler = new Profiler(device);
  }

  private next(): Command {
    if (this.count === 0) this.open();
    const { commands } = this;
    if (this.count === commands.length) commands.push(new Command());
    return commands[this.count++]!;
  }

  private open(): void {
    this.outcome.checkPresent();
    if (this.scheduled) return;
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      void this.flushWhenReady();
    }, 0);
  }

  /** Whether a command of the batch that is being gathered names the buffer. */
  names(block: Block): boolean {
    return block.batch === this.batch && this.count > 0;
  }

  /** Adds what moves bytes. The buffers that it names are the caller's to mark. */
  transfer(encode: (encoder: GPUCommandEncoder) => void): void {
    this.next().transfer = encode;
  }

  copy(source: Block, from: number, target: Block, to: number, byteLength: number): void {
    this.transfer((encoder) =>
      encoder.copyBufferToBuffer(source.buffer, from, target.buffer, to, byteLength),
    );
    source.batch = this.batch;
    target.batch = this.batch;
  }

  /** Adds a launch; `offset` is where its uniforms begin in the arena, -1 where it has none. */
  launch(
    pipeline: Pipeline,
    group: GPUBindGroup,
    offset: number,
    workgroups: readonly [number, number, number],
  ): void {
    const command = this.next();
    command.pipeline = pipeline;
    command.group = group;
    command.offset = offset;
    command.workgroups = workgroups;
  }

  /** Submits the batch where it is large. */
  flushLarge(): void {
    if (this.count < BATCH_COMMANDS) return;
    if (this.count >= HELD_COMMANDS || !this.pipelines.isCompiling) this.flush();
  }

  /** Submits what was gathered, once its shaders are compiled. */
  private async flushWhenReady(): Promise<void> {
    const { batch, pipelines } = this;
    while (this.batch === batch && pipelines.isCompiling) await pipelines.ready();
    if (this.batch === batch) this.flush();
  }

  /** Submits what was gathered; shaders that are not ready are compiled at once. */
  flush(): void {
    const { device } = this;
    if (this.count === 0) return;
    const encoder = device.createCommandEncoder();
    this.encode(encoder);
    this.profiler.resolve(encoder);
    device.pushErrorScope('validation');
    this.arena.upload(device.queue);
    device.queue.submit([encoder.finish()]);
    this.watch(device.popErrorScope());
    this.batch += 1;
    this.count = 0;
    for (const { buffer } of this.condemned) buffer.destroy();
    this.condemned.length = 0;
  }

  /** Hears of a refused shader before it hears of the batch that was refused for it. */
  private watch(scope: Promise<GPUError | null>): void {
    const both = Promise.all([scope, this.pipelines.ready()]);
    this.outcome.watch(both.then(([error]) => error));
  }

  private encode(encoder: GPUCommandEncoder): void {
    const { commands, count, profiler, uniformOffset } = this;
    const timing = profiler.active;
    let pass: GPUComputePassEncoder | null = null;
    let current: Pipeline | null = null;
    for (let i = 0; i < count; i++) {
      const command = commands[i]!;
      const { transfer, pipeline, offset, workgroups } = command;
      if (transfer !== null || timing) {
        pass?.end();
        pass = null;
        current = null;
      }
      if (transfer !== null) {
        command.transfer = null;
        transfer(encoder);
        continue;
      }
      const compiled = pipeline.compiled ?? this.pipelines.atOnce(pipeline);
      if (compiled === null) {
        this.outcome.report(pipeline.fault!);
        continue;
      }
      pass ??= encoder.beginComputePass(timing ? { timestampWrites: profiler.next(pipeline.key) } : {});
      if (current !== pipeline) {
        pass.setPipeline(compiled);
        current = pipeline;
      }
      if (offset >= 0) {
        uniformOffset[0] = offset;
        pass.setBindGroup(0, command.group, uniformOffset, 0, 1);
      } else pass.setBindGroup(0, command.group);
      pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
    }
    pass?.end();
  }

  /** Destroys a buffer, or does so once the batch that names it is on its way. */
  discard(block: Block): void {
    if (this.names(block)) this.condemned.push(block);
    else block.buffer.destroy();
  }

  /** Forgets the batch: the device is gone. */
  drop(): void {
    this.commands.length = 0;
    this.count = 0;
    this.condemned = [];
  }

  /** Waits for work, letting others of this turn join the batch before it is submitted. */
  async untilDone<R>(wait: () => Promise<R>): Promise<R> {
    const { batch } = this;
    await null;
    return this.outcome.until(async () => {
      if (this.batch === batch) await this.flushWhenReady();
      return wait();
    });
  }
}
