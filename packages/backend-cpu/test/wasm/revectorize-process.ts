import { manualSeed, randn, registerBackend, type Tensor, unregisterBackend } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { cpu, setNumThreads } from '../../src/index.ts';

/** Computes products with and without the option `revectorize`, and prints which differ, as JSON. */

const SIZES = [
  [64, 64, 64],
  [7, 100, 33],
  [130, 300, 150],
  [150, 513, 190],
] as const;

/** Products of all layouts, often enough for V8 to optimise their code. */
function products(): Float32Array[] {
  manualSeed(1);
  return SIZES.flatMap(([rows, depth, columns]) => {
    const a = [randn([rows, depth]), randn([depth, rows]).t()];
    const b = [randn([depth, columns]), randn([columns, depth]).t()];
    return a.flatMap((left) =>
      b.map((right) => {
        let product: Tensor = left.matmul(right);
        for (let i = 0; i < 15; i++) product = left.matmul(right);
        return product.dataSync() as Float32Array;
      }),
    );
  });
}

function resultsOn(backend: Backend): Float32Array[] {
  unregisterBackend('cpu');
  registerBackend(backend);
  return [1, 2].flatMap((threads) => {
    setNumThreads(threads);
    return products();
  });
}

const before = resultsOn(cpu());
const backend = cpu({ revectorize: true });
const after = resultsOn(backend);
const differing = after.filter((values, i) => values.some((value, j) => !Object.is(value, before[i]![j])));
console.log(JSON.stringify({ name: backend.name, count: after.length, differing: differing.length }));
