/** What a backend needs of core: the contract, the programs that it compiles, dtypes and errors. */
export * from './dtype.ts';
export * from './errors.ts';
export type { BinaryIntrinsic, ScalarType, UnaryIntrinsic } from './expr/expr.ts';
export { copyProgram, type Instruction, type Program } from './expr/program.ts';
export type { Tensor } from './graph/tensor.ts';
export { collapse, contiguousStrides, isContiguous, sizeOf } from './shape.ts';
export { adoptAllocation } from './storage/adopt.ts';
export type * from './storage/contract.ts';
export {
  goesOverRows,
  type NormAttributes,
  normAttributes,
  vectorStrides,
} from './storage/norm-attributes.ts';
export { runningOperator } from './storage/running.ts';
