import type { Block } from '../memory/allocation.ts';
import type { Pipeline } from './pipelines.ts';

const MOST = 2048;

/**
 * Bind groups by layout and buffers. With pooled buffers a training loop meets the same ones again and again. Those
 * that were not met for a while are let go: entries move from `old` to `young` when they are used.
 */
export class BindGroups {
  private readonly device: GPUDevice;
  private readonly uniforms: Block;
  private young = new Map<string, GPUBindGroup>();
  private old = new Map<string, GPUBindGroup>();

  constructor(device: GPUDevice, uniforms: Block) {
    this.device = device;
    this.uniforms = uniforms;
  }

  of(pipeline: Pipeline, blocks: readonly Block[]): GPUBindGroup {
    let key = `${pipeline.layoutId}/${pipeline.uniformBytes}`;
    for (let i = 0; i < blocks.length; i++) key += `,${blocks[i]!.id}`;
    const found = this.young.get(key);
    if (found !== undefined) return found;
    const group = this.old.get(key) ?? this.make(pipeline, blocks);
    if (this.young.size >= MOST) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, group);
    return group;
  }

  private make({ layout, uniformBytes }: Pipeline, blocks: readonly Block[]): GPUBindGroup {
    const entries: GPUBindGroupEntry[] = blocks.map(({ buffer }, binding) => ({
      binding,
      resource: { buffer },
    }));
    if (uniformBytes > 0) {
      const resource = { buffer: this.uniforms.buffer, offset: 0, size: uniformBytes };
      entries.push({ binding: blocks.length, resource });
    }
    return this.device.createBindGroup({ layout, entries });
  }

  clear(): void {
    this.young.clear();
    this.old.clear();
  }
}
