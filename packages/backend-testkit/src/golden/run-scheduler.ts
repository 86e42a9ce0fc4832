import { callArguments } from './call.ts';
import type { Json, JsonRecord, SchedulerCase, SchedulerFile } from './case.ts';
import { compare } from './compare.ts';
import { makeTensor } from './decode.ts';
import { callMethod, construct, type Framework, isObject, UnmappedError } from './framework.ts';
import { bind, parseSignature } from './schema.ts';

/** The constructors of `torch.optim.lr_scheduler`, after the optimiser. */
const schedulers = new Map(
  [
    'StepLR(step_size, gamma=0.1, last_epoch=-1)',
    'MultiStepLR(milestones, gamma=0.1, last_epoch=-1)',
    'ConstantLR(factor=0.333, total_iters=5, last_epoch=-1)',
    'LinearLR(start_factor=0.333, end_factor=1.0, total_iters=5, last_epoch=-1)',
    'ExponentialLR(gamma, last_epoch=-1)',
    'CosineAnnealingLR(T_max, eta_min=0.0, last_epoch=-1)',
    'CosineAnnealingWarmRestarts(T_0, T_mult=1, eta_min=0.0, last_epoch=-1)',
    'PolynomialLR(total_iters=5, power=1.0, last_epoch=-1)',
    'CyclicLR(base_lr, max_lr, step_size_up=2000, step_size_down=None, mode=triangular, gamma=1.0, cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1)',
    'OneCycleLR(max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3, anneal_strategy=cos, cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0, final_div_factor=10000.0, three_phase=False, last_epoch=-1)',
    'ReduceLROnPlateau(mode=min, factor=0.1, patience=10, threshold=0.0001, threshold_mode=rel, cooldown=0, min_lr=0, eps=1e-08)',
  ]
    .map(parseSignature)
    .map((signature) => [signature.torchName, signature]),
);

/** Rates follow from arithmetic on doubles alone. */
const rateTolerance = () => ({ rtol: 1e-9, atol: 1e-12 });

/** Follows learning rate and momentum of an SGD through the epochs of one case. */
export async function runSchedulerCase(
  framework: Framework,
  file: SchedulerFile,
  name: string,
  example: SchedulerCase,
): Promise<string[]> {
  const weight = makeTensor(framework, oneZero).requiresGrad_();
  const options = { lr: file.lr0, momentum: file.momentum0 };
  const optimiser = construct(framework.optim, 'optim', 'SGD', [weight], options);
  const scheduler = makeScheduler(framework, optimiser, name, example);
  const lr: number[] = [];
  const momentum: number[] = [];
  for (let epoch = 0; epoch < example.lr.length; epoch++) {
    const note = (): void => {
      const group = firstGroup(optimiser);
      lr.push(Number(group.lr));
      momentum.push(Number(group.momentum));
    };
    // What depends on a metric was noted after the step that saw it, everything else before.
    if (example.metrics === undefined) note();
    callMethod(optimiser, 'step');
    callMethod(scheduler, 'step', ...(example.metrics === undefined ? [] : [example.metrics[epoch]]));
    if (example.metrics !== undefined) note();
  }
  const differences = await compare('lr', lr, example.lr, rateTolerance);
  if (example.momentum === undefined) return differences;
  return [...differences, ...(await compare('momentum', momentum, example.momentum, rateTolerance))];
}

function makeScheduler(
  framework: Framework,
  optimiser: object,
  name: string,
  { kwargs }: SchedulerCase,
): object {
  const namespace = framework.optim?.lrScheduler;
  if (!isObject(namespace)) throw new UnmappedError('optim exports no lrScheduler');
  if (name === 'SequentialLR') return sequential(namespace, optimiser, kwargs);
  const signature = schedulers.get(name);
  if (signature === undefined) throw new UnmappedError(`${name} is not in the table of schedulers`);
  const named = bind(signature, [], kwargs);
  if (typeof named === 'string') throw new UnmappedError(`${name} ${named}`);
  return construct(namespace, 'lrScheduler', name, optimiser, ...callArguments(framework, signature, named));
}

/** The file writes the parts as Python text; it has this one composition. */
function sequential(namespace: Record<string, unknown>, optimiser: object, kwargs: JsonRecord): object {
  const parts = JSON.stringify(kwargs.schedulers);
  if (parts !== '["LinearLR(0.1, total_iters=5)","ExponentialLR(0.9)"]')
    throw new UnmappedError(`schedulers ${parts}`);
  const linear = construct(namespace, 'lrScheduler', 'LinearLR', optimiser, {
    startFactor: 0.1,
    totalIters: 5,
  });
  const exponential = construct(namespace, 'lrScheduler', 'ExponentialLR', optimiser, 0.9);
  return construct(
    namespace,
    'lrScheduler',
    'SequentialLR',
    optimiser,
    [linear, exponential],
    kwargs.milestones,
  );
}

function firstGroup(optimiser: object): Record<string, unknown> {
  const groups = (optimiser as Record<string, unknown>).paramGroups;
  const first: unknown = Array.isArray(groups) ? groups[0] : undefined;
  if (!isObject(first)) throw new UnmappedError('the optimiser has no paramGroups');
  return first;
}

/** A parameter without which no optimiser is made: one zero. */
const oneZero: Json = { $: 'tensor', dtype: 'float32', shape: [1], b64: 'AAAAAA==' };
