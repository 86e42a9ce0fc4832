export { ArrayKind, CpuAllocation, type NumberArray, type TypedArray } from './allocation.ts';
export { type CpuOptions, cpu } from './backend.ts';
export type { Compiler } from './policy.ts';
