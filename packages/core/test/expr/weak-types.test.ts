import { cpu } from '@flambeau/backend-cpu';
import { arange, linspace, registerBackend } from '@flambeau/core';
import { describe, expect, it } from 'vitest';

registerBackend(cpu());

describe('a number given at the call keeps its fraction where it meets an integer', () => {
  it('as a step of arange, which multiplies the index of an element', async () => {
    expect(await arange(0, 1, 0.25).toArray()).toEqual([0, 0.25, 0.5, 0.75]);
    expect(await arange(3, 4.5, 0.5, { dtype: 'float64' }).toArray()).toEqual([3, 3.5, 4]);
    expect(await arange(1, 8, 3).toArray()).toEqual([1, 4, 7]);
  });

  it('as a step of linspace', async () => {
    expect(await linspace(0, 1, 5).toArray()).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(await linspace(-3, 2, 6, { dtype: 'int32' }).toArray()).toEqual([-3, -2, -1, 0, 1, 2]);
  });
});
