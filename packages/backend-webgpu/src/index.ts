export { type TensorBuffer, type WebGpuBackend, type WebGpuOptions, webgpu } from './backend.ts';
export type { DeviceOptions } from './device/acquire.ts';
export type { MemoryAccount } from './memory/pool.ts';
export type { ProfileEntry } from './queue/profiler.ts';
