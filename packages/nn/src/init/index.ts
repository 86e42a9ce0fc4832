/** Ways to fill parameters before training. All change their tensor, unrecorded, and return it. */
export { calculateGain, type FanMode, type Nonlinearity } from './fan.ts';
export {
  constant_,
  type DrawOptions,
  dirac_,
  eye_,
  type NormalOptions,
  normal_,
  ones_,
  type UniformOptions,
  uniform_,
  zeros_,
} from './fill.ts';
export { type OrthogonalOptions, orthogonal_ } from './orthogonal.ts';
export {
  type KaimingOptions,
  kaimingNormal_,
  kaimingUniform_,
  type XavierOptions,
  xavierNormal_,
  xavierUniform_,
} from './scaled.ts';
export { type SparseOptions, sparse_ } from './sparse.ts';
export { type TruncNormalOptions, truncNormal_ } from './trunc-normal.ts';
