/** Every operator, by family. What is exported here is a function of the package and, where it fits, a method of `Tensor`. */
export { addbmm, type AddmmOptions, addmm, addmv, addr, baddbmm } from './addmm.ts';
export * from './arithmetic.ts';
export { broadcastTo, expand, expandAs, sum } from './broadcast.ts';
export * from './comparison.ts';
export * from './conv.ts';
export { clone, copy } from './copying.ts';
export {
  arange,
  type CreationOptions,
  empty,
  emptyLike,
  eye,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  zeros,
  zerosLike,
} from './creation.ts';
export { einsum } from './einsum.ts';
export * from './exponential.ts';
export * from './extremum.ts';
export * from './fill.ts';
export { type GatherOptions, gather } from './gather.ts';
export { bilinear, linear } from './linear.ts';
export * from './logical.ts';
export { bmm, dot, inner, matmul, mm, mv, outer, vdot } from './matmul.ts';
export * from './nan-to-num.ts';
export * from './power.ts';
export {
  bernoulli_,
  type DropoutOptions,
  dropout,
  normal_,
  type RandomOptions,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  uniform_,
} from './random.ts';
export * from './reshape.ts';
export * from './rounding.ts';
export { type ScatterOptions, type ScatterReduceOptions, type ScatterReduction, scatter, scatterAdd, scatterReduce } from './scatter.ts';
export { diagonal, type DiagonalOptions, narrow, select, unfold } from './slicing.ts';
export * from './tensor-products.ts';
export * from './trigonometric.ts';
export { where } from './where.ts';
export { col2im, im2col, type Size, type UnfoldOptions } from './windows.ts';
