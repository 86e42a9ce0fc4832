import { manualSeed, type Tensor, tensor } from 'flambeau';

/** Measures flambeau's own cost for an operator and prints nanoseconds a call, by case, as one line of JSON. */

const BATCHES = 25;

/** The median over batches, each long enough for the clock. */
function nanoseconds(calls: number, body: () => void): number {
  for (let i = 0; i < calls * 3; i++) body();
  const times: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) body();
    times.push(((performance.now() - start) * 1e6) / calls);
  }
  return times.sort((a, b) => a - b)[BATCHES >> 1]!;
}

manualSeed(0);
const x = tensor([1, 2, 3, 4]);
const y = tensor([5, 6, 7, 8]);
const a: Tensor = tensor([1, 2, 3, 4], { requiresGrad: true });
const b: Tensor = tensor([5, 6, 7, 8], { requiresGrad: true });

const forward = (): Tensor => a.mul(b).add(b).mul(a).sum();

// The same values as PyTorch's before anything is timed.
forward().backward();
const check = { loss: forward().itemSync(), a: a.grad!.toArraySync(), b: b.grad!.toArraySync() };

const result = {
  check,
  nanoseconds: {
    'add, 4 elements': nanoseconds(20_000, () => {
      x.add(y);
    }),
    'forward and backward of ((a*b+b)*a).sum()': nanoseconds(4_000, () => {
      a.grad = null;
      b.grad = null;
      forward().backward();
    }),
  },
};
console.log(JSON.stringify(result));
