import { cpu } from '@flambeau/backend-cpu';
import {
  type ConvOptions,
  col2im,
  conv1d,
  conv2d,
  conv3d,
  convolution,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  gradcheck,
  gradgradcheck,
  im2col,
  ones,
  randn,
  registerBackend,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refuses, untyped } from './refusals.ts';
import { float64, watched } from './tensors.ts';

registerBackend(cpu());

interface Geometry {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

interface Plain {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

const plain = (x: Tensor): Plain => ({ shape: x.shape, data: x.contiguous().dataSync() as Float64Array });

function* places(shape: readonly number[]): Generator<readonly number[]> {
  const count = shape.reduce((n, size) => n * size, 1);
  for (let flat = 0; flat < count; flat++) {
    let rest = flat;
    const at = shape.map(() => 0);
    for (let i = shape.length - 1; i >= 0; i--) {
      at[i] = rest % shape[i]!;
      rest = Math.floor(rest / shape[i]!);
    }
    yield at;
  }
}

const flatten = (at: readonly number[], shape: readonly number[]): number =>
  at.reduce((flat, i, dim) => flat * shape[dim]! + i, 0);

/** Calls `visit` for every product of a convolution: element of the output, of the input and of the weight. */
function products(
  x: readonly number[],
  weight: readonly number[],
  output: readonly number[],
  g: Geometry,
  visit: (y: number, x: number, w: number) => void,
): void {
  const outPerGroup = weight[0]! / g.groups;
  for (const y of places(output)) {
    for (const w of places(weight.slice(1))) {
      const [c, ...k] = w as [number, ...number[]];
      const channel = Math.floor(y[1]! / outPerGroup) * weight[1]! + c;
      const position = k.map((tap, i) => y[i + 2]! * g.stride[i]! - g.padding[i]! + tap * g.dilation[i]!);
      if (position.some((p, i) => p < 0 || p >= x[i + 2]!)) continue;
      visit(flatten(y, output), flatten([y[0]!, channel, ...position], x), flatten([y[1]!, ...w], weight));
    }
  }
}

function naive(x: Plain, weight: Plain, output: readonly number[], g: Geometry): number[] {
  const y = new Array<number>(output.reduce((n, size) => n * size, 1)).fill(0);
  products(x.shape, weight.shape, output, g, (o, i, w) => {
    y[o]! += x.data[i]! * weight.data[w]!;
  });
  return y;
}

/** The transposed convolution: what `products` reads as output is given. */
function naiveTransposed(x: Plain, weight: Plain, output: readonly number[], g: Geometry): number[] {
  const y = new Array<number>(output.reduce((n, size) => n * size, 1)).fill(0);
  products(output, weight.shape, x.shape, g, (o, i, w) => {
    y[i]! += x.data[o]! * weight.data[w]!;
  });
  return y;
}

function near(actual: Tensor, expected: readonly number[]): void {
  const data = actual.contiguous().dataSync();
  expect(data.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(Number(data[i]) - value)).toBeLessThan(1e-9);
}

const along = (rank: number, least: number, most: number) =>
  fc.array(fc.integer({ min: least, max: most }), { minLength: rank, maxLength: rank });

const cases = fc.integer({ min: 1, max: 3 }).chain((rank) =>
  fc.record({
    rank: fc.constant(rank),
    batch: fc.integer({ min: 0, max: 2 }),
    groups: fc.integer({ min: 1, max: 2 }),
    inPerGroup: fc.integer({ min: 1, max: 2 }),
    outPerGroup: fc.integer({ min: 1, max: 2 }),
    size: along(rank, 1, rank === 3 ? 4 : 7),
    kernel: along(rank, 1, 3),
    stride: along(rank, 1, 3),
    padding: along(rank, 0, 3),
    dilation: along(rank, 1, 3),
  }),
);

describe('convolution', () => {
  it('is the sum of products, for any geometry', () => {
    fc.assert(
      fc.property(
        cases,
        ({ rank, batch, groups, inPerGroup, outPerGroup, size, kernel, stride, padding, dilation }) => {
          const output = size.map(
            (n, i) =>
              Math.floor((n + 2 * padding[i]! - dilation[i]! * (kernel[i]! - 1) - 1) / stride[i]!) + 1,
          );
          fc.pre(output.every((n) => n > 0));
          const g = { stride, padding, dilation, groups };
          const x = randn([batch, groups * inPerGroup, ...size], float64);
          const weight = randn([groups * outPerGroup, inPerGroup, ...kernel], float64);
          const y = [conv1d, conv2d, conv3d][rank - 1]!(x, weight, null, g);
          expect(y.shape).toEqual([batch, groups * outPerGroup, ...output]);
          near(y, naive(plain(x), plain(weight), y.shape, g));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('transposed spreads every element, for any geometry', () => {
    fc.assert(
      fc.property(
        cases,
        fc.integer({ min: 0, max: 2 }),
        (
          { rank, batch, groups, inPerGroup, outPerGroup, size, kernel, stride, padding, dilation },
          extra,
        ) => {
          const outputPadding = stride.map((s, i) => Math.min(extra, Math.max(s, dilation[i]!) - 1));
          const output = size.map(
            (n, i) =>
              (n - 1) * stride[i]! -
              2 * padding[i]! +
              dilation[i]! * (kernel[i]! - 1) +
              1 +
              outputPadding[i]!,
          );
          fc.pre(output.every((n) => n > 0));
          const g = { stride, padding, dilation, groups };
          const x = randn([batch, groups * outPerGroup, ...size], float64);
          const weight = randn([groups * outPerGroup, inPerGroup, ...kernel], float64);
          const y = [convTranspose1d, convTranspose2d, convTranspose3d][rank - 1]!(x, weight, null, {
            ...g,
            outputPadding,
          });
          expect(y.shape).toEqual([batch, groups * inPerGroup, ...output]);
          near(y, naiveTransposed(plain(x), plain(weight), y.shape, g));
        },
      ),
      { numRuns: 60 },
    );
  });

  const geometries: readonly (readonly [string, readonly number[], readonly number[], ConvOptions])[] = [
    ['one dimension, stride past the kernel', [2, 2, 7], [2, 2, 2], { stride: 3, padding: 1 }],
    [
      'groups, dilation and stride',
      [1, 4, 5, 5],
      [2, 2, 2, 3],
      { groups: 2, stride: [2, 1], dilation: [1, 2], padding: [1, 2] },
    ],
    ['padding beyond the kernel', [1, 1, 3, 2], [2, 1, 2, 1], { padding: 2 }],
    ['each channel by itself', [2, 3, 4, 4], [3, 1, 3, 3], { groups: 3, padding: 1 }],
    ['single elements', [2, 2, 3, 3], [3, 2, 1, 1], {}],
    ['uneven same', [1, 1, 4, 3], [1, 1, 2, 4], { padding: 'same' }],
    ['three dimensions', [1, 1, 3, 2, 3], [1, 1, 2, 2, 2], { padding: [0, 1, 0], stride: [1, 1, 2] }],
  ];

  it.each(geometries)('has gradients, and gradients of gradients: %s', async (_name, x, weight, options) => {
    const conv = [conv1d, conv2d, conv3d][x.length - 3]!;
    const inputs = [watched(x), watched(weight), watched([weight[0]!])];
    const fn = (...[a, w, b]: Tensor[]): Tensor => conv(a!, w!, b!, options);
    await gradcheck(fn, inputs);
    await gradgradcheck(fn, inputs);
  });

  it('transposed has them too', async () => {
    const inputs = [watched([1, 4, 3, 2]), watched([4, 1, 3, 2]), watched([2])];
    const fn = (...[a, w, b]: Tensor[]): Tensor =>
      convTranspose2d(a!, w!, b!, {
        stride: [2, 3],
        padding: [1, 0],
        outputPadding: [1, 2],
        groups: 2,
        dilation: [2, 1],
      });
    await gradcheck(fn, inputs);
    await gradgradcheck(fn, inputs);
  });

  it('reads transposed and expanded inputs where they lie', () => {
    const x = randn([5, 6, 2], float64).permute([2, 0, 1]).unsqueeze(0).expand([3, -1, -1, -1]);
    const weight = randn([2, 2, 3, 2], float64).transpose(2, 3);
    const y = conv2d(x, weight);
    near(
      y,
      naive(plain(x), plain(weight), y.shape, {
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
      }),
    );
  });

  it('unfolds a large sample in rows', () => {
    // 16 channels of a 7 x 7 kernel unfold to 80 MB.
    const x = ones([1, 16, 166, 166]);
    const weight = ones([1, 16, 7, 7], { requiresGrad: true });
    const y = conv2d(x, weight);
    expect(y.amin().itemSync()).toBe(784);
    expect(y.amax().itemSync()).toBe(784);
    y.sum().backward();
    expect(weight.grad!.amax().itemSync()).toBe(25600);
    expect(weight.grad!.amin().itemSync()).toBe(25600);
  });

  it('gives results that may be changed in place', () => {
    const weight = ones([1, 1, 1, 1], { requiresGrad: true });
    const y = conv2d(tensor([[[[-1, 2]]]]), weight).relu_();
    y.sum().backward();
    expect(y.toArraySync()).toEqual([[[[0, 2]]]]);
    expect(weight.grad!.itemSync()).toBe(2);
  });

  it('works on integers', () => {
    const y = conv1d(tensor([[[1n, 2n, 3n]]]), tensor([[[1n, 1n]]]));
    expect(y.dtype).toBe('int64');
    expect(y.toArraySync()).toEqual([[[3, 5]]]);
  });

  it('finds the number of dimensions itself', () => {
    const x = randn([1, 2, 5, 4], float64);
    const weight = randn([2, 3, 2, 2], float64);
    const options = { stride: 2, padding: 1 };
    near(convolution(x, weight, null, { ...options, transposed: true }), [
      ...(convTranspose2d(x, weight, null, options).dataSync() as Float64Array),
    ]);
  });

  refuses([
    [
      () => conv2d(ones([1, 3, 4, 4]), ones([8, 4, 3, 3])),
      'ShapeError',
      'conv2d: x has 3 channels, but weight [8, 4, 3, 3] with groups 1 takes 4; x is [1, 3, 4, 4]',
    ],
    [
      () => conv2d(ones([4, 4]), ones([8, 4, 3, 3])),
      'ShapeError',
      'conv2d: x must be [batch, channels, height, width] or [channels, height, width], got [4, 4]',
    ],
    [
      () => conv2d(ones([1, 4, 4, 4]), ones([8, 4, 3])),
      'ShapeError',
      "conv2d: weight must have 4 dimensions, two of channels and the kernel's height, width; got [8, 4, 3]",
    ],
    [
      () => conv1d(ones([1, 1, 3]), ones([1, 1, 5])),
      'ShapeError',
      'conv1d: the kernel [5] with dilation [1] is larger than the padded input [3]',
    ],
    [
      () => conv1d(ones([1, 2, 3]), ones([3, 1, 1]), null, { groups: 2 }),
      'ShapeError',
      'conv1d: the 3 output channels of weight [3, 1, 1] do not divide into 2 groups',
    ],
    [
      () => conv1d(ones([1, 1, 3]), ones([2, 1, 1]), ones([3])),
      'ShapeError',
      'conv1d: bias must be [2], one for each output channel, got [3]',
    ],
    [
      () => conv1d(ones([1, 1, 3]), ones([2, 1, 1], float64)),
      'DTypeError',
      "conv1d: dtypes differ, float32 against float64; convert one: to({ dtype: 'float32' })",
    ],
    [
      () => conv2d(ones([1, 1, 3, 3]), ones([1, 1, 1, 1]), null, { stride: [1, 2, 3] }),
      'ArgumentError',
      'conv2d: stride must be an integer of 1 or more, or 2 of them, got [1, 2, 3]',
    ],
    [
      () => conv1d(ones([1, 1, 3]), ones([1, 1, 1]), null, { padding: 'same', stride: 2 }),
      'ArgumentError',
      "conv1d: padding 'same' needs stride 1, got [2]",
    ],
    [
      () => conv1d(ones([1, 1, 3]), ones([1, 1, 1]), null, untyped({ padding: 'full' })),
      'ArgumentError',
      "conv1d: padding must be sizes, 'same' or 'valid', got \"full\"",
    ],
    [
      () => conv1d(ones([1, 1, 3]), ones([1, 1, 1]), null, untyped({ strides: 2 })),
      'ArgumentError',
      'conv1d: unknown option strides; did you mean stride?',
    ],
    [
      () => conv1d(ones([1, 1, 3]), ones([1, 1, 1]), null, { groups: 0 }),
      'ArgumentError',
      'conv1d: groups must be an integer of 1 or more, got 0',
    ],
    [
      () => convTranspose1d(ones([1, 2, 3]), ones([3, 1, 2])),
      'ShapeError',
      'convTranspose1d: x has 2 channels, but weight [3, 1, 2] takes 3; x is [1, 2, 3]',
    ],
    [
      () => convTranspose1d(ones([1, 1, 3]), ones([1, 1, 2]), null, { outputPadding: 1 }),
      'ArgumentError',
      'convTranspose1d: outputPadding must be smaller than stride or dilation, got [1] for stride [1] and dilation [1]',
    ],
    [
      () => convTranspose1d(ones([1, 1, 1]), ones([1, 1, 1]), null, { padding: 1 }),
      'ShapeError',
      'convTranspose1d: the output would have size [-1]; x is [1, 1, 1], padding [1]',
    ],
  ]);
});

describe('im2col and col2im', () => {
  it('lay blocks side by side, and add them up again', () => {
    const x = tensor([
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ]);
    const columns = im2col(x, [1, 2]);
    expect(columns.toArraySync()).toEqual([
      [1, 2, 4, 5],
      [2, 3, 5, 6],
    ]);
    expect(col2im(columns, [2, 3], [1, 2]).toArraySync()).toEqual([
      [
        [1, 4, 3],
        [4, 10, 6],
      ],
    ]);
  });

  it('are transposes of one another, twice differentiable', async () => {
    const options = { padding: [1, 0], stride: [2, 1], dilation: [1, 2] };
    const x = watched([2, 2, 4, 5]);
    await gradcheck((a) => im2col(a, [2, 2], options), [x]);
    const columns = watched(im2col(x, [2, 2], options).shape);
    await gradcheck((a) => col2im(a, [4, 5], [2, 2], options), [columns]);
    await gradgradcheck((a) => col2im(a.mul(a), [4, 5], [2, 2], options), [columns]);
  });

  refuses([
    [
      () => im2col(ones([3, 3]), 2),
      'ShapeError',
      'im2col: x must be [batch, channels, height, width] or [channels, height, width], got [3, 3]',
    ],
    [
      () => im2col(ones([1, 1, 3, 3]), 4),
      'ShapeError',
      'im2col: blocks [4, 4] with dilation [1, 1] are larger than the padded [3, 3]',
    ],
    [
      () => col2im(zeros([1, 4, 5]), 3, 2),
      'ShapeError',
      'col2im: x must be [batch, channels * 4, 4], with or without batch, for blocks [2, 2] of [3, 3]; got [1, 4, 5]',
    ],
  ]);
});
