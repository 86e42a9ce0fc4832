/** The operators that take a tensor first: functions of the package, and methods of `Tensor` with that tensor as `this`. */
export * from './activation.ts';
export * from './adaptive-pool.ts';
export { type AddmmOptions, addbmm, addmm, addmv, addr, baddbmm } from './addmm.ts';
export { argmax, argmin, type KeepdimOptions } from './arg-reduce.ts';
export * from './arithmetic.ts';
export { asStrided, asStridedCopy } from './as-strided.ts';
export { atleast1d, atleast2d, atleast3d } from './at-least.ts';
export { type AttentionOptions, scaledDotProductAttention } from './attention.ts';
export { broadcastTo, expand, expandAs, sum } from './broadcast.ts';
export {
  type BatchNormOptions,
  batchNorm,
  groupNorm,
  type InstanceNormOptions,
  instanceNorm,
} from './channel-norms.ts';
export * from './class-margin-losses.ts';
export { type CombinationsOptions, combinations } from './combinations.ts';
export * from './comparison.ts';
export { type ConvolutionOptions, conv1d, conv2d, conv3d, convolution } from './conv.ts';
export type { ConvOptions, ConvTransposeOptions } from './conv-arguments.ts';
export { convTranspose1d, convTranspose2d, convTranspose3d } from './conv-transpose.ts';
export { clone, copy, zero } from './copying.ts';
export { type CreationOptions, emptyLike, fullLike, onesLike, zerosLike } from './creation.ts';
export { type CrossEntropyOptions, crossEntropy } from './cross-entropy.ts';
export { type CumulativeOptions, cumprod, cumsum, logcumsumexp } from './cumulative.ts';
export { cummax, cummin } from './cumulative-extrema.ts';
export { type DiagflatOptions, type DiagOptions, diag, diagEmbed, diagflat } from './diag.ts';
export * from './distances.ts';
export { type EmbeddingOptions, embedding } from './embedding.ts';
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
export { flip, fliplr, flipud, type Rot90Options, rot90 } from './flipping.ts';
export * from './gated.ts';
export { type GatherOptions, gather } from './gather.ts';
export type { IndexArray, IndexItem } from './index-items.ts';
export {
  type IndexAddOptions,
  type IndexReduceOptions,
  type IndexReduction,
  indexAdd,
  indexCopy,
  indexFill,
  indexReduce,
  indexSelect,
} from './index-select.ts';
export { type IndexPutOptions, index, indexPut, set_ } from './indexing.ts';
export { type IsinOptions, isin } from './isin.ts';
export { type EpsOptions, layerNorm, rmsNorm } from './layer-norms.ts';
export * from './likelihood-losses.ts';
export { bilinear, linear } from './linear.ts';
export { type LocalResponseNormOptions, localResponseNorm } from './local-response-norm.ts';
export * from './logical.ts';
export { type LogsumexpOptions, logsumexp } from './logsumexp.ts';
export type { LossOptions, LossReduction } from './loss-reduction.ts';
export * from './margin-losses.ts';
export { maskedScatter, maskedSelect, maskedSelectSync } from './masking.ts';
export { bmm, dot, inner, matmul, mm, mv, outer, vdot } from './matmul.ts';
export { type AminmaxOptions, aminmax, max, min, type ValuesAndIndices } from './max-min.ts';
export { type MedianOperator, median, nanmedian } from './median.ts';
export * from './nan-reductions.ts';
export * from './nan-to-num.ts';
export { type NllLossOptions, nllLoss } from './nll-loss.ts';
export {
  argwhere,
  type NonzeroOptions,
  type NonzeroStaticOptions,
  nonzero,
  nonzeroStatic,
  nonzeroSync,
  unravelIndex,
} from './nonzero.ts';
export { type NormalizeOptions, type NormOptions, norm, normalize } from './norm.ts';
export { type OneHotOptions, oneHot } from './one-hot.ts';
export { type ConstantPadOptions, constantPadNd, type PadMode, type PadOptions, pad } from './pad.ts';
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
  randintLike,
  randLike,
  randnLike,
  uniform_,
} from './random.ts';
export * from './rearranging.ts';
export { all, amax, amin, any, mean } from './reductions.ts';
export * from './regression-losses.ts';
export { repeat, tile } from './repeat.ts';
export { type RepeatInterleaveOptions, repeatInterleave } from './repeat-interleave.ts';
export { contiguous, permute, reshape, squeeze, transpose, unsqueeze, viewAs } from './reshape.ts';
export { roll } from './roll.ts';
export * from './rounding.ts';
export {
  type ScatterOptions,
  type ScatterReduceOptions,
  type ScatterReduction,
  scatter,
  scatterAdd,
  scatterReduce,
} from './scatter.ts';
export { type BucketizeOptions, bucketize, type SearchsortedOptions, searchsorted } from './searchsorted.ts';
export { type DiagonalOptions, diagonal, narrow, select, unfold } from './slicing.ts';
export { logSoftmax, type SoftmaxOptions, softmax, softmin } from './softmax.ts';
export * from './sorting.ts';
export { digamma, erf, erfc, erfinv, lgamma, mvlgamma, ndtr } from './special.ts';
export * from './splitting.ts';
export { std, stdMean, type VarianceOptions, variance as var, variance, varMean } from './statistics.ts';
export { type PutOptions, put, take, takeAlongDim } from './take.ts';
export { kron, matrixPower, type TensordotOptions, tensordot, trace } from './tensor-products.ts';
export { type TriangleOptions, tril, triu } from './triangular.ts';
export * from './trigonometric.ts';
export * from './unpool.ts';
export { view } from './view.ts';
export {
  asStridedScatter,
  diagonalScatter,
  type SliceScatterOptions,
  selectScatter,
  sliceScatter,
} from './view-scatter.ts';
export { col2im, im2col, type Size, type UnfoldOptions } from './windows.ts';
