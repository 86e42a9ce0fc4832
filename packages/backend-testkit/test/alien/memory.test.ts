import { add, isTensor, mul, registerBackend, scope, sum, type Tensor } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { trainNetwork } from '../../src/conformance/training.ts';
import { callsOf } from '../../src/samples/call.ts';
import { operatorSamples } from '../../src/samples/table.ts';
import { alien } from './index.ts';

const backend = alien();
registerBackend(backend);
const device = 'alien';

/** Another one, of which nothing else has memory. */
const training = alien({ device: 'alien:1' });
registerBackend(training);

const live = (): number => backend.memory.allocations;

const calls = callsOf(operatorSamples()).filter(({ entry }) => !entry.synchronous);
const names = [...new Set(calls.map(({ op }) => op))];

describe('memory that core gives free at once', () => {
  it.each(names)('%s keeps its results alone, and nothing after backward', async (name) => {
    for (const call of calls.filter(({ op }) => op === name)) {
      const before = live();
      const plain = call.bind({ device, requiresGrad: false });
      const made = live();
      const results = await plain.callAsync();
      const own = new Set(results.map(({ storage }) => storage));
      for (const { storage } of plain.tensors) own.delete(storage);
      expect(live() - made, `${call.name}: what the call keeps`).toBe(own.size);
      dispose(results, plain.tensors);
      expect(live(), `${call.name}: after dispose`).toBe(before);
      if (call.entry.noGradient !== undefined) continue;
      const { tensors, callAsync } = call.bind({ device });
      const outputs = await callAsync();
      const differentiable = outputs.filter((output) => output.requiresGrad);
      if (differentiable.length > 0) {
        const loss = scope(() =>
          differentiable.map((output) => sum(mul(output, 0.5))).reduce((a, b) => add(a, b)),
        );
        loss.backward();
        loss.dispose();
      }
      dispose(
        outputs,
        tensors,
        tensors.map(({ grad }) => grad),
      );
      expect(live(), `${call.name}: after backward and dispose`).toBe(before);
    }
  });

  it('stays flat while a network trains', async () => {
    const counts: number[] = [];
    await trainNetwork('alien:1', () => counts.push(training.memory.allocations));
    // The data, the target and four parameters.
    expect(new Set(counts)).toEqual(new Set([6]));
    expect(training.memory.allocations).toBe(0);
  });
});

function dispose(...lists: readonly (readonly (Tensor | null)[])[]): void {
  for (const tensor of lists.flat()) if (isTensor(tensor)) tensor.dispose();
}
