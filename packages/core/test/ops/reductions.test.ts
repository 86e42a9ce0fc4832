import { cpu } from '@flambeau/backend-cpu';
import * as core from '@flambeau/core';
import { gradcheck, gradgradcheck, registerBackend, type Tensor, tensor, zeros } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { refuses, untyped } from './refusals.ts';

registerBackend(cpu());

const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const int = x.to({ dtype: 'int32' });
const none = zeros([0, 3]);
const of = (result: Tensor): Promise<unknown> => result.toArray();
const leaf = (values: unknown): Tensor =>
  tensor(values as number[], { dtype: 'float64', requiresGrad: true });
const gradientOf = async (fn: (x: Tensor) => Tensor, values: unknown): Promise<unknown> => {
  const x = leaf(values);
  fn(x).sum().backward();
  return x.grad!.toArray();
};

describe('refusals of reductions', () => {
  refuses([
    [
      () => core.sum(x, 0, untyped({ keepDim: true })),
      'ArgumentError',
      'sum: unknown option keepDim; did you mean keepdim?',
    ],
    [
      () => core.amax(x, 0, untyped({ dtype: 'float64' })),
      'ArgumentError',
      'amax: unknown option dtype; known options: keepdim',
    ],
    [
      () => core.mean(x, 0, { dtype: untyped('flaot32') }),
      'DTypeError',
      'mean: unknown dtype "flaot32"; the dtypes are bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64',
    ],
    [
      () => core.mean(int),
      'DTypeError',
      "mean: int32 has no exact result; give a floating dtype: mean({ dtype: 'float32' })",
    ],
    [
      () => core.std(int),
      'DTypeError',
      "std: int32 has no exact result; convert it: to({ dtype: 'float32' })",
    ],
    [() => core.sum(x, 2), 'ShapeError', 'sum: dim 2 is out of range for shape [2, 3]; it must lie in -2..1'],
    [
      () => core.sum(x, [0, -2]),
      'ShapeError',
      'sum: dims [0, -2] name a dimension twice; the shape is [2, 3]',
    ],
    [
      () => core.amax(none, 0),
      'ShapeError',
      'amax: nothing to reduce: [0, 3] has no elements along dims [0], and there is no neutral value',
    ],
    [
      () => core.argmax(none),
      'ShapeError',
      'argmax: [0, 3] has no elements to choose from; name a dim that has some',
    ],
    [() => core.max(none, 0), 'ShapeError', 'max: dim 0 of [0, 3] has no elements to choose from'],
    [
      () => core.argmin(core.gt(x, 2)),
      'DTypeError',
      "argmin: bool is not supported; convert it: to({ dtype: 'int32' })",
    ],
    [() => core.max(x, untyped('rows')), 'ArgumentError', 'max: dim must be a number, got "rows"'],
    [
      () => core.norm(x, 1, { p: 'nuc' }),
      'ArgumentError',
      'norm: p must be a number or \'fro\', got "nuc"; the nuclear norm needs a singular value decomposition, which does not exist yet',
    ],
    [
      () => core.softmax(int, 0),
      'DTypeError',
      "softmax: int32 has no exponential of its own; give a floating dtype: softmax(dim, { dtype: 'float32' })",
    ],
    [
      () => core.logcumsumexp(int, 0),
      'DTypeError',
      "logcumsumexp: int32 is not supported; convert it: to({ dtype: 'float32' })",
    ],
    [() => core.topk(x, 4), 'ShapeError', 'topk: k is 4, but dim -1 of [2, 3] has 3 elements'],
    [() => core.topk(x, 1.5), 'ArgumentError', 'topk: k must be an integer, got 1.5'],
    [() => core.kthvalue(x, 0), 'ShapeError', 'kthvalue: k is 0, but dim -1 of [2, 3] has 3 elements'],
    [
      () => core.cumsum(untyped([1, 2]), 0),
      'ArgumentError',
      'cumsum: x must be a tensor, got [1, 2]; make a tensor of it: tensor([…])',
    ],
  ]);
});

describe('reductions over nothing', () => {
  it('give their neutral value', async () => {
    expect(await of(core.sum(none, 0))).toEqual([0, 0, 0]);
    expect(await of(core.prod(none, 0))).toEqual([1, 1, 1]);
    expect(await of(core.mean(none))).toBe(Number.NaN);
    expect(await of(core.all(none))).toBe(true);
    expect(await of(core.any(none, 0))).toEqual([false, false, false]);
    expect(await of(core.logsumexp(none, 0))).toEqual([-Infinity, -Infinity, -Infinity]);
    expect(await of(core.norm(none, 0))).toEqual([0, 0, 0]);
    expect(await of(core.median(none))).toBe(Number.NaN);
    expect(core.amax(none, 1).shape).toEqual([0]);
    expect(core.max(none, 1).indices.shape).toEqual([0]);
    expect(core.sort(none, 0).values.shape).toEqual([0, 3]);
    expect(core.cumsum(none, 0).shape).toEqual([0, 3]);
  });

  it("and a gradient of the input's shape", () => {
    for (const fn of [core.prod, core.mean, core.std, core.median, (e: Tensor) => core.norm(e)]) {
      const e = zeros([0, 3], { requiresGrad: true });
      fn(e).backward();
      expect(e.grad!.shape).toEqual([0, 3]);
    }
  });
});

describe('the dim', () => {
  it('may be left out before the options', async () => {
    expect(core.sum(x, { keepdim: true }).shape).toEqual([1, 1]);
    expect(core.std(x, { correction: 0 }).shape).toEqual([]);
    expect(core.norm(x, { p: 1 }).shape).toEqual([]);
    expect(core.argmax(x, { keepdim: true }).shape).toEqual([1, 1]);
  });

  it('counts from the end when negative, and may be a list', async () => {
    expect(await of(core.sum(x, -1))).toEqual([6, 15]);
    expect(await of(core.sum(x, [-1, 0]))).toBe(21);
    expect(await of(core.amax(x, [], { keepdim: true }))).toEqual([[6]]);
  });

  it('exists, as 0 and -1, for a tensor without dimensions', async () => {
    const scalar = tensor(2.5);
    expect(await of(core.sum(scalar, 0))).toBe(2.5);
    expect(await of(core.cumprod(scalar, -1))).toBe(2.5);
    expect(await of(core.softmax(scalar, 0))).toBe(1);
    expect(await of(core.max(scalar, 0).indices)).toBe(0);
    expect(await of(core.sort(scalar).values)).toBe(2.5);
    expect(await of(core.cummax(scalar, 0).values)).toBe(2.5);
  });
});

describe('dtypes of reductions', () => {
  it('counts and indices are int32, sums of int64 stay so', () => {
    expect(core.sum(core.gt(x, 2)).dtype).toBe('int32');
    expect(core.cumsum(core.gt(x, 2), 0).dtype).toBe('int32');
    expect(core.prod(x.to({ dtype: 'int8' })).dtype).toBe('int32');
    expect(core.sum(x.to({ dtype: 'int64' })).dtype).toBe('int64');
    for (const indices of [
      core.argmax(x),
      core.sort(x).indices,
      core.topk(x, 1).indices,
      core.cummin(x, 0).indices,
    ]) {
      expect(indices.dtype).toBe('int32');
    }
  });

  it('the option dtype converts first', async () => {
    expect(await of(core.sum(tensor([200, 100], { dtype: 'uint8' }), { dtype: 'uint8' }))).toBe(44);
    expect(core.mean(int, { dtype: 'float64' }).dtype).toBe('float64');
    expect(core.softmax(int, 1, { dtype: 'float32' }).dtype).toBe('float32');
    expect(core.cumprod(int, 0, { dtype: 'float64' }).dtype).toBe('float64');
  });

  it('halves are summed in float32 and rounded once', async () => {
    const many = core.full([4096], 1, { dtype: 'float16' });
    expect(await of(core.sum(many))).toBe(4096);
    const half = tensor([10, 10.5, 11], { dtype: 'float16' });
    const exact = await core
      .softmax(half.to({ dtype: 'float64' }), 0)
      .to({ dtype: 'float16' })
      .toArray();
    expect(await of(core.softmax(half, 0))).toEqual(exact);
  });
});

describe('NaN', () => {
  const holed = tensor([
    [1, Number.NaN, 3],
    [4, 2, 0],
  ]);

  it('spreads, wins a search, and is the largest in order', async () => {
    expect(await of(core.amax(holed, 1))).toEqual([Number.NaN, 4]);
    expect(await of(core.argmax(holed, 1))).toEqual([1, 0]);
    expect(await of(core.argmin(holed, 1))).toEqual([1, 2]);
    expect(await of(core.sort(holed, 1).indices)).toEqual([
      [0, 2, 1],
      [2, 1, 0],
    ]);
    expect(await of(core.topk(holed, 1).values)).toEqual([[Number.NaN], [4]]);
    expect(await of(core.median(holed, 1).indices)).toEqual([1, 1]);
    expect(await of(core.nanmedian(holed, 1).values)).toEqual([1, 2]);
    expect(await of(core.cummax(holed, 1).values)).toEqual([
      [1, Number.NaN, Number.NaN],
      [4, 4, 4],
    ]);
  });
});

describe('norms', () => {
  it('of float16 squares nothing in float16', async () => {
    const x = tensor([300, 400], { dtype: 'float16' });
    expect(await of(core.norm(x))).toBe(500);
    expect(await gradientOf((t) => core.norm(t.to({ dtype: 'float16' })), [300, 400])).toEqual([
      0.60009765625, 0.7998046875,
    ]);
  });
});

describe('gradients at ties and zeros', () => {
  it("the whole tensor's extremum and median share theirs, that along a dim goes to its index", async () => {
    expect(await gradientOf((t) => core.max(t), [2, 5, 5])).toEqual([0, 0.5, 0.5]);
    expect(await gradientOf((t) => core.amin(t, 0), [2, 2, 5])).toEqual([0.5, 0.5, 0]);
    expect(await gradientOf((t) => core.max(t, 0).values, [2, 5, 5])).toEqual([0, 1, 0]);
    expect(await gradientOf((t) => core.median(t), [2, 2, 5])).toEqual([0.5, 0.5, 0]);
    expect(await gradientOf((t) => core.norm(t, 0, { p: Number.POSITIVE_INFINITY }), [-3, 1, 3])).toEqual([
      -0.5, 0, 0.5,
    ]);
  });

  it('products do not divide', async () => {
    expect(await gradientOf((t) => core.prod(t), [0, 3, 4])).toEqual([12, 0, 0]);
    expect(await gradientOf((t) => core.prod(t), [0, 3, 0])).toEqual([0, 0, 0]);
    expect(await gradientOf((t) => core.cumprod(t, 0), [2, 0, 3])).toEqual([1, 8, 0]);
    for (const values of [
      [0, 2, 0, 3],
      [0, 0, 1, 2],
      [1, 2, 3, 4],
    ]) {
      await gradcheck((t) => core.cumprod(t, 0), [leaf(values)]);
      await gradgradcheck((t) => core.cumprod(t, 0), [leaf(values)]);
      await gradgradcheck((t) => core.prod(t), [leaf(values)]);
    }
  });

  it('norms and deviations have gradient 0 where they are 0', async () => {
    for (const p of [0.5, 1, 1.5, 2, 3, Number.POSITIVE_INFINITY]) {
      expect(await gradientOf((t) => core.norm(t, 0, { p }), [0, 0])).toEqual([0, 0]);
    }
    expect(await gradientOf((t) => core.std(t), [3, 3, 3])).toEqual([0, 0, 0]);
  });
});

describe('large values', () => {
  it('do not overflow', async () => {
    expect(await of(core.logsumexp(tensor([1000, 1000]), 0))).toBeCloseTo(1000 + Math.LN2, 3);
    expect(await of(core.logcumsumexp(tensor([-1000, -1000]), 0))).toEqual([
      -1000,
      expect.closeTo(-1000 + Math.LN2, 3),
    ]);
    expect(await of(core.softmax(tensor([1e30, 0]), 0))).toEqual([1, 0]);
    expect(await of(core.logSoftmax(tensor([-1e30, 0]), 0))).toEqual([expect.closeTo(-1e30, -28), 0]);
    expect(await of(core.variance(tensor([1e6 - 1, 1e6, 1e6 + 1])))).toBe(1);
  });
});

describe('sorting', () => {
  it('is stable both ways', async () => {
    const tied = tensor([2, 1, 2, 1], { dtype: 'int64' });
    expect(await of(core.argsort(tied))).toEqual([1, 3, 0, 2]);
    expect(await of(core.argsort(tied, 0, { descending: true }))).toEqual([0, 2, 1, 3]);
  });

  it('walks any dimension of any layout', async () => {
    expect(await of(core.sort(core.transpose(x, 0, 1), 0, { descending: true }).values)).toEqual([
      [3, 6],
      [2, 5],
      [1, 4],
    ]);
    expect(await of(core.kthvalue(x, 2, 0, { keepdim: true }).values)).toEqual([[4, 5, 6]]);
    expect(await of(core.msort(tensor([true, false])))).toEqual([false, true]);
  });
});
