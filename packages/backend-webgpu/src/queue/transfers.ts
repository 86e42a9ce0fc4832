import type { Block, GpuAllocation } from '../memory/allocation.ts';
import type { Staging } from '../memory/staging.ts';
import { copyBytesLaunch, copyBytesShader } from './bytes.ts';
import type { Commands } from './commands.ts';
import type { Queue } from './types.ts';

/** Writes up to so many bytes travel with the batch; larger ones go on their own. */
const SMALL_WRITE = 2 ** 16;

const isAligned = (value: number): boolean => (value & 3) === 0;
/** Up to whole words. */
export const aligned = (value: number): number => Math.ceil(value / 4) * 4;

/** Bytes from the host to the device, within it, and back. */
export class Transfers {
  private readonly device: GPUDevice;
  private readonly queue: Queue;
  private readonly commands: Commands;
  private readonly staging: Staging;

  constructor(device: GPUDevice, queue: Queue, commands: Commands, staging: Staging) {
    this.device = device;
    this.queue = queue;
    this.commands = commands;
    this.staging = staging;
  }

  write(target: GpuAllocation, byteOffset: number, bytes: Uint8Array): void {
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
    const { commands } = this;
    const { arena } = commands;
    const named = commands.names(block);
    if (named && bytes.byteLength <= SMALL_WRITE) {
      if (!arena.fits(bytes.byteLength)) commands.flush();
      const at = arena.pushBytes(bytes);
      commands.copy(arena.block, at, block, byteOffset, bytes.byteLength);
      return;
    }
    if (named) commands.flush();
    // The batch that is being gathered does not name the buffer, so that it may as well be written before.
    this.device.queue.writeBuffer(block.buffer, byteOffset, bytes as Uint8Array<ArrayBuffer>);
  }

  /** Bytes that do not begin or end on a word: they go into memory of their own first. */
  private writeBytes(target: GpuAllocation, byteOffset: number, bytes: Uint8Array): void {
    const padded = new Uint8Array(aligned(bytes.byteLength));
    padded.set(bytes);
    const source = this.queue.workspace(padded.byteLength);
    this.writeWords(source.block, 0, padded);
    this.copyBytes(source, 0, target, byteOffset, bytes.byteLength);
    this.queue.release(source);
  }

  copy(
    source: GpuAllocation,
    sourceOffset: number,
    target: GpuAllocation,
    targetOffset: number,
    byteLength: number,
  ): void {
    if (byteLength === 0) return;
    const whole = isAligned(sourceOffset) && isAligned(targetOffset) && isAligned(byteLength);
    if (whole && source.block !== target.block)
      this.commands.copy(source.block, sourceOffset, target.block, targetOffset, byteLength);
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
    this.queue.dispatch(copyBytesShader, [source, target], uniforms, workgroups);
  }

  /**
   * Whole words from `byteOffset` on, after everything enqueued so far, and behind them `extraByteLength` bytes that
   * `encodeExtra` may copy into the buffer that is read.
   */
  async read(
    { block }: GpuAllocation,
    byteOffset: number,
    byteLength: number,
    extraByteLength: number,
    encodeExtra: (target: GPUBuffer, targetOffset: number) => void,
  ): Promise<Uint8Array> {
    const { commands, staging } = this;
    const whole = byteLength + extraByteLength;
    const target = staging.take(whole);
    commands.transfer((encoder) =>
      encoder.copyBufferToBuffer(block.buffer, byteOffset, target.buffer, 0, byteLength),
    );
    block.batch = commands.batch;
    encodeExtra(target.buffer, byteLength);
    return commands.untilDone(() => staging.bytes(target, whole));
  }
}
