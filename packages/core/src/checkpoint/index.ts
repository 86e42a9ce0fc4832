/** Tensors on disk and back: safetensors. */
export { type Checkpoint, type LoadOptions, load, loadWithMetadata } from './load.ts';
export { type SaveOptions, type StateDict, save, saveSync, serialize, serializeSync } from './save.ts';
export type { ByteStream, CheckpointSource } from './source.ts';
