import type { JsonRecord, OptimiserCase, OptimiserFile } from './case.ts';
import { compare } from './compare.ts';
import { decodeCall, makeTensor } from './decode.ts';
import {
  callMethod,
  construct,
  type Framework,
  isTensor,
  type TensorLike,
  UnmappedError,
} from './framework.ts';
import { camelCase } from './names.ts';
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
