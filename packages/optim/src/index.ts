/** Optimisers, gradient clipping and learning-rate schedulers. */
export { Adadelta, type AdadeltaOptions } from './adadelta.ts';
export { Adagrad, type AdagradOptions } from './adagrad.ts';
export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { Adamax, type AdamaxOptions } from './adamax.ts';
export { ASGD, type ASGDOptions } from './asgd.ts';
export { type ClipGradNormOptions, clipGradNorm, clipGradValue } from './clip-grad.ts';
export * as lrScheduler from './lr-scheduler/index.ts';
export { NAdam, type NAdamOptions } from './nadam.ts';
export {
  Optimizer,
  type ParamGroup,
  type ParamGroupInput,
  type Params,
  type ScheduleMarks,
  type ZeroGradOptions,
} from './optimizer.ts';
export { RAdam, type RAdamOptions } from './radam.ts';
export { RMSprop, type RMSpropOptions } from './rmsprop.ts';
export { Rprop, type RpropOptions } from './rprop.ts';
export { SGD, type SGDOptions } from './sgd.ts';
export type { OptimizerStateDict, ParamState, SavedGroup, StateLayout } from './state-dict.ts';
