export { hasRelaxedSimd, hasSimd } from './features.ts';
export { FunctionBuilder, type Label, Type } from './function.ts';
export { ModuleBuilder } from './module.ts';
export * from './opcodes.ts';
