/** Every operator, by family. What is exported here is a function of the package and, where it fits, a method of `Tensor`. */
export { addbmm, type AddmmOptions, addmm, addmv, addr, baddbmm } from './addmm.ts';
export * from './arithmetic.ts';
export { broadcastTo, expand, expandAs, sum } from './broadcast.ts';
export { clone, copy } from './copying.ts';
export { einsum } from './einsum.ts';
export { bilinear, linear } from './linear.ts';
export { bmm, dot, inner, matmul, mm, mv, outer, vdot } from './matmul.ts';
export * from './reshape.ts';
export * from './slicing.ts';
export * from './tensor-products.ts';
