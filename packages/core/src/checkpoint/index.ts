/** Tensors on disk and back: safetensors. */
export { type Checkpoint, type LoadOptions, load, loadWithMetadata } from './load.ts';
export type { SaveOptions, StateDict } from './plan.ts';
export { save, saveSync, serialize, serializeSync } from './save.ts';
export type { ByteStream, CheckpointSource } from './source.ts';
