import { cpu } from '@flambeau/backend-cpu';
import {
  AutogradError,
  arange,
  asStrided,
  cat,
  diagEmbed,
  flip,
  meshgrid,
  ones,
  pad,
  registerBackend,
  repeat,
  roll,
  split,
  stack,
  type Tensor,
  tensor,
  tril,
  unbind,
  zeros,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { values } from './tensors.ts';

registerBackend(cpu());

/** Expected numbers are PyTorch's, where it has a say. */
const counted = (n: number): Tensor => arange(n, { dtype: 'float32' });

describe('lists of views', () => {
  const makers: [name: string, make: (x: Tensor) => Tensor[]][] = [
    ['split', (x) => split(x, 1)],
    ['splitWithSizes', (x) => x.splitWithSizes([1, 1])],
    ['chunk', (x) => x.chunk(2)],
    ['tensorSplit', (x) => x.tensorSplit(2)],
    ['unbind', (x) => unbind(x)],
  ];

  it.each(makers)('of %s are closed to in-place operators while recording', (name, make) => {
    const x = ones([2, 2], { requiresGrad: true }).mul(2);
    const [first] = make(x);
    expect(() => first!.add_(1)).toThrow(AutogradError);
    expect(() => first!.add_(1)).toThrow(
      `add_: this is one of several views that ${name} made, and the others would not follow; change a clone() of it instead`,
    );
  });

  it.each(makers)('of %s share memory and may be changed where nothing is recorded', (_name, make) => {
    const x = zeros([2, 2]);
    make(x)[1]!.add_(1);
    expect(values(x)).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });
});

describe('cat and stack', () => {
  it('promote, and pass over blank tensors', () => {
    const y = cat([tensor([], { dtype: 'float64' }), tensor([1, 2], { dtype: 'int32' })]);
    expect(y.dtype).toBe('float64');
    expect(values(y)).toEqual([1, 2]);
    expect(cat([tensor([true]), tensor([2], { dtype: 'uint8' })]).dtype).toBe('uint8');
  });

  it('are copies', () => {
    const x = tensor([1, 2]);
    cat([x]).zero_();
    stack([x]).zero_();
    expect(values(x)).toEqual([1, 2]);
  });

  it('take many dimensions', () => {
    expect(stack([zeros([1, 1, 1, 1, 1, 1, 2]), ones([1, 1, 1, 1, 1, 1, 2])], -1).shape).toEqual([
      1, 1, 1, 1, 1, 1, 2, 2,
    ]);
  });
});

describe('operators that give copies', () => {
  const copies: [name: string, copy: (x: Tensor) => Tensor][] = [
    ['repeat by 1', (x) => x.repeat([1, 1])],
    ['tile by nothing', (x) => x.tile([])],
    ['flip of nothing', (x) => x.flip([])],
    ['roll by 0', (x) => x.roll(0)],
    ['rot90 by 0', (x) => x.rot90([0, 1], { k: 0 })],
    ['pad by nothing', (x) => x.pad([0, 0])],
    ['pad that takes away', (x) => x.pad([-1, 0])],
    ['diag of a matrix', (x) => x.diag()],
    ['tril', (x) => x.tril()],
    ['repeatInterleave by 1', (x) => x.repeatInterleave(1)],
  ];

  it.each(copies)('%s', (_name, copy) => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    copy(x).zero_();
    expect(values(x)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});

describe('repeat', () => {
  it('repeats size 1 without walking it in place of memory', () => {
    const y = repeat(tensor([[1, 2]]), [3, 1]);
    y.select(0, 0).zero_();
    expect(values(y)).toEqual([
      [0, 0],
      [1, 2],
      [1, 2],
    ]);
  });

  it('repeats more dimensions than a kernel takes at once', () => {
    const x = counted(64).reshape([2, 2, 2, 2, 2, 2]);
    const y = x.repeat([2, 2, 2, 2, 2, 2]);
    expect(y.shape).toEqual([4, 4, 4, 4, 4, 4]);
    expect(values(y.index(3, 0, 2, 1, 3, 2))).toEqual(values(x.index(1, 0, 0, 1, 1, 0).reshape([])));
    expect(y.sum().itemSync()).toBe(2016 * 64);
  });
});

describe('flip and roll', () => {
  it('work on tensors in any order of memory', () => {
    const x = counted(6).reshape([2, 3]).t();
    expect(values(flip(x, [0, 1]))).toEqual([
      [5, 2],
      [4, 1],
      [3, 0],
    ]);
    expect(values(roll(x, [1, 1], [0, 1]))).toEqual([
      [5, 2],
      [3, 0],
      [4, 1],
    ]);
    expect(values(roll(x, -7))).toEqual([
      [3, 1],
      [4, 2],
      [5, 0],
    ]);
  });
});

describe('tril and triu', () => {
  it('drop infinities and NaN', () => {
    const x = tensor([
      [Number.NaN, Number.POSITIVE_INFINITY],
      [1, Number.NaN],
    ]);
    expect(values(tril(x, { diagonal: -1 }))).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it('have in-place forms', () => {
    const x = ones([2, 2]);
    x.t().triu_({ diagonal: 1 });
    expect(values(x)).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });
});

describe('pad', () => {
  it('pads with infinities, and whole dimensions out of nothing', () => {
    expect(values(pad(tensor([1]), [1, 0], { value: Number.NEGATIVE_INFINITY }))).toEqual([
      Number.NEGATIVE_INFINITY,
      1,
    ]);
    expect(values(pad(zeros([1, 0]), [1, 1], { value: 3 }))).toEqual([[3, 3]]);
    expect(values(pad(tensor([1, 2], { dtype: 'int32' }), [1, 0], { value: 2.9 }))).toEqual([2, 1, 2]);
  });
});

describe('asStrided', () => {
  it('shares memory, and changes what it shows', () => {
    const x = counted(9).reshape([3, 3]);
    asStrided(x, [3], [4]).fill_(-1);
    expect(values(x)).toEqual([
      [-1, 1, 2],
      [3, -1, 5],
      [6, 7, -1],
    ]);
  });

  it('begins where the tensor does, or at a place of the storage', () => {
    const x = counted(9).reshape([3, 3]).select(0, 1);
    expect(values(asStrided(x, [2], [1]))).toEqual([3, 4]);
    expect(values(asStrided(x, [2], [1], 0))).toEqual([0, 1]);
  });

  it('adds up the gradient where elements are shown several times', () => {
    const x = counted(4).requiresGrad_();
    asStrided(x, [3, 2], [1, 1])
      .mul(
        tensor([
          [1, 2],
          [3, 4],
          [5, 6],
        ]),
      )
      .sum()
      .backward();
    expect(values(x.grad)).toEqual([1, 5, 9, 6]);
  });

  it('rebases its base when it is changed in place', () => {
    const x = counted(4).requiresGrad_();
    const y = x.mul(1);
    asStrided(y, [2], [3]).mul_(10);
    y.sum().backward();
    expect(values(x.grad)).toEqual([10, 1, 1, 10]);
  });
});

describe('view of another dtype', () => {
  it('shows the same bytes', () => {
    const x = tensor([1, -2]);
    expect(values(x.view('int32'))).toEqual([0x3f800000, 0xc0000000 | 0]);
    expect(x.view('uint8').shape).toEqual([8]);
    expect(values(x.view('uint8').view('float32'))).toEqual([1, -2]);
    x.view('int32').set_([0], 0x40400000);
    expect(values(x)).toEqual([3, -2]);
  });

  it('widens and narrows the last dimension', () => {
    const x = zeros([2, 4], { dtype: 'int16' });
    expect(x.view('int64').shape).toEqual([2, 1]);
    expect(x.view('int8').strides).toEqual([8, 1]);
    expect(x.narrow(0, 1, 1).view('int32').offset).toBe(2);
  });

  it('carries no gradient', () => {
    expect(ones([2], { requiresGrad: true }).view('int32').requiresGrad).toBe(false);
  });
});

describe('diagEmbed and meshgrid', () => {
  it('place dimensions as PyTorch does', () => {
    expect(diagEmbed(zeros([2, 3]), { offset: 1, dim1: 0, dim2: -1 }).shape).toEqual([4, 2, 4]);
    expect(
      meshgrid([zeros([2]), zeros([3]), zeros([4])], { indexing: 'xy' }).map((grid) => grid.shape),
    ).toEqual([
      [3, 2, 4],
      [3, 2, 4],
      [3, 2, 4],
    ]);
  });
});
