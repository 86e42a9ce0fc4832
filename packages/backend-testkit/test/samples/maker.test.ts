import { cpu } from '@flambeau/backend-cpu';
import { registerBackend, type Tensor } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { LAYOUTS, Maker } from '../../src/index.ts';
import { alien } from '../alien/index.ts';

registerBackend(cpu());
registerBackend(alien({ dtypes: ['float32', 'int32', 'bool'] }));

const makers = LAYOUTS.map((layout) => new Maker('test', { device: 'cpu', layout }));

describe('a maker', () => {
  it('gives the same values in every layout and dtype', async () => {
    const others = [...makers, new Maker('test', { device: 'cpu', dtype: 'float64' })];
    const values = await Promise.all(others.map((make) => make.x([2, 3, 4]).toArray()));
    for (const other of values) expect(other).toEqual(values[0]);
    expect(await new Maker('another', { device: 'cpu' }).x([2, 3, 4]).toArray()).not.toEqual(values[0]);
  });

  it('lays them out as it says', () => {
    const strides = makers.map((make) => make.x([2, 3, 4]).strides);
    expect(strides).toEqual([
      [12, 4, 1],
      [1, 2, 6],
      [24, 8, 2],
    ]);
  });

  it('makes leaves that collect gradients, and others', () => {
    for (const make of makers) {
      const x = make.x([3]);
      expect([x.isLeaf, x.requiresGrad, make.fixed([3]).requiresGrad, make.bools([3]).dtype]).toEqual([
        true,
        true,
        false,
        'bool',
      ]);
    }
    expect(new Maker('test', { device: 'cpu', requiresGrad: false }).x([3]).requiresGrad).toBe(false);
  });

  it('keeps apart from what it is told to, and makes values that differ', async () => {
    const [make] = makers as [Maker, ...Maker[]];
    const apart = (await make.apart([50], [0, 1]).data()) as Float32Array;
    expect(apart.every((value) => Math.abs(value) >= 0.05 && Math.abs(value - 1) >= 0.05)).toBe(true);
    const distinct = (await make.distinct([50]).data()) as Float32Array;
    expect(new Set(distinct).size).toBe(50);
    expect([...((await make.permutation(6).data()) as Int32Array)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('makes int32 of int64 on a device that has no int64', () => {
    const dtype = (device: 'cpu' | 'alien'): string => {
      const x: Tensor = new Maker('test', { device }).integers([2], 0, 5, 'int64');
      return x.dtype;
    };
    expect([dtype('cpu'), dtype('alien')]).toEqual(['int64', 'int32']);
  });
});
