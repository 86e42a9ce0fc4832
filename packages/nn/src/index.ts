/** Modules, layers, losses and initialisation. */
export { ModuleDict } from './containers/module-dict.ts';
export { ModuleList } from './containers/module-list.ts';
export { ParameterDict, ParameterList } from './containers/parameter-list.ts';
export { Sequential } from './containers/sequential.ts';
export * as functional from './functional/index.ts';
export * as init from './init/index.ts';
export * from './layers/index.ts';
export * from './losses/index.ts';
export { type AnyModule, Module, type WalkOptions } from './module/module.ts';
export {
  type BufferOptions,
  buffer,
  isBuffer,
  isParameter,
  type ParameterOptions,
  parameter,
} from './module/roles.ts';
export type { LoadOptions, LoadReport, Rename, StateDict, StateDictOptions } from './module/state.ts';
export { isModule } from './module/walk.ts';
