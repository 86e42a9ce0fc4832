import { expect, it } from 'vitest';
import type { Json } from '../../src/golden/case.ts';
import { freedoms } from '../../src/golden/freedom.ts';

const tensor = (shape: number[], values: number[], dtype = 'float32') => ({
  shape,
  dtype,
  data: async () => Float32Array.from(values),
});

const indices = (shape: number[], values: number[]): Json => ({
  $: 'tensor',
  dtype: 'int32',
  shape,
  b64: btoa(String.fromCharCode(...new Uint8Array(Int32Array.from(values).buffer))),
});

/** What the rule says of our indices, PyTorch's being `theirs`, in the columns of a 3 by 2 matrix. */
async function verdict(op: string, ours: number[], theirs: number[], named: Record<string, unknown> = {}) {
  const input = tensor([3, 2], [5, 1, 5, 2, 7, 1]);
  const shape = [ours.length / 2, 2];
  const verdicts = await freedoms[op]?.({
    named: new Map(Object.entries({ input, dim: 0, ...named })),
    results: [undefined, tensor(shape, ours, 'int32')],
    expected: [null, indices(shape, theirs)],
  });
  return verdicts?.get(1);
}

it('lets equal elements stand in any order', async () => {
  expect(await verdict('sort', [1, 2, 0, 0, 2, 1], [0, 0, 1, 2, 2, 1])).toEqual([]);
});

it('refuses an index that leads to another value', async () => {
  expect(await verdict('topk', [0, 1], [2, 1])).toEqual(["out[1]: index 0 leads to 5, PyTorch's 2 to 7"]);
});

it('refuses an index that comes twice, and one outside', async () => {
  expect(await verdict('sort', [0, 0, 0, 2, 2, 1], [0, 0, 1, 2, 2, 1])).toEqual([
    'out[1]: index 0 comes twice',
  ]);
  expect(await verdict('topk', [3, 1], [2, 1])).toEqual(['out[1]: index 3 is outside 0..2']);
});

it('is no freedom for a stable order', async () => {
  expect(await verdict('sort', [1, 2, 0, 0, 2, 1], [0, 0, 1, 2, 2, 1], { stable: true })).toBeUndefined();
});
