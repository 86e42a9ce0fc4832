import { cpu } from '@flambeau/backend-cpu';
import { copy, registerBackend, tensor } from '@flambeau/core';
import { expect, it } from 'vitest';

registerBackend(cpu());

it('copy gives the values of another tensor in the dtype and shape of the first', async () => {
  const y = copy(
    tensor([
      [1.5, 2.5],
      [3.5, 4.5],
    ]),
    tensor([7, 8], { dtype: 'int32' }),
  );
  expect(y.dtype).toBe('float32');
  expect(await y.toArray()).toEqual([
    [7, 8],
    [7, 8],
  ]);
  expect(copy(tensor([1], { dtype: 'int32' }), tensor([2.75])).dtype).toBe('int32');
});
