import { callArguments } from './call.ts';
import type { Json, JsonRecord, OptimiserCase, OptimiserFile, SchedulerCase, SchedulerFile } from './case.ts';
import { compare } from './compare.ts';
import { decodeCall, makeTensor } from './decode.ts';
import {
  callMethod,
  construct,
  type Framework,
  isObject,
  isTensor,
  type TensorLike,
  UnmappedError,
} from './framework.ts';
import { camelCase } from './names.ts';
import { bind, parseSignature } from './schema.ts';
import { toleranceFor } from './tolerance.ts';

const knownObjective = 'sum over params of sum((p-t)^2) + 0.1*sum(p^4)';

/** Runs the steps of one case and says where loss or parameters leave PyTorch's. */
export async function runOptimiserCase(
  framework: Framework,
  file: OptimiserFile,
  example: OptimiserCase,
): Promise<string[]> {
  if (file.objective !== knownObjective) throw new UnmappedError(`the objective ${file.objective}`);
  const params = example.params.map((value) => makeTensor(framework, value).requiresGrad_());
  const targets = example.targets.map((value) => makeTensor(framework, value));
  const optimiser = construct(
    framework.optim,
    'optim',
    file.optimizer,
    params,
    await optionsOf(framework, example.kwargs),
  );
  const tolerance = (dtype: string) => toleranceFor(file.optimizer, dtype, 'results');
  const closure = (): TensorLike => {
    callMethod(optimiser, 'zeroGrad');
    const loss = objective(params, targets);
    loss.backward();
    return loss;
  };

  const differences: string[] = [];
  for (const [i, step] of example.steps.entries()) {
    const loss = closure();
    differences.push(...(await compare(`step ${i}: loss`, loss, step.loss, tolerance)));
    // Optimisers that evaluate the objective several times take it as a closure; the others ignore it.
    await callMethod(optimiser, 'step', closure);
    differences.push(...(await compare(`step ${i}: params`, params, step.params, tolerance)));
    if (differences.length > 0) break;
  }
  return differences;
}

function objective(params: readonly TensorLike[], targets: readonly TensorLike[]): TensorLike {
  const method = (self: unknown, name: string, ...args: unknown[]) =>
    callMethod(self as object, name, ...args);
  const terms = params.map((p, i) => {
    const distance = method(method(method(p, 'sub', targets[i]), 'pow', 2), 'sum');
    return method(distance, 'add', method(method(method(p, 'pow', 4), 'sum'), 'mul', 0.1));
  });
  return terms.reduce((total, term) => method(total, 'add', term)) as TensorLike;
}

/** PyTorch takes a learning rate as a tensor too; ours are numbers. */
async function optionsOf(framework: Framework, kwargs: JsonRecord): Promise<Record<string, unknown>> {
  const { kwargs: decoded } = decodeCall(framework, [], kwargs);
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(decoded)) {
    options[camelCase(key)] = isTensor(value) ? Number((await value.data())[0]) : value;
  }
  return options;
}

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
    const group = firstGroup(optimiser);
    lr.push(Number(group.lr));
    momentum.push(Number(group.momentum));
    callMethod(optimiser, 'step');
    callMethod(scheduler, 'step', ...(example.metrics === undefined ? [] : [example.metrics[epoch]]));
  }
  return [
    ...(await compare('lr', lr, example.lr, rateTolerance)),
    ...(await compare('momentum', momentum, example.momentum, rateTolerance)),
  ];
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
