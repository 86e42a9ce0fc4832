/** Every operator, by family. What is exported here is a function of the package and, where it fits, a method of `Tensor`. */
export * from './activation.ts';
export * from './adaptive-pool.ts';
export { addbmm, type AddmmOptions, addmm, addmv, addr, baddbmm } from './addmm.ts';
export { argmax, argmin, type KeepdimOptions } from './arg-reduce.ts';
export * from './arithmetic.ts';
export { asStrided, asStridedCopy } from './as-strided.ts';
export { atleast1d, atleast2d, atleast3d } from './at-least.ts';
export { type AttentionOptions, scaledDotProductAttention } from './attention.ts';
export { broadcastTo, expand, expandAs, sum } from './broadcast.ts';
export * from './class-margin-losses.ts';
export * from './comparison.ts';
export * from './conv.ts';
export { clone, copy, zero } from './copying.ts';
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
export { crossEntropy, type CrossEntropyOptions } from './cross-entropy.ts';
export { cummax, cummin } from './cumulative-extrema.ts';
export { type CumulativeOptions, cumprod, cumsum, logcumsumexp } from './cumulative.ts';
export { diag, diagEmbed, diagflat, type DiagOptions, type DiagflatOptions } from './diag.ts';
export * from './distances.ts';
export { einsum } from './einsum.ts';
export { embedding, type EmbeddingOptions } from './embedding.ts';
export {
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type KlDivOptions,
  klDiv,
} from './entropy-losses.ts';
export * from './exponential.ts';
export * from './extremum.ts';
export * from './fill.ts';
export { flip, fliplr, flipud, rot90, type Rot90Options } from './flipping.ts';
export * from './gated.ts';
export { type GatherOptions, gather } from './gather.ts';
export { index, indexPut, type IndexPutOptions, set_ } from './indexing.ts';
export type { IndexArray, IndexItem } from './index-items.ts';
export {
  indexAdd,
  type IndexAddOptions,
  indexCopy,
  indexFill,
  indexReduce,
  type IndexReduceOptions,
  type IndexReduction,
  indexSelect,
} from './index-select.ts';
export { cat, columnStack, dstack, hstack, stack, vstack } from './joining.ts';
export * from './likelihood-losses.ts';
export { bilinear, linear } from './linear.ts';
export { type LocalResponseNormOptions, localResponseNorm } from './local-response-norm.ts';
export * from './logical.ts';
export { logsumexp, type LogsumexpOptions } from './logsumexp.ts';
export type { LossOptions, LossReduction } from './loss-reduction.ts';
export * from './margin-losses.ts';
export { maskedScatter, maskedSelect, maskedSelectSync } from './masking.ts';
export { bmm, dot, inner, matmul, mm, mv, outer, vdot } from './matmul.ts';
export { type AminmaxOptions, aminmax, max, min, type ValuesAndIndices } from './max-min.ts';
export { type MedianOperator, median, nanmedian } from './median.ts';
export { broadcastTensors, meshgrid, type MeshgridOptions } from './meshgrid.ts';
export * from './nan-to-num.ts';
export { nllLoss, type NllLossOptions } from './nll-loss.ts';
export { argwhere, nonzero, type NonzeroOptions, nonzeroStatic, type NonzeroStaticOptions, nonzeroSync } from './nonzero.ts';
export { norm, type NormOptions, normalize, type NormalizeOptions } from './norm.ts';
export {
  type BatchNormOptions,
  batchNorm,
  type EpsOptions,
  groupNorm,
  type InstanceNormOptions,
  instanceNorm,
  layerNorm,
  rmsNorm,
} from './normalization.ts';
export { oneHot, type OneHotOptions } from './one-hot.ts';
export { type ConstantPadOptions, constantPadNd, pad, type PadMode, type PadOptions } from './pad.ts';
export {
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type LpPoolOptions,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  type MaxPoolOptions,
  type MaxPoolResult,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from './pool.ts';
export * from './power.ts';
export { prod } from './prod.ts';
export {
  bernoulli_,
  type DrawOptions,
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
export * from './rearranging.ts';
export * from './regression-losses.ts';
export * from './reductions.ts';
export { repeat, tile } from './repeat.ts';
export { repeatInterleave, type RepeatInterleaveOptions } from './repeat-interleave.ts';
export { contiguous, permute, reshape, squeeze, transpose, unsqueeze, viewAs } from './reshape.ts';
export { roll } from './roll.ts';
export * from './rounding.ts';
export { type ScatterOptions, type ScatterReduceOptions, type ScatterReduction, scatter, scatterAdd, scatterReduce } from './scatter.ts';
export { bucketize, type BucketizeOptions, searchsorted, type SearchsortedOptions } from './searchsorted.ts';
export { ELLIPSIS, type Slice, slice } from './slice.ts';
export { diagonal, type DiagonalOptions, narrow, select, unfold } from './slicing.ts';
export { logSoftmax, softmax, softmin, type SoftmaxOptions } from './softmax.ts';
export * from './sorting.ts';
export * from './special.ts';
export * from './splitting.ts';
export { put, type PutOptions, take, takeAlongDim } from './take.ts';
export * from './tensor-products.ts';
export { tril, trilIndices, triu, triuIndices, type TriangleIndicesOptions, type TriangleOptions } from './triangular.ts';
export { std, stdMean, variance as var, variance, type VarianceOptions, varMean } from './statistics.ts';
export * from './trigonometric.ts';
export * from './unpool.ts';
export { view } from './view.ts';
export { where } from './where.ts';
export { col2im, im2col, type Size, type UnfoldOptions } from './windows.ts';
