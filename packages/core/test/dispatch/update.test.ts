import { cpu } from '@flambeau/backend-cpu';
import {
  type KernelCall,
  noGrad,
  ones,
  registerBackend,
  setKernelInterceptor,
  type Tensor,
  tensor,
  update,
  zeros,
} from '@flambeau/core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => {
  registerBackend(cpu());
});

afterEach(() => {
  setKernelInterceptor(null);
});

/** `average = decay * average + g`, then `x -= lr * average`. */
const momentum = update('momentum', {
  operands: ['x', 'g', 'average'],
  numbers: ['lr', 'decay'],
  steps: {
    average: ({ average, g, decay }) => average.mul(decay).add(g),
    x: ({ x, average, lr }) => x.sub(average.mul(lr)),
  },
});
const NUMBERS = { lr: 0.5, decay: 0.5 };

const rowOf = (...values: number[]): Tensor[] => [
  tensor(values),
  ones([values.length]),
  ones([values.length]),
];
const values = (x: Tensor | undefined): unknown => x?.toArraySync();

/** The kernels that `body` calls. */
function kernelsOf(body: () => void): KernelCall[] {
  const calls: KernelCall[] = [];
  setKernelInterceptor((call, launch) => {
    calls.push(call);
    launch();
  });
  body();
  setKernelInterceptor(null);
  return calls;
}
const names = (calls: readonly KernelCall[]): string[] => calls.map(({ kernel }) => kernel);

describe('an update', () => {
  it('overwrites many rows in one call, a step seeing what those before it wrote', () => {
    const rows = [rowOf(1, 2), rowOf(3), rowOf(4, 5, 6)];
    const calls = kernelsOf(() => noGrad(() => momentum(rows, NUMBERS)));
    expect(names(calls)).toEqual(['update']);
    expect(calls[0]!.operands).toHaveLength(9);
    expect(rows.map(([x]) => values(x))).toEqual([[0.25, 1.25], [2.25], [3.25, 4.25, 5.25]]);
    expect(values(rows[0]![2])).toEqual([1.5, 1.5]);
    expect(values(rows[0]![1])).toEqual([1, 1]);
  });

  it('keeps numbers out of what is compiled', () => {
    const row = rowOf(1, 2);
    const keys = [0.1, 0.2].map((lr) => {
      const [call] = kernelsOf(() => noGrad(() => momentum([row], { lr, decay: 0 })));
      return (call!.args[0] as { key: string }).key;
    });
    expect(keys[0]).toBe(keys[1]);
  });

  it('is done row by row where memory is shared, so that each reads what those before it wrote', () => {
    const row = rowOf(1, 2);
    const calls = kernelsOf(() => noGrad(() => momentum([row, row], NUMBERS)));
    expect(names(calls)).toEqual(['update', 'update']);
    const other = rowOf(1, 2);
    noGrad(() => momentum([other], NUMBERS));
    noGrad(() => momentum([other], NUMBERS));
    expect(row.map(values)).toEqual(other.map(values));
  });

  it('is done step by step within a row that shares memory, or lies otherwise', () => {
    const x = tensor([1, 2]);
    expect(names(kernelsOf(() => noGrad(() => momentum([[x, x, zeros([2])]], NUMBERS))))).not.toContain(
      'update',
    );
    expect(values(x)).toEqual([0.5, 1]);
    const turned = tensor([
      [1, 2],
      [3, 4],
    ]).t();
    noGrad(() => momentum([[turned, ones([2, 2]), zeros([2, 2])]], NUMBERS));
    expect(values(turned)).toEqual([
      [0.5, 2.5],
      [1.5, 3.5],
    ]);
  });

  it('takes rows of other dtypes in a launch of their own', () => {
    const wide = (row: Tensor[]): Tensor[] => row.map((x) => x.to({ dtype: 'float64' }));
    const rows = [rowOf(1), wide(rowOf(2)), wide(rowOf(3)), rowOf(4)];
    const calls = kernelsOf(() => noGrad(() => momentum(rows, NUMBERS)));
    expect(names(calls)).toEqual(['update', 'update', 'update']);
    expect(rows.map(([x]) => values(x))).toEqual([[0.25], [1.25], [2.25], [3.25]]);
  });

  it('is recorded where a gradient is wanted', () => {
    const [x, g, average] = [tensor([1, 2]), tensor([3, 4], { requiresGrad: true }), zeros([2])];
    momentum([[x, g, average]], { lr: 2, decay: 0 });
    x.sum().backward();
    expect(values(x.detach())).toEqual([-5, -6]);
    expect(values(g.grad!)).toEqual([-2, -2]);
  });

  it('refuses what in-place operators refuse, and names itself when a saved value is gone', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    expect(() => momentum([[x, ones([2]), zeros([2])]], NUMBERS)).toThrow(
      'momentum_: a leaf that requires grad',
    );
    const y = x.square();
    noGrad(() => momentum([[x, ones([2]), zeros([2])]], NUMBERS));
    expect(() => y.sum().backward()).toThrow('changed in place by momentum');
  });

  it('says what is wrong with a call', () => {
    expect(() => momentum([[ones([2])]], NUMBERS)).toThrow(
      'momentum: a row holds x, g, average, got 1 tensors',
    );
    expect(() => momentum([rowOf(1)], { lr: 1 } as typeof NUMBERS)).toThrow(
      'momentum: decay must be a number, got undefined',
    );
    const other = { ...NUMBERS, lr: 0.1 };
    expect(() => noGrad(() => momentum([[ones([2]), ones([3]), zeros([2])]], other))).toThrow(
      'momentum: shapes [2] and [3] do not broadcast',
    );
    const disposed = rowOf(1);
    disposed[1]!.dispose();
    expect(() => noGrad(() => momentum([disposed], other))).toThrow('used after dispose()');
  });

  it('passes over rows without elements', () => {
    const row = [zeros([0]), zeros([0]), zeros([0])];
    expect(kernelsOf(() => noGrad(() => momentum([row], NUMBERS)))).toEqual([]);
  });
});
