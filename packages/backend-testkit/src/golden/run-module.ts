import { callArguments, inOrder } from './call.ts';
import type { Json, JsonRecord, ModuleCase, ModuleFile } from './case.ts';
import { compare, compareGradient } from './compare.ts';
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
import { moduleConstructors, moduleForwards } from './modules.ts';
import { gradientsOf } from './run-operator.ts';
import { bind, type Signature } from './schema.ts';
import { toleranceFor } from './tolerance.ts';

/** Runs one case of a module and says what differs from PyTorch: output, gradients, and the state afterwards. */
export async function runModuleCase(
  framework: Framework,
  file: ModuleFile,
  example: ModuleCase,
): Promise<string[]> {
  const name = file.module.replace(/^.*\./, '');
  const module = makeModule(framework, name, example);
  await callMethod(module, 'loadStateDict', tensors(framework, example.state));
  callMethod(module, example.training ? 'train' : 'eval');

  const call = decodeCall(framework, example.args, example.kwargs);
  const forward = moduleForwards.get(name);
  const args =
    forward === undefined
      ? [...call.args, ...Object.values(call.kwargs)]
      : argumentsFor(framework, forward, call.args, call.kwargs);
  const result = inOrder(await callMethod(module, 'forward', ...args), forward);

  const results = (dtype: string) => toleranceFor(name, dtype, 'results');
  const gradients = (dtype: string) => toleranceFor(name, dtype, 'gradients');
  const differences = await compare('out', result, example.out, results);
  if (differences.length > 0) return differences;

  const parameters = parametersOf(module);
  const expectedGrads = [...Object.entries(example.paramGrads)];
  const wanted = expectedGrads.map(([key]) => {
    const parameter = parameters.get(key);
    if (parameter === undefined) throw new UnmappedError(`${name} has no parameter ${key}`);
    return parameter;
  });
  if (example.cotangents.length > 0) {
    const inputs = [...call.leaves, ...wanted];
    const got = gradientsOf(framework, result, example.out, example.cotangents, inputs);
    for (const [i, expected] of example.inputGrads.entries()) {
      differences.push(...(await compareGradient(`grad of input ${i}`, got[i], expected, gradients)));
    }
    for (const [i, [key, expected]] of expectedGrads.entries()) {
      const gradient = got[example.inputGrads.length + i];
      differences.push(...(await compareGradient(`grad of ${key}`, gradient, expected, gradients)));
    }
  }
  differences.push(...(await compareState(module, example, results)));
  return differences;
}

function makeModule(framework: Framework, name: string, { ctor }: ModuleCase): object {
  const signature = moduleConstructors.get(name);
  if (signature === undefined) throw new UnmappedError(`${name} is not in the table of modules`);
  const { args, kwargs } = decodeCall(framework, ctor.args, ctor.kwargs);
  return construct(framework.nn, 'nn', name, ...argumentsFor(framework, signature, args, kwargs));
}

function argumentsFor(
  framework: Framework,
  signature: Signature,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): unknown[] {
  const named = bind(signature, args, kwargs);
  if (typeof named === 'string') throw new UnmappedError(`${signature.torchName} ${named}`);
  return callArguments(framework, signature, named);
}

function tensors(framework: Framework, state: JsonRecord): Record<string, TensorLike> {
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, makeTensor(framework, value)]));
}

function parametersOf(module: object): ReadonlyMap<string, TensorLike> {
  // Pairs of name and parameter, as PyTorch's.
  return new Map(callMethod(module, 'namedParameters') as Iterable<readonly [string, TensorLike]>);
}

/** The state has PyTorch's keys; what the call changed has PyTorch's new values, and all else stays as it was. */
async function compareState(
  module: object,
  { state, stateAfter }: ModuleCase,
  tolerance: Parameters<typeof compare>[3],
): Promise<string[]> {
  const got = callMethod(module, 'stateDict');
  const entries = new Map(got instanceof Map ? got : Object.entries(isObject(got) ? got : {}));
  const keys = Object.keys(state);
  const missing = keys.filter((key) => !entries.has(key));
  const unexpected = [...entries.keys()].filter((key) => !(key in state));
  if (missing.length + unexpected.length > 0) {
    return [
      `state: misses ${missing.join(', ') || 'nothing'}, has unexpected ${unexpected.join(', ') || 'nothing'}`,
    ];
  }
  const differences: string[] = [];
  for (const [key, tensor] of entries) {
    const expected: Json = stateAfter[key] ?? state[key] ?? null;
    if (isTensor(tensor))
      differences.push(...(await compare(`state after: ${key}`, tensor, expected, tolerance)));
  }
  return differences;
}
