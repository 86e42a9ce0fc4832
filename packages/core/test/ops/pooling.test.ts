import { cpu } from '@flambeau/backend-cpu';
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  arange,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  gradcheck,
  gradgradcheck,
  lpPool1d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  maxUnpool1d,
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
import { float64, values, watched } from './tensors.ts';

registerBackend(cpu());

const { NaN: nan, NEGATIVE_INFINITY: low } = Number;

/** Elements that lie apart, so that a small step changes no maximum. */
const apart = (shape: readonly number[]): Tensor =>
  arange(1, 1 + shape.reduce((n, size) => n * size, 1), float64)
    .mul(37)
    .remainder(101)
    .reshape(shape)
    .requiresGrad_();

interface Window {
  /** Where it begins and ends, padding included, and the positions inside that it holds. */
  readonly begin: number;
  readonly end: number;
  readonly held: readonly number[];
}

/** The windows along one dimension, by PyTorch's rule. */
function windowsAlong(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
  ceilMode: boolean,
): Window[] {
  const all: Window[] = [];
  for (let begin = -padding; ; begin += stride) {
    const last = begin + dilation * (kernel - 1);
    const fits = last < size + padding;
    const begins = ceilMode && begin < size && last - stride < size + padding - 1;
    if (!fits && !begins) return all;
    const held = Array.from({ length: kernel }, (_, k) => begin + k * dilation).filter(
      (p) => p >= 0 && p < size,
    );
    all.push({ begin, end: Math.min(begin + kernel, size + padding), held });
  }
}

const along = (least: number, most: number) =>
  fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }));
const cases = fc
  .record({
    size: along(1, 7),
    kernel: along(1, 4),
    stride: along(1, 3),
    dilation: along(1, 2),
    share: along(0, 2),
    ceilMode: fc.boolean(),
    include: fc.boolean(),
  })
  .map(({ share, ...rest }) => ({ ...rest, share }));

type Pair = readonly [number, number];

describe('pools over windows', () => {
  it('hold the largest element and its place, for any geometry', () => {
    fc.assert(
      fc.property(cases, ({ size, kernel, stride, dilation, share, ceilMode }) => {
        const padding = share.map((n, i) =>
          Math.min(n, Math.floor((dilation[i]! * (kernel[i]! - 1) + 1) / 2)),
        ) as unknown as Pair;
        const [rows, columns] = [0, 1].map((i) =>
          windowsAlong(size[i]!, kernel[i]!, stride[i]!, padding[i]!, dilation[i]!, ceilMode),
        ) as [Window[], Window[]];
        fc.pre(
          rows.length > 0 && columns.length > 0 && [...rows, ...columns].every(({ held }) => held.length > 0),
        );
        const x = randn([2, 1, ...size], float64);
        const data = x.reshape([2, -1]).toArraySync() as number[][];
        const { values: y, indices } = maxPool2d(x, kernel, {
          stride,
          padding,
          dilation,
          ceilMode,
          returnIndices: true,
        });
        expect(y.shape).toEqual([2, 1, rows.length, columns.length]);
        const places = data.map((image) =>
          rows.map((row) =>
            columns.map((column) =>
              row.held
                .flatMap((r) => column.held.map((c) => r * size[1] + c))
                .reduce((best, at) => (image[at]! > image[best]! ? at : best)),
            ),
          ),
        );
        expect(values(indices.squeeze(1))).toEqual(places);
        expect(values(y.squeeze(1))).toEqual(
          places.map((image, n) => image.map((line) => line.map((at) => data[n]![at]))),
        );
      }),
      { numRuns: 80 },
    );
  });

  it('average what they hold, for any geometry', () => {
    fc.assert(
      fc.property(cases, ({ size, kernel, stride, share, ceilMode, include }) => {
        const padding = share.map((n, i) => Math.min(n, Math.floor(kernel[i]! / 2))) as unknown as Pair;
        const [rows, columns] = [0, 1].map((i) =>
          windowsAlong(size[i]!, kernel[i]!, stride[i]!, padding[i]!, 1, ceilMode),
        ) as [Window[], Window[]];
        fc.pre(
          rows.length > 0 && columns.length > 0 && [...rows, ...columns].every(({ held }) => held.length > 0),
        );
        const x = randn([1, 1, ...size], float64);
        const image = x.reshape(size).toArraySync() as number[][];
        const y = avgPool2d(x, kernel, { stride, padding, ceilMode, countIncludePad: include })
          .reshape([rows.length, columns.length])
          .toArraySync() as number[][];
        for (const [i, row] of rows.entries()) {
          for (const [j, column] of columns.entries()) {
            const total = row.held
              .flatMap((r) => column.held.map((c) => image[r]![c]!))
              .reduce((a, b) => a + b);
            const count = include
              ? (row.end - row.begin) * (column.end - column.begin)
              : row.held.length * column.held.length;
            expect(y[i]![j]).toBeCloseTo(total / count, 9);
          }
        }
      }),
      { numRuns: 80 },
    );
  });

  it('have gradients, and gradients of gradients', async () => {
    const options = { stride: [2, 1], padding: 1, ceilMode: true };
    const max = (x: Tensor): Tensor => maxPool2d(x, [3, 2], options);
    const mean = (x: Tensor): Tensor => avgPool2d(x, [3, 2], { ...options, countIncludePad: false });
    await gradcheck(max, [apart([2, 1, 5, 4])]);
    await gradgradcheck((x) => max(x.mul(x)), [apart([1, 2, 4, 3])]);
    await gradcheck(mean, [watched([2, 1, 5, 4])]);
    await gradgradcheck((x) => mean(x.mul(x)), [watched([1, 2, 4, 3])]);
    await gradcheck((x) => avgPool3d(x, 2, { divisorOverride: 3 }), [watched([1, 2, 2, 4])]);
    await gradcheck((x) => maxPool3d(x, [1, 2, 2], { stride: 1 }), [apart([1, 1, 2, 3, 3])]);
  });

  it('average integers in rows that fill no vector', () => {
    const y = avgPool1d(ones([70, 1, 2], { dtype: 'int32' }).mul(7), 2);
    expect([y.dtype, y.sum().itemSync()]).toEqual(['int32', 70 * 7]);
  });

  it('add up the gradient of an element that several windows take', () => {
    const x = tensor([[0, 5, 0, 1]], { requiresGrad: true });
    maxPool1d(x, 2, { stride: 1 }).sum().backward();
    expect(values(x.grad!)).toEqual([[0, 2, 0, 1]]);
  });

  it('take the first of ties, and NaN before all', () => {
    const { values: y, indices } = maxPool1d(tensor([[2, 2, 1, nan, 7, 7]]), 2, { returnIndices: true });
    expect(values(y)).toEqual([[2, nan, 7]]);
    expect(values(indices)).toEqual([[0, 3, 4]]);
  });

  it('never take padding, whatever the elements are', () => {
    const { values: y, indices } = maxPool2d(
      tensor([
        [
          [low, low],
          [low, low],
        ],
      ]),
      2,
      { padding: 1, returnIndices: true },
    );
    expect(values(y)).toEqual([
      [
        [low, low],
        [low, low],
      ],
    ]);
    expect(values(indices)).toEqual([
      [
        [0, 1],
        [2, 3],
      ],
    ]);
    const integers = maxPool1d(tensor([[-5n, -3n]]), 2, { padding: 1 });
    expect(values(integers)).toEqual([[-5, -3]]);
    const least = maxPool1d(tensor([[-(2n ** 63n)]]), 3, { padding: 1, returnIndices: true });
    expect(values(least.indices)).toEqual([[0]]);
  });

  it('divide integers as integers', () => {
    expect(values(avgPool1d(tensor([[1n, 2n, -4n, 1n]]), 2))).toEqual([[1, -1]]);
  });

  it('keep an empty batch, and dtypes', () => {
    expect(maxPool2d(ones([0, 2, 4, 4]), 2).shape).toEqual([0, 2, 2, 2]);
    expect(avgPool2d(ones([0, 2, 4, 4]), 2).shape).toEqual([0, 2, 2, 2]);
    expect(maxPool2d(ones([1, 2, 2], { dtype: 'float16' }), 2).dtype).toBe('float16');
  });

  it('read inputs that are not contiguous', () => {
    const x = arange(12, float64).reshape([1, 3, 4]).transpose(1, 2);
    expect(values(maxPool2d(x, 2))).toEqual([[[5], [7]]]);
    expect(values(avgPool2d(x, 2))).toEqual([[[2.5], [4.5]]]);
  });

  it('raise to a power and take the root', async () => {
    expect(values(lpPool1d(tensor([[3, 4]]), 2, 2))).toEqual([[5]]);
    await gradcheck((x) => lpPool1d(x, 3, 2), [tensor([[1, 2, 3, 4]], { ...float64, requiresGrad: true })]);
  });

  it('go back by their places', async () => {
    const x = apart([1, 2, 6]);
    const { values: y, indices } = maxPool1d(x, 2, { returnIndices: true });
    expect(values(maxUnpool1d(y, indices, 2).ne(0).sum())).toBeLessThanOrEqual(6);
    await gradcheck((v) => maxUnpool1d(v, indices, 2, { outputSize: [7] }), [watched(y.shape)]);
  });

  refuses([
    [
      () => maxPool2d(ones([4, 4]), 2),
      'ShapeError',
      'maxPool2d: x must be [batch, channels, height, width] or [channels, height, width], got [4, 4]',
    ],
    [
      () => maxPool2d(ones([1, 1, 4, 4]), 5),
      'ShapeError',
      'maxPool2d: the window [5, 5] is larger than the padded input [4, 4]',
    ],
    [
      () => maxPool1d(ones([1, 4]), 2, { padding: 2 }),
      'ArgumentError',
      'maxPool1d: padding must be at most half of the window [2], got [2]',
    ],
    [
      () => maxPool1d(ones([1, 4]), 0),
      'ArgumentError',
      'maxPool1d: kernelSize must be an integer of 1 or more, got 0',
    ],
    [
      () => maxPool1d(ones([1, 4]), 2, untyped({ ceil_mode: true })),
      'ArgumentError',
      'maxPool1d: unknown option ceil_mode; did you mean ceilMode?',
    ],
    [
      () => maxPool1d(ones([1, 4]).gt(0), 2),
      'DTypeError',
      "maxPool1d: bool cannot be pooled; convert first: to({ dtype: 'float32' })",
    ],
    [() => maxPool1d(ones([1, 0]), 2), 'ShapeError', 'maxPool1d: only the batch may be empty, got [1, 0]'],
    [
      () => avgPool1d(ones([1, 4]), 2, { divisorOverride: 0 }),
      'ArgumentError',
      'avgPool1d: divisorOverride must be an integer other than 0, got 0',
    ],
    [
      () => maxUnpool1d(ones([1, 2]), zeros([1, 3], { dtype: 'int32' }), 2),
      'ShapeError',
      'maxUnpool1d: x and indices must have one shape, [batch, channels, ...] with 1 more dimensions or without batch; got [1, 2] and [1, 3]',
    ],
    [
      () => maxUnpool1d(ones([1, 2]), zeros([1, 2], { dtype: 'int32' }), 2, { outputSize: [8] }),
      'ArgumentError',
      'maxUnpool1d: outputSize [8] must lie within one stride [2] of [4]',
    ],
  ]);
});

describe('adaptive pools', () => {
  const sizes = fc.record({ size: along(1, 7), output: along(1, 5) });
  const region = (o: number, size: number, output: number): number[] => {
    const [begin, end] = [Math.floor((o * size) / output), Math.ceil(((o + 1) * size) / output)];
    return Array.from({ length: end - begin }, (_, i) => begin + i);
  };

  it('divide into regions as PyTorch does', () => {
    fc.assert(
      fc.property(sizes, ({ size, output }) => {
        const x = randn([1, 1, ...size], float64);
        const image = x.reshape(size).toArraySync() as number[][];
        const means = adaptiveAvgPool2d(x, output).reshape(output).toArraySync() as number[][];
        const { values: y, indices } = adaptiveMaxPool2d(x, output, { returnIndices: true });
        const largest = y.reshape(output).toArraySync() as number[][];
        const found = indices.reshape(output).toArraySync() as number[][];
        for (let i = 0; i < output[0]; i++) {
          for (let j = 0; j < output[1]; j++) {
            const places = region(i, size[0], output[0]).flatMap((r) =>
              region(j, size[1], output[1]).map((c) => [r, c] as const),
            );
            const elements = places.map(([r, c]) => image[r]![c]!);
            expect(means[i]![j]).toBeCloseTo(elements.reduce((a, b) => a + b) / elements.length, 9);
            expect(largest[i]![j]).toBe(Math.max(...elements));
            const [r, c] = places[elements.indexOf(Math.max(...elements))]!;
            expect(found[i]![j]).toBe(r * size[1] + c);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keep sizes that are null, and infinities in their regions', () => {
    expect(adaptiveAvgPool2d(ones([1, 2, 3, 5]), [null, 1]).shape).toEqual([1, 2, 3, 1]);
    expect(values(adaptiveAvgPool1d(tensor([[1, 1, 1, 1, Number.POSITIVE_INFINITY]]), 3))).toEqual([
      [1, 1, Number.POSITIVE_INFINITY],
    ]);
    expect(adaptiveAvgPool2d(ones([1, 2, 3, 5]), 0).shape).toEqual([1, 2, 0, 0]);
  });

  it('have gradients, and gradients of gradients', async () => {
    await gradcheck((x) => adaptiveAvgPool2d(x, [3, 2]), [watched([1, 2, 5, 4])]);
    await gradgradcheck((x) => adaptiveAvgPool2d(x.mul(x), [3, 2]), [watched([1, 1, 4, 4])]);
    await gradcheck((x) => adaptiveMaxPool2d(x, [3, 2]), [apart([1, 2, 5, 4])]);
  });

  refuses([
    [
      () => adaptiveAvgPool2d(ones([1, 1, 2, 2]), [1, 2, 3]),
      'ArgumentError',
      'adaptiveAvgPool2d: outputSize must be an integer of 0 or more or null, or 2 of them, got [1, 2, 3]',
    ],
    [
      () => adaptiveAvgPool2d(ones([1, 1, 2, 2], { dtype: 'int32' }), 1),
      'DTypeError',
      "adaptiveAvgPool2d: needs a floating input, got int32; convert it: to({ dtype: 'float32' })",
    ],
  ]);
});
