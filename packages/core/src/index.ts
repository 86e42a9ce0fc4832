/** flambeau's tensors, operators and gradients. */
export { type CustomContext, type CustomOperator, customOp } from './autograd/custom.ts';
export { type BackwardOptions, type GradOptions, grad } from './autograd/engine.ts';
export { type GradcheckOptions, gradcheck, gradgradcheck } from './autograd/gradcheck.ts';
export * from './checkpoint/index.ts';
export { pointwise, type UpdateOperator, update } from './dispatch/declare.ts';
export {
  type KernelCall,
  type KernelInterceptor,
  type OperatorInterceptor,
  setKernelInterceptor,
  setOperatorInterceptor,
  withoutOperatorInterceptor,
} from './dispatch/seams.ts';
export type { UpdateSettings } from './dispatch/update.ts';
export {
  type DType,
  getDefaultDtype,
  isComplex,
  isFloating,
  isInteger,
  promoteTypes,
  resultType,
  type Scalar,
  setDefaultDtype,
} from './dtype.ts';
export {
  ArgumentError,
  AutogradError,
  BackendError,
  CheckpointError,
  checkOptions,
  DeviceError,
  DTypeError,
  describe,
  type ErrorDetails,
  FlambeauError,
  OutOfMemoryError,
  ShapeError,
  showShape,
} from './errors.ts';
export { Expr, scalarFunction } from './expr/expr.ts';
export { enableGrad, isGradEnabled, noGrad, setDetectAnomaly } from './graph/mode.ts';
export { isTensor, type TensorHook } from './graph/tensor.ts';
export * from './ops/index.ts';
export type { TypedArray } from './ops/reading.ts';
export { defaultGenerator, Generator, type GeneratorState, manualSeed } from './random/generator.ts';
export type { MemoryOptions, MemoryUse } from './storage/memory.ts';
export {
  type Device,
  type Devices,
  getDefaultDevice,
  hasDevice,
  pickDevice,
  registerBackend,
  registerKernels,
  setDefaultDevice,
  supportsDType,
  unregisterBackend,
} from './storage/registry.ts';
export { scope } from './storage/scope.ts';
export { version } from './storage/version.ts';
export type { NestedValues, ToOptions } from './tensor/installed.ts';
export { equalSync } from './tensor/installed.ts';
export { memory, tidy } from './tensor/memory.ts';
export { printOptions } from './tensor/print.ts';
export { swapData } from './tensor/swap-data.ts';
export { print, Tensor } from './tensor/tensor.ts';
export { nextTurn, waitingPoint } from './tensor/turn.ts';
export { fromArray, type NestedArray, tensor } from './tensor/values.ts';

import './storage/meta.ts';
