/** The operators that are no methods: they take no tensor first, or another one first than a method would stand on. */
export { blockDiag, cartesianProd } from './combinations.ts';
export { arange, empty, eye, full, linspace, ones, zeros } from './creation.ts';
export { einsum } from './einsum.ts';
export { cat, columnStack, dstack, hstack, stack, vstack } from './joining.ts';
export { broadcastTensors, type MeshgridOptions, meshgrid } from './meshgrid.ts';
export { rand, randint, randn } from './random.ts';
export { ELLIPSIS, type Slice, slice } from './slice.ts';
export { polygamma } from './special.ts';
export { chainMatmul, multiDot } from './tensor-products.ts';
export { type TriangleIndicesOptions, trilIndices, triuIndices } from './triangular.ts';
export { where } from './where.ts';
