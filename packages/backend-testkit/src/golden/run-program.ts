import type { Json, ProgramCase } from './case.ts';
import { compare, compareGradient } from './compare.ts';
import { makeTensor } from './decode.ts';
import { callCore, callMethod, type Framework, isObject, type TensorLike } from './framework.ts';
import { camelCase } from './names.ts';
import { toleranceFor } from './tolerance.ts';

const result = (dtype: string) => toleranceFor('program', dtype, 'results');
const gradient = (dtype: string) => toleranceFor('program', dtype, 'gradients');

/** Runs the steps of a program and says where values or gradients leave PyTorch's. */
export async function runProgramCase(framework: Framework, example: ProgramCase): Promise<string[]> {
  const tensors: TensorLike[] = [];
  const wanted: TensorLike[] = [];
  const take = (index: Json): TensorLike => tensors[index as number]!;
  for (const step of example.steps) {
    if ('leaf' in step) {
      const leaf = makeTensor(framework, step.leaf);
      if (step.leaf.requiresGrad === true) wanted.push(leaf.requiresGrad_());
      tensors.push(leaf);
      continue;
    }
    const args = step.args.map((value) =>
      isObject(value) && 'of' in value ? take(value.of as Json) : value,
    );
    const call = (): unknown => callMethod(take(step.on), camelCase(step.call), ...args);
    const made = step.noGrad === true ? callCore(framework, 'noGrad', call) : call();
    if (!step.call.endsWith('_')) tensors.push(...((Array.isArray(made) ? made : [made]) as TensorLike[]));
  }
  const differences = await compare('values', tensors, example.values, result);
  if (differences.length > 0) return differences;
  lossOf(tensors, example.joined).backward();
  for (const [i, expected] of example.grads.entries())
    differences.push(...(await compareGradient(`grad[${i}]`, wanted[i]!.grad, expected, gradient)));
  return differences;
}

/** The sum of sines that the generator takes of the tensors that it joins. */
function lossOf(tensors: readonly TensorLike[], joined: readonly number[]): TensorLike {
  const method = (self: unknown, name: string, ...args: unknown[]) =>
    callMethod(self as object, name, ...args);
  const terms = joined.map((index) =>
    method(method(method(tensors[index], 'mul', index * 0.1 + 0.3), 'sin'), 'sum'),
  );
  return terms.reduce((total, term) => method(total, 'add', term)) as TensorLike;
}
