import { cpu } from '@flambeau/backend-cpu';
import {
  arange,
  argwhere,
  bucketize,
  ELLIPSIS,
  embedding,
  gather,
  grad,
  indexPut,
  maskedSelect,
  narrow,
  noGrad,
  nonzero,
  nonzeroStatic,
  nonzeroSync,
  oneHot,
  registerBackend,
  repeatInterleave,
  scatter,
  scatterAdd,
  scatterReduce,
  searchsorted,
  slice,
  type Tensor,
  tensor,
  tensorSplit,
  zeros,
} from '@flambeau/core';
import { BACKEND_DTYPES } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { values } from './tensors.ts';
import { waitingDevice } from './waiting-device.ts';

registerBackend(cpu());
const device = waitingDevice();

/** Expected numbers are PyTorch's, where it has a say. */
const int = (data: number | number[] | number[][]): Tensor => tensor(data, { dtype: 'int32' });
const cube = (): Tensor => arange(24, { dtype: 'float32' }).reshape([2, 3, 4]);

describe('index', () => {
  it('puts the dimensions of index arrays where they stood together, else in front', () => {
    const x = zeros([2, 3, 4, 5]);
    const shape = (...items: Parameters<Tensor['index']>): readonly number[] => x.index(...items).shape;
    const pair = [[0], [1], [0]];
    expect(shape(slice(), pair, [0, 1])).toEqual([2, 3, 2, 5]);
    expect(shape(slice(), pair, slice(), [0, 1])).toEqual([3, 2, 2, 4]);
    expect(shape(ELLIPSIS, pair)).toEqual([2, 3, 4, 3, 1]);
    expect(shape(pair, null, [0, 1])).toEqual([3, 2, 1, 4, 5]);
    expect(shape([0, 1], 1, [0, 1])).toEqual([2, 5]);
    expect(shape([0, 1], int(1), [0, 1])).toEqual([2, 5]);
    expect(shape(int(1), slice(), [0, 1])).toEqual([3, 2, 5]);
    expect(shape(true, [0, 1])).toEqual([2, 3, 4, 5]);
    expect(shape(false)).toEqual([0, 2, 3, 4, 5]);
  });

  it('takes nested arrays of booleans as masks', () => {
    expect(
      values(
        tensor([
          [1, 2],
          [3, 4],
        ]).index([
          [true, false],
          [true, true],
        ]),
      ),
    ).toEqual([1, 3, 4]);
    expect(values(tensor([1, 2, 3]).index([true, false, true]))).toEqual([1, 3]);
    expect(values(tensor([1, 2, 3]).index(tensor([1, 0, 1], { dtype: 'uint8' })))).toEqual([1, 3]);
  });

  it('reads no values for a tensor of one integer', () => {
    const x = cube().to(device);
    expect(x.index(int(1).to(device), slice(), int(-1).to(device)).shape).toEqual([3]);
  });

  it('refuses positions that are out of range in one dimension though not in all together', () => {
    expect(() => zeros([2, 3]).index([0, 1], int([0, 3]))).toThrow('out of range');
  });
});

describe('set_', () => {
  it('writes through a mask without reading it', async () => {
    const x = cube().to(device);
    const mask = cube().to(device).ge(20);
    x.set_([mask], tensor([1, 2, 3, 4]).to(device));
    x.set_([0, slice(), mask.index(1, 2)], -1);
    expect([...(await x.data())]).toEqual([
      ...new Array<number>(12).fill(-1),
      12,
      13,
      14,
      15,
      16,
      17,
      18,
      19,
      1,
      2,
      3,
      4,
    ]);
  });

  it('reaches the base through a view, in the graph too', () => {
    const x = cube().requiresGrad_();
    const value = tensor([10, 20, 30, 40], { requiresGrad: true });
    const base = x.mul(2);
    base.index(1).set_([slice(0, 2)], value);
    base.mul(base).sum().backward();
    expect(values(value.grad)).toEqual([40, 80, 120, 160]);
    expect(values(x.grad!.index(1))).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [160, 168, 176, 184],
    ]);
    expect(values(x.grad!.index(0, 0))).toEqual([0, 8, 16, 24]);
  });

  it('reads what it overwrites first', () => {
    const x = arange(5, { dtype: 'float32' });
    x.set_([slice(1)], x.index(slice(0, -1)));
    expect(values(x)).toEqual([0, 0, 1, 2, 3]);
    x.set_([[4, 3, 2, 1, 0]], x);
    expect(values(x)).toEqual([3, 2, 1, 0, 0]);
  });

  it('converts to the dtype of the tensor', () => {
    const x = int([1, 2, 3]);
    x.set_([0], 2.7).set_([[1]], tensor([3.9]));
    expect(values(x)).toEqual([2, 3, 3]);
    expect(values(tensor([true, false]).set_([1], 5))).toEqual([true, true]);
    expect(
      tensor([1n, 2n])
        .set_([slice(1)], 2n ** 60n)
        .dataSync(),
    ).toEqual(BigInt64Array.of(1n, 2n ** 60n));
  });

  it('changes a leaf inside noGrad', () => {
    const x = zeros([3], { requiresGrad: true });
    noGrad(() => void x.set_([1], 5));
    expect(values(x)).toEqual([0, 5, 0]);
  });
});

describe('indexPut', () => {
  it('adds up where positions repeat', () => {
    const x = zeros([3]);
    expect(values(indexPut(x, [int([1, 1, 0])], tensor([1, 2, 4]), { accumulate: true }))).toEqual([4, 3, 0]);
    expect(values(x.indexPut_([int([2])], tensor(7)))).toEqual([0, 0, 7]);
    expect(values(x)).toEqual([0, 0, 7]);
  });
});

describe('operators whose values decide a shape', () => {
  const mask = (): Tensor =>
    tensor([
      [true, false],
      [true, true],
    ]);

  it('wait where the device must be waited for', async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).to(device);
    expect(await (await maskedSelect(x, mask().to(device))).data()).toEqual(Float32Array.of(1, 3, 4));
    expect(await (await nonzero(mask().to(device))).data()).toEqual(Int32Array.of(0, 0, 1, 0, 1, 1));
    expect((await nonzero(mask().to(device), { asTuple: true })).map((index) => index.shape)).toEqual([
      [3],
      [3],
    ]);
  });

  it('take the values that were there at the call', async () => {
    const x = tensor([1, 2, 3]);
    const truths = tensor([true, false, true]);
    const promise = x.maskedSelect(truths);
    x.zero_();
    truths.fill_(true);
    expect(values(await promise)).toEqual([1, 3]);
  });

  it('name the way to wait', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).to(device);
    const truths = mask().to(device);
    expect(() => x.index(truths)).toThrow(
      'index: how many elements a mask takes cannot be read on waiting without waiting; write await x.maskedSelect(mask)',
    );
    expect(() => x.maskedSelectSync(truths)).toThrow('write await maskedSelect(…)');
    expect(() => nonzeroSync(x)).toThrow('write await nonzero(…)');
    expect(() => oneHot(int([1]).to(device))).toThrow(
      'oneHot: the largest class cannot be read on waiting without waiting; give { numClasses: n }',
    );
    expect(() => repeatInterleave(x, int([1, 2]).to(device), 0)).toThrow(
      'repeatInterleave: the sum of repeats cannot be read on waiting without waiting; give it: { outputSize: n }',
    );
    expect(() => tensorSplit(x, int([1]).to(device))).toThrow(
      'tensorSplit: the values of sections cannot be read on waiting without waiting; give a number or an array',
    );
    expect(() => narrow(x, 0, int(1).to(device), 1)).toThrow(
      'narrow: the value of start cannot be read on waiting without waiting; give a number: Number(await start.item())',
    );
  });

  it('read nothing where the size is given', async () => {
    const rows = repeatInterleave(tensor([[1], [2], [3]]).to(device), int([2, 0, 1]).to(device), 0, {
      outputSize: 3,
    });
    expect(await rows.data()).toEqual(Float32Array.of(1, 1, 3));
    expect(await oneHot(int([2, 0]).to(device), { numClasses: 3 }).data()).toEqual(
      Int32Array.of(0, 0, 1, 1, 0, 0),
    );
    expect(await nonzeroStatic(tensor([0, 3, 4]).to(device), { size: 3, fillValue: -7 }).data()).toEqual(
      Int32Array.of(1, 2, -7),
    );
  });

  it('count nothing in empty tensors', async () => {
    expect((await nonzero(zeros([0, 3]))).shape).toEqual([0, 2]);
    expect((await argwhere(tensor(3))).shape).toEqual([1, 0]);
    expect((await maskedSelect(zeros([0]), tensor([], { dtype: 'bool' }))).shape).toEqual([0]);
    expect((await nonzero(tensor(3), { asTuple: true })).map((index) => index.shape)).toEqual([[1]]);
  });

  it('keep recording as it was at the call', async () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    const y = await x.maskedSelect(tensor([true, false, true]));
    y.mul(y).sum().backward();
    expect(values(x.grad)).toEqual([2, 0, 6]);
  });
});

describe('gather and scatter', () => {
  it.each(BACKEND_DTYPES)('move %s', (dtype) => {
    const x = tensor([0, 1, 1, 0]).to({ dtype });
    const index = tensor([3, 1], { dtype: 'int64' });
    const taken = gather(x, 0, index);
    expect(taken.dtype).toBe(dtype);
    expect(values(taken.to({ dtype: 'int32' }))).toEqual([0, 1]);
    expect(values(scatter(x, 0, index, gather(x, 0, int([2, 0]))).to({ dtype: 'int32' }))).toEqual([
      0, 0, 1, 1,
    ]);
  });

  it('spread NaN and infinities', () => {
    const src = tensor([Number.NaN, 1, Number.POSITIVE_INFINITY, 2]);
    expect(values(scatterReduce(zeros([2]), 0, int([0, 0, 1, 1]), src, 'amax'))).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]);
    expect(
      values(scatterReduce(zeros([2]), 0, int([0, 0, 1, 1]), src, 'amin', { includeSelf: false })),
    ).toEqual([Number.NaN, 2]);
    expect(values(scatterAdd(zeros([2]), 0, int([0, 0, 1, 1]), src))).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('round means of integers down', () => {
    expect(values(scatterReduce(int([-3, 4]), 0, int([0, 1, 1]), int([-4, 4, 5]), 'mean'))).toEqual([-4, 4]);
  });

  it('leave out what is not included, whatever it is', () => {
    const index = int([0, 0, 2]);
    const src = int([-5, -7, -9]);
    expect(values(scatterReduce(int([1, 2, 3]), 0, index, src, 'amax', { includeSelf: false }))).toEqual([
      -5, 2, -9,
    ]);
    expect(values(scatterReduce(int([-99, 2, 3]), 0, index, src, 'amin', { includeSelf: false }))).toEqual([
      -7, 2, -9,
    ]);
    expect(values(scatterReduce(int([9, 2, 3]), 0, index, src, 'prod', { includeSelf: false }))).toEqual([
      35, 2, -9,
    ]);
  });

  it('share the gradient of ties', () => {
    const x = tensor([2, 1], { requiresGrad: true });
    const src = tensor([2, 2, 0, 5], { requiresGrad: true });
    const y = scatterReduce(x, 0, int([0, 0, 1, 1]), src, 'amax');
    const [dx, dsrc] = grad(y.sum(), [x, src]);
    expect(values(dx!)).toEqual([expect.closeTo(1 / 3), 0]);
    expect(values(dsrc!)).toEqual([expect.closeTo(1 / 3), expect.closeTo(1 / 3), 0, 1]);
  });

  it('have in-place forms that reach views', () => {
    const x = zeros([2, 3]);
    x.select(0, 1)
      .scatter_(0, int([2]), 5)
      .scatterAdd_(0, int([0, 0]), tensor([1, 2]));
    expect(values(x)).toEqual([
      [0, 0, 0],
      [3, 0, 5],
    ]);
    x.indexFill_(1, int([1]), -1).indexAdd_(0, int([0]), tensor([[1, 1, 1]]), { alpha: 2 });
    expect(values(x)).toEqual([
      [2, 1, 2],
      [3, -1, 5],
    ]);
    expect(values(x.put_(int([0]), tensor([9])).maskedScatter_(x.lt(0), tensor([8])))).toEqual([
      [9, 1, 2],
      [3, 8, 5],
    ]);
  });
});

describe('embedding', () => {
  it('shrinks the rows it uses to maxNorm, in the weight itself', () => {
    const weight = tensor(
      [
        [3, 4],
        [6, 8],
        [0.3, 0.4],
      ],
      { requiresGrad: true },
    );
    const rows = embedding(int([0, 2, 0]), weight, { maxNorm: 1 });
    expect(values(weight)).toEqual([
      [expect.closeTo(0.6, 5), expect.closeTo(0.8, 5)],
      [6, 8],
      [expect.closeTo(0.3), expect.closeTo(0.4)],
    ]);
    rows.sum().backward();
    expect(values(weight.grad)).toEqual([
      [2, 2],
      [0, 0],
      [1, 1],
    ]);
  });

  it('gives padding no gradient, and shares by frequency', () => {
    const weight = zeros([3, 1], { requiresGrad: true });
    embedding(int([0, 1, 1, 2]), weight, { paddingIdx: -1, scaleGradByFreq: true })
      .sum()
      .backward();
    expect(values(weight.grad)).toEqual([[1], [1], [0]]);
  });
});

describe('searchsorted', () => {
  it('finds places among equals, infinities and NaN', () => {
    const sequence = tensor([1, 2, 2, Number.POSITIVE_INFINITY]);
    const wanted = tensor([Number.NEGATIVE_INFINITY, 2, Number.POSITIVE_INFINITY, Number.NaN]);
    expect(values(searchsorted(sequence, wanted))).toEqual([0, 1, 3, 4]);
    expect(values(searchsorted(sequence, wanted, { right: true }))).toEqual([0, 3, 4, 4]);
    const long = tensor([1n, 5n, 9n]);
    expect(values(searchsorted(long, tensor([5n, 2n]), { right: true }))).toEqual([2, 1]);
    const withNaN = tensor([1, Number.NaN]);
    expect(values(searchsorted(withNaN, tensor([1, 3, Number.NaN])))).toEqual([0, 1, 1]);
    expect(values(searchsorted(withNaN, tensor([1, 3, Number.NaN]), { right: true }))).toEqual([1, 1, 2]);
    expect(values(bucketize(2, sequence))).toBe(1);
    expect(values(searchsorted(int([]), 5))).toBe(0);
  });
});
