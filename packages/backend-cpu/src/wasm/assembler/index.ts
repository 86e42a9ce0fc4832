export { hasRelaxedSimd, hasSimd } from './features.ts';
export { FunctionBuilder, Type } from './function.ts';
export { ModuleBuilder } from './module.ts';
export * from './opcodes.ts';
