import { arange, conv1d, conv2d, conv3d, convTranspose2d, randn, type Tensor } from '@flambeau/core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { seeded } from '../support.ts';
import {
  counting,
  decomposed,
  expectClose,
  outputsAndGradients,
  TOLERANCE,
  use,
  variants,
} from './support.ts';

const NAMES = ['convolution', 'convolutionWeightGrad', 'convolutionInputGrad'];
const convs = [conv1d, conv2d, conv3d];

const geometry = (rank: number) => {
  const list = (min: number, max: number): fc.Arbitrary<number[]> =>
    fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank });
  return fc.record({
    rank: fc.constant(rank),
    dtype: fc.constantFrom('float32', 'float64'),
    batch: fc.integer({ min: 1, max: 9 }),
    groups: fc.integer({ min: 1, max: 3 }),
    inPerGroup: fc.integer({ min: 1, max: 4 }),
    outPerGroup: fc.integer({ min: 1, max: 8 }),
    kernel: list(1, 4),
    extra: list(0, 12),
    stride: list(1, 3),
    padding: list(0, 3),
    dilation: list(1, 2),
    bias: fc.boolean(),
    turned: fc.boolean(),
  });
};

describe.each(variants)('fused convolutions with %s', (_name, make) => {
  const backend = make();
  beforeAll(() => use(backend));

  const ALL = { convolution: 1, convolutionWeightGrad: 1, convolutionInputGrad: 1 };
  const compare = (f: () => Tensor, wanted: readonly Tensor[], dtype: string, expected = ALL): void => {
    const [fused, counts] = counting(backend, NAMES, () => outputsAndGradients(f, wanted));
    expect(counts).toEqual(expected);
    expectClose(
      fused,
      decomposed(NAMES, () => outputsAndGradients(f, wanted)),
      TOLERANCE[dtype]! * 4,
    );
  };

  it('agree with their decomposition, with gradients', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }).chain(geometry), (g) => {
        const options = { dtype: g.dtype as 'float32', requiresGrad: true };
        // Without its padding the input covers a window.
        const size = g.kernel.map((k, i) => (k - 1) * g.dilation[i]! + 1 + g.extra[i]!);
        const channels = g.inPerGroup * g.groups;
        const x = g.turned
          ? randn([g.batch, ...size, channels], options)
          : randn([g.batch, channels, ...size], options);
        const w = randn([g.outPerGroup * g.groups, g.inPerGroup, ...g.kernel], options);
        const b = randn([g.outPerGroup * g.groups], options);
        const { stride, padding, dilation, groups } = g;
        compare(
          () =>
            convs[g.rank - 1]!(g.turned ? x.movedim(-1, 1) : x, w, g.bias ? b : null, {
              stride,
              padding,
              dilation,
              groups,
            }),
          g.bias ? [x, w, b] : [x, w],
          g.dtype,
        );
      }),
      seeded(60),
    );
  });

  it.each([
    ['3x3 over many channels', [4, 64, 14, 14], [64, 64, 3, 3], { padding: 1 }],
    ['1x1', [3, 48, 17, 17], [32, 48, 1, 1], {}],
    ['of many places', [2, 3, 60, 60], [8, 3, 7, 7], { stride: 2, padding: 3 }],
    ['by channel', [2, 40, 20, 20], [40, 1, 3, 3], { padding: 1, groups: 40 }],
    ['by channel, in lines of 23', [1, 4, 41, 45], [8, 1, 5, 3], { stride: 2, padding: 1, groups: 4 }],
    ['of taps that change places in the copy', [1, 2, 4, 3], [4, 2, 3, 4], { stride: 2, padding: 1 }],
    ['to few channels of a large image', [1, 9, 50, 61], [5, 9, 3, 3], { padding: 2 }],
    ['with less padding than around the gradient', [1, 7, 20, 20], [9, 7, 1, 3], { padding: 2 }],
    ['of one large image', [1, 300, 10, 10], [20, 300, 3, 3], {}],
    ['with more output channels than a block is deep', [1, 5, 30, 20], [300, 5, 3, 3], { padding: 1 }],
  ] as const)('agree where they take several blocks: %s', (_case, xShape, wShape, options) => {
    const x = randn([...xShape], { requiresGrad: true });
    const w = randn([...wShape], { requiresGrad: true });
    const b = randn([wShape[0]], { requiresGrad: true });
    compare(() => conv2d(x, w, b, options), [x, w, b], 'float32');
  });

  it('count what the vectors of a line share once, though it be infinite', () => {
    const x = arange(48, { dtype: 'float32' }).reshape([1, 2, 4, 6]);
    const infinite = x.maskedFill(x.eq(3), Infinity);
    const w = randn([2, 1, 3, 2], { requiresGrad: true });
    compare(() => conv2d(infinite, w, null, { groups: 2 }), [w], 'float32', {
      convolution: 1,
      convolutionWeightGrad: 1,
      convolutionInputGrad: 0,
    });
  });

  it('take the gradient of a mean over places', () => {
    const x = randn([2, 3, 9, 9], { requiresGrad: true });
    const w = randn([4, 3, 3, 3], { requiresGrad: true });
    compare(() => conv2d(x, w).mean([2, 3]), [x, w], 'float32');
  });

  it('run transposed convolutions', () => {
    const x = randn([2, 6, 9, 8], { requiresGrad: true });
    const w = randn([6, 4, 3, 3], { requiresGrad: true });
    const f = (): Tensor => convTranspose2d(x, w, null, { stride: 2, padding: 1, outputPadding: 1 });
    const [fused, counts] = counting(backend, NAMES, () => outputsAndGradients(f, [x, w]));
    expect(counts.convolutionInputGrad).toBe(1);
    expectClose(
      fused,
      decomposed(NAMES, () => outputsAndGradients(f, [x, w])),
      1e-5,
    );
  });
});
