/** The bare calls of WebGPU for launches of one tiny kernel: what a backend cannot do without. */

const SOURCE = `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<uniform> uniforms: array<vec4<u32>, 3>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= uniforms[0].x) { return; }
  y[id.x] = x[id.x] + bitcast<f32>(uniforms[1].x);
}`;

/** Launches in one command buffer, as many as the backend puts there. */
const BATCH = 128;
/** A dynamic offset's alignment. */
const STRIDE = 256;
const COMPUTE = 4;
const STORAGE = 0x80;
const UNIFORM = 0x40;
const COPY_DST = 8;

/** `launch(count)` enqueues additions of a number to four elements, each with uniforms of its own. */
export function bareLauncher(device: GPUDevice): (count: number) => void {
  const layout = device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: COMPUTE, buffer: { type: 'storage' } },
      { binding: 1, visibility: COMPUTE, buffer: { type: 'read-only-storage' } },
      { binding: 2, visibility: COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } },
    ],
  });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ code: SOURCE }), entryPoint: 'main' },
  });
  const buffer = (usage: number, size: number): GPUBuffer =>
    device.createBuffer({ size, usage: usage | COPY_DST });
  const uniforms = buffer(UNIFORM, BATCH * STRIDE);
  const group = device.createBindGroup({
    layout,
    entries: [
      { binding: 0, resource: { buffer: buffer(STORAGE, STRIDE) } },
      { binding: 1, resource: { buffer: buffer(STORAGE, STRIDE) } },
      { binding: 2, resource: { buffer: uniforms, size: STRIDE } },
    ],
  });
  const words = new Uint32Array((BATCH * STRIDE) / 4);
  const offset = new Uint32Array(1);
  return (count) => {
    for (let first = 0; first < count; first += BATCH) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      for (let i = 0; i < Math.min(BATCH, count - first); i++) {
        offset[0] = i * STRIDE;
        words[i * (STRIDE / 4)] = 4;
        pass.setBindGroup(0, group, offset, 0, 1);
        pass.dispatchWorkgroups(1, 1, 1);
      }
      pass.end();
      device.queue.writeBuffer(uniforms, 0, words);
      device.queue.submit([encoder.finish()]);
    }
  };
}
