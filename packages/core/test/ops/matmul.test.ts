import { cpu } from '@flambeau/backend-cpu';
import {
  addbmm,
  addmm,
  addr,
  arange,
  baddbmm,
  bilinear,
  bmm,
  chainMatmul,
  dot,
  gradcheck,
  gradgradcheck,
  inner,
  kron,
  linear,
  matmul,
  matrixPower,
  mm,
  multiDot,
  mv,
  ones,
  outer,
  randn,
  registerBackend,
  type Tensor,
  tensor,
  tensordot,
  trace,
  zeros,
} from '@flambeau/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refuses, untyped } from './refusals.ts';
import { float64, values, watched } from './tensors.ts';

registerBackend(cpu());

function near(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.contiguous().dataSync(), expected.contiguous().dataSync()];
  for (let i = 0; i < a.length; i++) expect(Math.abs(Number(a[i]) - Number(b[i]))).toBeLessThan(1e-9);
}

describe('matmul', () => {
  const sizes = fc.integer({ min: 0, max: 4 });
  const batches = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom('both', 'left', 'right', 'neither')),
    { maxLength: 3 },
  );

  it('multiplies any batches that broadcast, transposed or not, as sums of products do', () => {
    fc.assert(
      fc.property(
        batches,
        sizes,
        sizes,
        sizes,
        fc.boolean(),
        fc.boolean(),
        (batch, m, k, n, turnLeft, turnRight) => {
          const side = (which: string): number[] =>
            batch.map(([size, on]) => (on === 'both' || on === which ? size : 1));
          const make = (lead: readonly number[], rows: number, columns: number, turned: boolean): Tensor =>
            turned
              ? randn([...lead, columns, rows], float64).transpose(-2, -1)
              : randn([...lead, rows, columns], float64);
          const a = make(side('left'), m, k, turnLeft);
          const b = make(side('right'), k, n, turnRight);
          near(matmul(a, b), a.unsqueeze(-1).mul(b.unsqueeze(-3)).sum(-2));
        },
      ),
      { numRuns: 150 },
    );
  });

  const ranks: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ['vector and vector', [3], [3]],
    ['vector and matrix', [3], [3, 2]],
    ['matrix and vector', [2, 3], [3]],
    ['vector and batch', [3], [2, 3, 2]],
    ['batch and vector', [2, 2, 3], [3]],
    ['batch and matrix', [2, 1, 2, 3], [3, 2]],
    ['matrix and batch', [2, 3], [2, 3, 2]],
    ['batches that broadcast', [2, 1, 2, 3], [3, 3, 1]],
    ['nothing between', [2, 0], [0, 2]],
  ];

  it.each(ranks)('has gradients, and gradients of gradients: %s', async (_name, a, b) => {
    const inputs = [watched(a), watched(b)];
    const fn = (...[x, y]: Tensor[]): Tensor => matmul(x!, y!);
    expect(matmul(inputs[0]!, inputs[1]!).requiresGrad).toBe(true);
    await gradcheck(fn, inputs);
    await gradgradcheck(fn, inputs);
  });

  it('gives zeros where nothing is summed, and nothing for nothing', () => {
    expect(values(matmul(ones([2, 0]), ones([0, 1])))).toEqual([[0], [0]]);
    expect(matmul(ones([0, 3]), ones([3, 2])).shape).toEqual([0, 2]);
    expect(values(matmul(ones([0]), ones([0])))).toBe(0);
  });

  it('spreads NaN to its row alone', () => {
    expect(
      values(
        matmul(
          tensor([
            [Number.NaN, 0],
            [1, 1],
          ]),
          ones([2, 1]),
        ),
      ),
    ).toEqual([[Number.NaN], [2]]);
  });

  it('is exact for int64, and for int32', () => {
    expect(values(matmul(tensor([[2n ** 40n]]), tensor([[3n]])))).toEqual([[3 * 2 ** 40]]);
    expect(matmul(arange(4).reshape([2, 2]), arange(2)).dtype).toBe('int32');
  });

  refuses([
    [
      () => matmul(ones([32, 784]), ones([512, 10])),
      'ShapeError',
      'matmul: inner sizes differ, 784 against 512; a is [32, 784], b is [512, 10]',
    ],
    [
      () => matmul(ones([]), ones([2])),
      'ShapeError',
      'matmul: a tensor without dimensions is no matrix (use mul); a is [], b is [2]',
    ],
    [
      () => matmul(ones([2, 2, 3]), ones([3, 3, 4])),
      'ShapeError',
      'matmul: shapes [2] and [3] do not broadcast: dim 0 has 2 against 3',
    ],
    [
      () => matmul(ones([2, 2]), ones([2, 2], float64)),
      'DTypeError',
      "matmul: dtypes differ, float32 against float64; convert one: to({ dtype: 'float32' })",
    ],
    [
      () => matmul(ones([2, 2]).gt(0), ones([2, 2]).gt(0)),
      'DTypeError',
      "matmul: bool has no products of matrices; convert first: to({ dtype: 'float32' })",
    ],
    [
      () => matmul(ones([2, 2]), untyped([1, 2])),
      'ArgumentError',
      'matmul: operand 1 must be a tensor, got [1, 2]; make a tensor of it: tensor([…])',
    ],
    [() => mm(ones([2]), ones([2, 2])), 'ShapeError', 'mm: a must be a matrix (2 dimensions), got [2]'],
    [
      () => mm(ones([2, 3]), ones([2, 3])),
      'ShapeError',
      'mm: inner sizes differ, 3 against 2; a is [2, 3], b is [2, 3]',
    ],
    [
      () => bmm(ones([2, 3, 1]), ones([3, 1, 3])),
      'ShapeError',
      'bmm: batch sizes differ, 2 against 3; a is [2, 3, 1], b is [3, 1, 3]',
    ],
    [
      () => mv(ones([2, 3]), ones([2])),
      'ShapeError',
      'mv: inner sizes differ, 3 against 2; a is [2, 3], b is [2]',
    ],
    [
      () => dot(ones([2]), ones([3])),
      'ShapeError',
      'dot: inner sizes differ, 2 against 3; a is [2], b is [3]',
    ],
    [
      () => inner(ones([2, 3]), ones([2])),
      'ShapeError',
      'inner: last sizes differ, 3 against 2; a is [2, 3], b is [2]',
    ],
    [
      () => outer(ones([2, 3]), ones([2])),
      'ShapeError',
      'outer: a must be a vector (1 dimensions), got [2, 3]',
    ],
  ]);
});

describe('products that are added', () => {
  it('pass over what is multiplied by a beta of 0, NaN or not', () => {
    const x = tensor([[Number.NaN, Number.POSITIVE_INFINITY]], { requiresGrad: true });
    const y = addmm(x, ones([1, 2]), ones([2, 2]), { beta: 0 });
    expect(values(y)).toEqual([[2, 2]]);
    y.sum().backward();
    expect(values(x.grad!)).toEqual([[0, 0]]);
  });

  it('cut fractions of beta and alpha off for integers, as PyTorch does', () => {
    const x = tensor([[10n]]);
    const stack = tensor([[[7n]]]);
    expect(values(addbmm(x, stack, stack, { beta: 0.6, alpha: 1.9 }))).toEqual([[49]]);
    expect(values(baddbmm(x, stack, stack, { beta: 1.6, alpha: 2.2 }))).toEqual([[[108]]]);
  });

  it('write over their first operand in place', () => {
    const x = ones([2, 2]);
    expect(x.addmm_(ones([2, 1]), ones([1, 2]), { alpha: 3 })).toBe(x);
    expect(values(x)).toEqual([
      [4, 4],
      [4, 4],
    ]);
  });

  refuses([
    [
      () => addmm(ones([3]), ones([2, 2]), ones([2, 2])),
      'ShapeError',
      "addmm: the input [3] does not expand to the product's shape [2, 2]",
    ],
    [
      () => addmm(ones([2, 2]), ones([2, 2]), ones([2, 2]), untyped({ gamma: 1 })),
      'ArgumentError',
      'addmm: unknown option gamma; known options: beta, alpha',
    ],
    [
      () => addr(tensor([[1n]]), tensor([1n]), tensor([1n]), { beta: 0.5 }),
      'ArgumentError',
      'addr: beta and alpha must be integers for int64, got 0.5',
    ],
  ]);
});

describe('linear', () => {
  const shapes: readonly (readonly [
    string,
    readonly number[],
    readonly number[],
    readonly number[] | null,
  ])[] = [
    ['a vector', [3], [2, 3], [2]],
    ['rows', [4, 3], [2, 3], [2]],
    ['any leading dimensions', [2, 1, 2, 3], [2, 3], null],
    ['a weight of one dimension', [2, 3], [3], []],
    ['a bias that repeats', [2, 3], [2, 3], [1]],
    ['an empty batch', [0, 3], [2, 3], [2]],
  ];

  it.each(shapes)('has gradients, and gradients of gradients: %s', async (_name, x, weight, bias) => {
    const inputs = [watched(x), watched(weight), ...(bias === null ? [] : [watched(bias)])];
    const fn = (...[a, w, b]: Tensor[]): Tensor => linear(a!, w!, b);
    near(
      fn(...inputs),
      matmul(inputs[0]!, weight.length === 1 ? inputs[1]! : inputs[1]!.transpose(0, 1)).add(
        inputs[2] ?? zeros([], float64),
      ),
    );
    await gradcheck(fn, inputs);
    await gradgradcheck(fn, inputs);
  });

  it('reads transposed inputs where they lie', async () => {
    const [x, weight] = [watched([3, 4]), watched([4, 2])];
    await gradcheck((a, w) => linear(a.t(), w.t()), [x, watched([3, 2])]);
    near(linear(x, weight.t()), matmul(x, weight));
  });

  it('may be changed in place, as any result', () => {
    const weight = ones([1, 2], { requiresGrad: true });
    linear(ones([3, 2]), weight, ones([1]))
      .relu_()
      .sum()
      .backward();
    expect(values(weight.grad!)).toEqual([[3, 3]]);
  });

  refuses([
    [
      () => linear(ones([2, 3]), ones([4, 2])),
      'ShapeError',
      'linear: the last size of x must be that of weight [out, in]; x is [2, 3], weight is [4, 2]',
    ],
    [
      () => linear(ones([2, 3]), ones([4, 3]), ones([3])),
      'ShapeError',
      'linear: the bias must be [4] for weight [4, 3], got [3]',
    ],
    [
      () => linear(ones([2, 3]), ones([4, 3], float64)),
      'DTypeError',
      "linear: dtypes differ, float32 against float64; convert one: to({ dtype: 'float32' })",
    ],
    [
      () => bilinear(ones([2, 3]), ones([2, 2]), ones([4, 2, 3])),
      'ShapeError',
      'bilinear: x1 must be [..., 2] and x2 [..., 3] with equal leading sizes for weight [4, 2, 3]; x1 is [2, 3], x2 is [2, 2]',
    ],
  ]);
});

describe('other products', () => {
  it('tensordot meets dims in the order given', async () => {
    const [a, b] = [watched([2, 3, 4]), watched([4, 2, 2])];
    const meet = (x: Tensor, y: Tensor): Tensor =>
      tensordot(x, y, {
        dims: [
          [0, 2],
          [1, 0],
        ],
      });
    near(
      meet(a, b),
      a
        .permute([1, 0, 2])
        .reshape([3, 8])
        .matmul(b.permute([1, 0, 2]).reshape([8, 2])),
    );
    near(tensordot(a, b, { dims: 0 }).sum(), a.sum().mul(b.sum()));
    await gradcheck(meet, [a, b]);
  });

  it('kron, trace and powers', () => {
    expect(values(kron(tensor([[1, 2]]), tensor([1, 10])))).toEqual([[1, 10, 2, 20]]);
    expect(values(trace(arange(6).reshape([2, 3])))).toBe(4);
    expect(
      values(
        matrixPower(
          tensor([
            [1, 1],
            [0, 1],
          ]),
          5,
        ),
      ),
    ).toEqual([
      [1, 5],
      [0, 1],
    ]);
    expect(values(matrixPower(tensor([[Number.POSITIVE_INFINITY]]), 0))).toEqual([[1]]);
  });

  it('multiDot takes vectors at the ends, and any order gives one result', () => {
    const [a, b, c, d] = [[5], [5, 2], [2, 6], [6]].map((shape) => randn(shape, float64)) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    near(multiDot([a, b, c, d]), a.matmul(b).matmul(c).matmul(d));
    near(chainMatmul([b]), b);
  });

  refuses([
    [
      () => tensordot(ones([2, 3]), ones([2, 3]), { dims: 1 }),
      'ShapeError',
      'tensordot: dim 1 of [2, 3] and dim 0 of [2, 3] differ, 3 against 2',
    ],
    [
      () => tensordot(ones([2]), ones([2])),
      'ShapeError',
      'tensordot: dims 2 is out of range; a is [2], b is [2]',
    ],
    [() => trace(ones([2])), 'ShapeError', 'trace: x must be a matrix (2 dimensions), got [2]'],
    [
      () => multiDot([ones([2, 2])]),
      'ArgumentError',
      'multiDot: takes an array of at least 2 tensors, got 1',
    ],
    [
      () => multiDot([ones([2, 2]), ones([2]), ones([2, 2])]),
      'ShapeError',
      'multiDot: operand 1 must be a matrix, got [2]',
    ],
    [() => matrixPower(ones([2, 3]), 2), 'ShapeError', 'matrixPower: needs square matrices, got [2, 3]'],
    [
      () => matrixPower(ones([2, 2]), 0.5),
      'ArgumentError',
      'matrixPower: n must be an integer of 0 or more, got 0.5',
    ],
  ]);
});
