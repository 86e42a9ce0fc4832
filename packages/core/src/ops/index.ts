/** Every operator, by family. What is exported here is a function of the package and, where it fits, a method of `Tensor`. */
export * from './arithmetic.ts';
export { broadcastTo, expand, expandAs, sum } from './broadcast.ts';
export { clone, copy } from './copying.ts';
export * from './reshape.ts';
export * from './slicing.ts';
