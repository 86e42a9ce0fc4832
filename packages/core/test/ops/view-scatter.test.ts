import { cpu } from '@flambeau/backend-cpu';
import {
  asStridedScatter,
  blockDiag,
  cartesianProd,
  combinations,
  diagonalScatter,
  gradcheck,
  gradgradcheck,
  isin,
  randn,
  registerBackend,
  selectScatter,
  sliceScatter,
  type Tensor,
  tensor,
  unravelIndex,
  zeros,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { refuses, untyped } from './refusals.ts';
import { values } from './tensors.ts';

registerBackend(cpu());

const leaf = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });

describe('copies with a part replaced', () => {
  const cases: [name: string, replace: (x: Tensor, src: Tensor) => Tensor, src: number[]][] = [
    ['selectScatter', (x, src) => selectScatter(x, src, 1, -1), [2]],
    ['sliceScatter', (x, src) => sliceScatter(x, src, 1, { start: 0, end: 3, step: 2 }), [2, 2]],
    ['diagonalScatter', (x, src) => diagonalScatter(x, src, { offset: 1 }), [2]],
    ['asStridedScatter', (x, src) => asStridedScatter(x, src, [2, 2], [1, 3]), [2, 2]],
    ['asStridedScatter of a transpose', (x, src) => asStridedScatter(x.t(), src, [2], [3], 1), [2]],
  ];

  it.each(cases)('%s has the gradients of its parts', async (_name, replace, src) => {
    await gradcheck(replace, [leaf(2, 3), leaf(...src)]);
    await gradgradcheck(replace, [leaf(2, 3), leaf(...src)]);
  });

  it.each(cases)('%s leaves the tensor as it is', (_name, replace, src) => {
    const x = zeros([2, 3]);
    const y = replace(x, tensor(1).expand(src));
    expect(values(x)).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(y.sum().itemSync()).toBe(src.reduce((a, b) => a * b, 1));
  });
});

describe('combinations and products', () => {
  it('are counted out in order', () => {
    expect(values(cartesianProd([tensor([1, 2]), tensor([3, 4])]))).toEqual([
      [1, 3],
      [1, 4],
      [2, 3],
      [2, 4],
    ]);
    expect(values(combinations(tensor([1, 2]), { withReplacement: true }))).toEqual([
      [1, 1],
      [1, 2],
      [2, 2],
    ]);
    expect(combinations(tensor([1, 2]), { r: 3 }).shape).toEqual([0, 3]);
    expect(combinations(tensor([1, 2]), { r: 0 }).shape).toEqual([0]);
    expect(values(blockDiag([tensor([[1], [2]]), tensor([3, 4])]))).toEqual([
      [1, 0, 0],
      [2, 0, 0],
      [0, 3, 4],
    ]);
  });
});

describe('isin', () => {
  it('compares in the dtype to which both promote', () => {
    const x = tensor([1, 2, 3], { dtype: 'int32' });
    expect(values(isin(x, tensor([2.5, 3])))).toEqual([false, false, true]);
    expect(values(isin(x, 2, { invert: true }))).toEqual([true, false, true]);
    expect(values(isin(3, x))).toBe(true);
    expect(values(isin(tensor([Number.NaN, 1]), tensor([Number.NaN, 1])))).toEqual([false, true]);
    expect(values(isin(tensor([true, false]), tensor([true])))).toEqual([true, false]);
    expect(values(isin(x, tensor([])))).toEqual([false, false, false]);
  });
});

describe('errors', () => {
  refuses([
    [
      () => selectScatter(zeros([2, 3]), zeros([2]), 0, 0),
      'ShapeError',
      'selectScatter: src has shape [2], the part it replaces [3]',
    ],
    [
      () => sliceScatter(zeros([2]), zeros([2]), 0, untyped({ stop: 1 })),
      'ArgumentError',
      'sliceScatter: unknown option stop; did you mean step?',
    ],
    [
      () => asStridedScatter(zeros([2]), zeros([3]), [3], [1]),
      'ShapeError',
      'asStridedScatter: size [3] with stride [1] from 0 reaches element 2; the storage has 2',
    ],
    [
      () => cartesianProd([zeros([1, 1])]),
      'ShapeError',
      'cartesianProd: the tensor must have one dimension, got [1, 1]',
    ],
    [() => combinations(zeros([2]), { r: -1 }), 'ArgumentError', 'combinations: r must be 0 or more, got -1'],
    [
      () => blockDiag([zeros([1, 1, 1])]),
      'ShapeError',
      'blockDiag: tensor 0 must have two dimensions at most, got [1, 1, 1]',
    ],
    [() => isin(1, 2), 'ArgumentError', 'isin: one side must be a tensor, got 1 and 2'],
    [
      () => unravelIndex(tensor([1]), [2]),
      'DTypeError',
      "unravelIndex: indices must be int32 or int64, got float32; convert it: to({ dtype: 'int32' })",
    ],
  ]);
});
