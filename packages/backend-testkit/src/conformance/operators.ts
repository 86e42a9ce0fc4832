import { add, type Device, grad, isTensor, mul, scope, sum, type Tensor } from '@flambeau/core';
import { type Backend, type DType, isFloating } from '@flambeau/core/backend';
import { type BoundSample, callsOf, type SampleCall } from '../samples/call.ts';
import { LAYOUTS, Maker, type MemoryLayout } from '../samples/maker.ts';
import { operatorSamples } from '../samples/table.ts';
import { type ConformanceCase, ConformanceFailure, ensure } from './case.ts';
import { allowed, compareValues } from './compare.ts';
import type { Value } from './elements.ts';

/** A tensor read back. */
interface Read {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: ArrayLike<Value>;
}

interface Outcome {
  readonly results: readonly Read[];
  /** Of each input; null where none flows. Undefined where the operator has none. */
  readonly gradients: readonly (Read | null)[] | undefined;
}

const read = async (x: Tensor): Promise<Read> => ({ dtype: x.dtype, shape: x.shape, values: await x.data() });

/** The results of one call, and its gradients for a fixed combination of them. */
async function outcome(
  call: SampleCall,
  device: Device,
  dtype: DType,
  layout: MemoryLayout,
): Promise<Outcome> {
  const bound = call.bind({ device, dtype, layout, requiresGrad: call.entry.noGradient === undefined });
  const outputs = await bound.callAsync();
  const results: Read[] = [];
  for (const output of outputs) results.push(await read(output));
  const gradients =
    call.entry.noGradient === undefined ? gradientsOf(call, bound, outputs, dtype, device) : null;
  const found: (Read | null)[] = [];
  for (const gradient of gradients ?? []) found.push(gradient === null ? null : await read(gradient));
  for (const tensor of [...outputs, ...bound.tensors, ...(gradients ?? [])])
    if (isTensor(tensor)) tensor.dispose();
  return { results, gradients: gradients === null ? undefined : found };
}

function gradientsOf(
  call: SampleCall,
  { inputs }: BoundSample,
  outputs: readonly Tensor[],
  dtype: DType,
  device: Device,
): readonly (Tensor | null)[] | null {
  const differentiable = outputs.filter((output) => output.requiresGrad);
  if (differentiable.length === 0) return null;
  const make = new Maker(`${call.op} ${call.name} weights`, { dtype, device });
  return scope(() => {
    const terms = differentiable.map((output) => sum(mul(output, make.fixed(output.shape))));
    return grad(
      terms.reduce((a, b) => add(a, b)),
      inputs,
      { allowUnused: true },
    );
  });
}

/** Compares with the reference, whose floating results are wider. */
function compareRead(
  what: string,
  got: Read,
  expected: Read,
  floating: DType,
  of: 'results' | 'gradients',
): void {
  const wanted = isFloating(expected.dtype) ? floating : expected.dtype;
  ensure(got.dtype === wanted, `${what}: its dtype is ${got.dtype}, expected ${wanted}`);
  ensure(
    got.shape.join() === expected.shape.join(),
    `${what}: its shape is [${got.shape.join(', ')}], expected [${expected.shape.join(', ')}]`,
  );
  compareValues(what, got.values, expected.values, allowed(got.dtype, of));
}

async function runCall(call: SampleCall, device: Device, reference: Device): Promise<void> {
  const expected = await outcome(call, reference, 'float64', 'contiguous');
  const layouts = call.entry.onlyContiguous === undefined ? LAYOUTS : (['contiguous'] as const);
  for (const layout of layouts) {
    const what = `${call.op}, ${call.name}, ${layout}`;
    const got = await outcome(call, device, 'float32', layout);
    ensure(
      got.results.length === expected.results.length,
      `${what}: ${got.results.length} results, expected ${expected.results.length}`,
    );
    expected.results.forEach((result, i) => {
      compareRead(
        `${what}: result ${i}`,
        got.results[i]!,
        result,
        call.entry.resultDType ?? 'float32',
        'results',
      );
    });
    expected.gradients?.forEach((gradient, i) => {
      const other = got.gradients?.[i];
      if (gradient === null && !other) return;
      ensure(gradient !== null && isThere(other), `${what}: gradient ${i} is there on one device only`);
      compareRead(`${what}: gradient ${i}`, other, gradient, 'float32', 'gradients');
    });
  }
}

const isThere = (read: Read | null | undefined): read is Read => read !== null && read !== undefined;

/** Every operator of the table of samples, compared with the reference device: results, and gradients. */
export const operatorCases = (): readonly ConformanceCase[] => {
  const byOperator = new Map<string, SampleCall[]>();
  for (const call of callsOf(operatorSamples())) {
    // The synchronous twins of operators that wait would need a reference that is synchronous too.
    if (!call.entry.synchronous) byOperator.set(call.op, [...(byOperator.get(call.op) ?? []), call]);
  }
  return [...byOperator].map(([op, calls]) => ({
    name: `operator: ${op}`,
    inapplicable: ({ reference, backend }) =>
      reference === undefined
        ? 'there is no reference device; register one, e.g. cpu() of @flambeau/backend-cpu'
        : missing(calls, backend),
    run: async ({ device, reference }) => {
      if (reference === undefined) throw new ConformanceFailure('there is no reference device');
      for (const call of calls) await runCall(call, device, reference);
    },
  }));
};

/** Says what an operator needs and a device does not have. */
function missing(calls: readonly SampleCall[], { limits }: Backend): string | undefined {
  const dtype = calls
    .map(({ entry }) => entry.resultDType)
    .find((wanted) => wanted !== undefined && !limits.dtypes.includes(wanted));
  return dtype === undefined ? undefined : `it has no ${dtype}`;
}
