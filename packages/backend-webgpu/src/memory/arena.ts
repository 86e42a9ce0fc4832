import { USAGE } from '../device/flags.ts';
import type { Block } from './allocation.ts';

/**
 * Uniforms and small writes of one batch of commands: gathered on the host, and written to one device buffer just before
 * the batch is submitted. The device runs one batch after the other, so that the next may use the same buffer.
 */
export class Arena {
  readonly block: Block;
  private readonly words: Uint32Array<ArrayBuffer>;
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly alignment: number;
  private used = 0;

  constructor(device: GPUDevice, byteLength: number) {
    this.words = new Uint32Array(byteLength / 4);
    this.bytes = new Uint8Array(this.words.buffer);
    this.alignment = Math.max(16, device.limits.minUniformBufferOffsetAlignment);
    const buffer = device.createBuffer({
      label: 'flambeau uniforms',
      size: byteLength,
      usage: USAGE.UNIFORM | USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST,
    });
    this.block = { buffer, size: byteLength, id: -1, batch: -1, foreign: true };
  }

  /** Whether so many more bytes find room in this batch. */
  fits(byteLength: number): boolean {
    return this.used + byteLength <= this.bytes.byteLength;
  }

  /** Puts words in place for a binding of `boundByteLength` bytes; gives the byte where they begin. */
  pushWords(words: Uint32Array): number {
    const at = this.used;
    const first = at >> 2;
    // There are few, for which `set` would take longer than they do.
    for (let i = 0; i < words.length; i++) this.words[first + i] = words[i]!;
    this.advance(words.byteLength);
    return at;
  }

  pushBytes(bytes: Uint8Array): number {
    const at = this.used;
    this.bytes.set(bytes, at);
    this.advance(bytes.byteLength);
    return at;
  }

  private advance(byteLength: number): void {
    this.used = Math.ceil((this.used + byteLength) / this.alignment) * this.alignment;
  }

  /** Sends what was gathered, ahead of the batch. */
  upload(queue: GPUQueue): void {
    if (this.used > 0)
      queue.writeBuffer(this.block.buffer, 0, this.bytes, 0, Math.min(this.used, this.bytes.byteLength));
    this.used = 0;
  }
}
