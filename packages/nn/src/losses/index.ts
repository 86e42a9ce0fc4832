export {
  BCELoss,
  BCEWithLogitsLoss,
  type BCEWithLogitsLossOptions,
  type ClassLossOptions,
  CrossEntropyLoss,
  type CrossEntropyLossOptions,
  NLLLoss,
  SoftMarginLoss,
  type WeightedLossOptions,
} from './classification.ts';
export type { LossOptions, Reduction } from './loss.ts';
export {
  HuberLoss,
  type HuberLossOptions,
  KLDivLoss,
  type KLDivLossOptions,
  L1Loss,
  MSELoss,
  SmoothL1Loss,
  type SmoothL1LossOptions,
} from './regression.ts';
