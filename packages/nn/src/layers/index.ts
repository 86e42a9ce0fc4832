export {
  type AlphaLayerOptions,
  CELU,
  ELU,
  GELU,
  type GELULayerOptions,
  Hardsigmoid,
  Hardswish,
  type InplaceOptions,
  LeakyReLU,
  type LeakyReLUOptions,
  Mish,
  PReLU,
  type PReLUOptions,
  ReLU,
  ReLU6,
  SELU,
  Sigmoid,
  SiLU,
  Softplus,
  type SoftplusLayerOptions,
  Softsign,
  Tanh,
} from './activation.ts';
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  type AdaptiveMaxPoolLayerOptions,
  type OutputSize,
} from './adaptive-pooling.ts';
export {
  type AttentionForwardOptions,
  MultiheadAttention,
  type MultiheadAttentionOptions,
} from './attention.ts';
export { BatchNorm1d, BatchNorm2d, BatchNorm3d, type NormOptions } from './batch-norm.ts';
export { Conv1d, Conv2d, Conv3d, type ConvLayerOptions, type PaddingMode } from './convolution.ts';
export {
  AlphaDropout,
  Dropout,
  Dropout1d,
  Dropout2d,
  Dropout3d,
  type DropoutLayerOptions,
  FeatureAlphaDropout,
} from './dropout.ts';
export { Embedding, type EmbeddingLayerOptions, type PretrainedOptions } from './embedding.ts';
export { InstanceNorm1d, InstanceNorm2d, InstanceNorm3d } from './instance-norm.ts';
export {
  GroupNorm,
  type GroupNormOptions,
  LayerNorm,
  type LayerNormOptions,
  type NormalizedShape,
  RMSNorm,
  type RMSNormOptions,
} from './layer-norm.ts';
export { Bilinear, Linear, type LinearOptions, type ResetOptions } from './linear.ts';
export { LocalResponseNorm } from './local-response-norm.ts';
export {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  type PaddingSize,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
} from './padding.ts';
export {
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  type AvgPoolDivisorOptions,
  type AvgPoolLayerOptions,
  LPPool1d,
  LPPool2d,
  LPPool3d,
  type LPPoolLayerOptions,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  type MaxPoolLayerOptions,
  type Pooled,
  type PoolResult,
} from './pooling.ts';
export type { FactoryOptions, Size } from './settings.ts';
export { Flatten, type FlattenLayerOptions, Identity, Unflatten } from './shape.ts';
export { GLU, LogSoftmax, Softmax, Softmax2d, Softmin } from './softmax.ts';
export {
  Hardshrink,
  Hardtanh,
  type HardtanhLayerOptions,
  LogSigmoid,
  type ShrinkOptions,
  Softshrink,
  Tanhshrink,
  Threshold,
} from './thresholds.ts';
export {
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeForwardOptions,
  type ConvTransposeLayerOptions,
} from './transposed-convolution.ts';
