export { type CudaBackend, type CudaOptions, cuda } from './backend.ts';
export type { LibraryPaths } from './host/environment.ts';
export type { DeviceProperties } from './launch.ts';
export type { CudaMemory } from './memory/allocator.ts';
