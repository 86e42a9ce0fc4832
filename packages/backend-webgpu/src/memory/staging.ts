import { MAP_MODE_READ, USAGE } from '../device/flags.ts';
import { classOf } from './pool.ts';

/** A buffer that the host can map, while one read uses it. */
export interface StagingBuffer {
  readonly buffer: GPUBuffer;
  readonly size: number;
}

const KEPT_BYTES = 2 ** 24;

/** Buffers through which reads come back, used again by size class. */
export class Staging {
  private readonly device: GPUDevice;
  private readonly free = new Map<number, StagingBuffer[]>();
  private kept = 0;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  take(byteLength: number): StagingBuffer {
    const size = classOf(byteLength);
    const list = this.free.get(size);
    if (list !== undefined && list.length > 0) {
      this.kept -= size;
      return list.pop()!;
    }
    return { size, buffer: this.device.createBuffer({ size, usage: USAGE.MAP_READ | USAGE.COPY_DST }) };
  }

  /** Waits for what was copied into a buffer, takes the bytes out and gives the buffer back. */
  async bytes(staging: StagingBuffer, byteLength: number): Promise<Uint8Array> {
    const { buffer } = staging;
    try {
      await buffer.mapAsync(MAP_MODE_READ, 0, byteLength);
    } catch (error) {
      buffer.destroy();
      throw error;
    }
    const bytes = new Uint8Array(buffer.getMappedRange(0, byteLength)).slice();
    buffer.unmap();
    this.give(staging);
    return bytes;
  }

  private give(staging: StagingBuffer): void {
    const { size, buffer } = staging;
    if (this.kept + size > KEPT_BYTES) {
      buffer.destroy();
      return;
    }
    this.kept += size;
    const list = this.free.get(size);
    if (list === undefined) this.free.set(size, [staging]);
    else list.push(staging);
  }
}
