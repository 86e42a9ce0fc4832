export {
  ArrayAllocation,
  ArrayKind,
  type CpuAllocation,
  HeapAllocation,
  type NumberArray,
  type TypedArray,
} from './allocation.ts';
export { type CpuOptions, cpu } from './backend.ts';
export { Heap } from './heap/heap.ts';
export type { Compiler } from './policy.ts';
export { getNumThreads, setNumThreads } from './threads/pool.ts';
