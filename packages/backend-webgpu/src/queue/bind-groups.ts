import type { Block, GpuAllocation } from '../memory/allocation.ts';
import type { Pipeline } from './pipelines.ts';

const MOST = 2048;

interface Entry {
  readonly layoutId: number;
  readonly uniformBytes: number;
  readonly ids: readonly number[];
  readonly group: GPUBindGroup;
  /** Another one of the same hash. */
  readonly next: Entry | undefined;
}

/**
 * Bind groups by layout and buffers. With pooled buffers a training loop meets the same ones again and again. Those
 * that were not met for a while are let go: entries move from `old` to `young` when they are used.
 */
export class BindGroups {
  private readonly device: GPUDevice;
  private readonly uniforms: Block;
  private young = new Map<number, Entry>();
  private old = new Map<number, Entry>();

  constructor(device: GPUDevice, uniforms: Block) {
    this.device = device;
    this.uniforms = uniforms;
  }

  of(pipeline: Pipeline, buffers: readonly GpuAllocation[]): GPUBindGroup {
    const hash = hashOf(pipeline, buffers);
    const young = this.young.get(hash);
    const found = find(young, pipeline, buffers);
    if (found !== undefined) return found;
    const group = find(this.old.get(hash), pipeline, buffers) ?? this.make(pipeline, buffers);
    if (this.young.size >= MOST) {
      this.old = this.young;
      this.young = new Map();
    }
    const { layoutId, uniformBytes } = pipeline;
    const ids = buffers.map(({ block }) => block.id);
    this.young.set(hash, { layoutId, uniformBytes, ids, group, next: this.young.get(hash) });
    return group;
  }

  private make({ layout, uniformBytes }: Pipeline, buffers: readonly GpuAllocation[]): GPUBindGroup {
    const entries: GPUBindGroupEntry[] = buffers.map(({ block }, binding) => ({
      binding,
      resource: { buffer: block.buffer },
    }));
    if (uniformBytes > 0) {
      const resource = { buffer: this.uniforms.buffer, offset: 0, size: uniformBytes };
      entries.push({ binding: buffers.length, resource });
    }
    return this.device.createBindGroup({ layout, entries });
  }
}

/** A number for what decides a bind group; no text is made on the way of a launch. */
function hashOf({ layoutId, uniformBytes }: Pipeline, buffers: readonly GpuAllocation[]): number {
  let hash = layoutId + (uniformBytes << 4);
  for (let i = 0; i < buffers.length; i++)
    hash = (Math.imul(hash, 0x01000193) ^ buffers[i]!.block.id) & 0x3fffffff;
  return hash;
}

function find(
  from: Entry | undefined,
  { layoutId, uniformBytes }: Pipeline,
  buffers: readonly GpuAllocation[],
): GPUBindGroup | undefined {
  for (let entry = from; entry !== undefined; entry = entry.next) {
    const { ids } = entry;
    if (entry.layoutId !== layoutId || entry.uniformBytes !== uniformBytes || ids.length !== buffers.length)
      continue;
    let same = 0;
    while (same < ids.length && ids[same] === buffers[same]!.block.id) same++;
    if (same === ids.length) return entry.group;
  }
  return undefined;
}
