import { invoke } from './call.ts';
import { isFloating, type Json, type OperatorCase, type OperatorFile } from './case.ts';
import { compare, compareGradient, isTensorJson } from './compare.ts';
import { decodeCall, makeTensor } from './decode.ts';
import { callCore, type Framework, isTensor, type TensorLike, UnmappedError } from './framework.ts';
import { freedoms } from './freedom.ts';
import { type OperatorEntry, operators } from './operators/index.ts';
import { bind, type Signature } from './schema.ts';
import { toleranceFor } from './tolerance.ts';

/** Runs one case and says what differs from PyTorch. */
export async function runOperatorCase(
  framework: Framework,
  file: OperatorFile,
  example: OperatorCase,
): Promise<string[]> {
  const { op, variant } = file;
  const entry = operators.get(`${op}.${variant}`) ?? operators.get(op);
  if (entry === undefined) throw new UnmappedError(`${op} is not in the table of operators`);
  const call = decodeCall(framework, example.args, example.kwargs);
  const { signature, named } = bindCall(entry, call.args, call.kwargs);
  const { adapter } = entry;
  const invokeOurs = () => invoke(framework, signature, named);
  const result = await (adapter === undefined
    ? invokeOurs()
    : adapter({ framework, signature, named, expected: example.out, invoke: invokeOurs }));

  const differences = await compareResults(op, named, result, example.out);
  if (differences.length > 0 || example.grads === undefined) return differences;
  const gradients = gradientsOf(framework, result, example.out, example.cotangents ?? [], call.leaves);
  const tolerance = (dtype: string) => toleranceFor(op, dtype, 'gradients');
  for (const [i, expected] of example.grads.entries()) {
    differences.push(...(await compareGradient(`grad[${i}]`, gradients[i], expected, tolerance)));
  }
  return differences;
}

function bindCall(
  { signatures }: OperatorEntry,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): { signature: Signature; named: ReadonlyMap<string, unknown> } {
  const reasons: string[] = [];
  for (const signature of signatures) {
    const named = bind(signature, args, kwargs);
    if (typeof named !== 'string') return { signature, named };
    reasons.push(`${signature.torchName} ${named}`);
  }
  throw new UnmappedError(`no signature takes the arguments: ${reasons.join('; ')}`);
}

async function compareResults(
  op: string,
  named: ReadonlyMap<string, unknown>,
  result: unknown,
  expected: Json,
): Promise<string[]> {
  const tolerance = (dtype: string) => toleranceFor(op, dtype, 'results');
  const rule = freedoms[op];
  if (rule === undefined) return compare('out', result, expected, tolerance);
  const single = !Array.isArray(expected);
  const results = single ? [result] : (result as unknown[]);
  const wanted = single ? [expected] : (expected as readonly Json[]);
  if (!Array.isArray(results) || results.length !== wanted.length)
    return compare('out', result, expected, tolerance);
  const verdicts = await rule({ named, results, expected: wanted });
  const differences: string[] = [];
  for (const [i, want] of wanted.entries()) {
    const label = single ? 'out' : `out[${i}]`;
    differences.push(...(verdicts.get(i) ?? (await compare(label, results[i], want, tolerance))));
  }
  return differences;
}

/** Gradients of `sum(output * cotangent)`, the cotangents belonging to the floating outputs that can have a gradient. */
export function gradientsOf(
  framework: Framework,
  result: unknown,
  expected: Json,
  cotangents: readonly Json[],
  inputs: readonly TensorLike[],
): (TensorLike | null | undefined)[] {
  if (inputs.length === 0) return [];
  const floating = pairs(result, expected).filter(([, json]) => isFloating(String(json.dtype)));
  const outputs =
    floating.length === cotangents.length ? floating : floating.filter(([tensor]) => tensor.requiresGrad);
  if (outputs.length !== cotangents.length) {
    throw new UnmappedError(
      `${outputs.length} outputs take part in the graph, PyTorch has ${cotangents.length}`,
    );
  }
  const gradOutputs = cotangents.map((cotangent) => makeTensor(framework, cotangent));
  const tensors = outputs.map(([tensor]) => tensor);
  // The result has a gradient or null for each input; the type is that of core's `grad`.
  return callCore(framework, 'grad', tensors, inputs, {
    gradOutputs,
    allowUnused: true,
  }) as (TensorLike | null)[];
}

/** Our tensors beside the expected ones, in order; the two have the same structure, which was compared before. */
function pairs(result: unknown, expected: Json): [TensorLike, { readonly [key: string]: Json }][] {
  if (isTensorJson(expected)) return isTensor(result) ? [[result, expected]] : [];
  if (!Array.isArray(expected) || !Array.isArray(result)) return [];
  return expected.flatMap((item: Json, i) => pairs(result[i], item));
}
