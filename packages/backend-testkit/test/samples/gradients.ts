import { cpu } from '@flambeau/backend-cpu';
import { gradcheck, gradgradcheck, registerBackend, type Tensor } from '@flambeau/core';
import { expect, it } from 'vitest';
import { callsOf, floatingOnly, type SampleCall } from '../../src/samples/call.ts';
import { LAYOUTS } from '../../src/samples/maker.ts';
import { operatorSamples } from '../../src/samples/table.ts';

registerBackend(cpu());

async function check(call: SampleCall): Promise<void> {
  const layouts = call.entry.onlyContiguous === undefined ? LAYOUTS : (['contiguous'] as const);
  for (const layout of layouts) {
    const { inputs, call: run } = call.bind({ device: 'cpu', dtype: 'float64', layout });
    if (inputs.length === 0) continue;
    const results = (...given: Tensor[]): readonly Tensor[] => floatingOnly(run(given));
    await gradcheck(results, inputs);
    if (call.entry.noSecondGradient === undefined) await gradgradcheck(results, inputs);
  }
}

/**
 * Gradients, and gradients of gradients, of every sample against differences in float64, in every layout: one test
 * for each operator, in `parts` files, so that several workers share them.
 */
export function testGradients(part: number, parts: number): void {
  const calls = callsOf(operatorSamples()).filter(({ entry }) => entry.noGradient === undefined);
  const names = [...new Set(calls.map(({ op }) => op))].filter((_, i) => i % parts === part);
  it.each(names)('%s', async (name) => {
    const failures: string[] = [];
    for (const call of calls) {
      if (call.op !== name) continue;
      await check(call).catch((error: Error) => failures.push(`${call.name}: ${error.message}`));
    }
    expect(failures).toEqual([]);
  });
}
