import {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  randn,
  type Tensor,
  tensor,
} from '@flambeau/core';
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

const maxima = [maxPool1d, maxPool2d, maxPool3d];
const means = [avgPool1d, avgPool2d, avgPool3d];

const pools = (rank: number) => {
  const list = (min: number, max: number): fc.Arbitrary<number[]> =>
    fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank });
  return fc.record({
    rank: fc.constant(rank),
    dtype: fc.constantFrom('float32', 'float64'),
    lead: fc.constantFrom([1, 1], [3, 5], [2, 1]),
    kernel: list(1, 4),
    extra: list(0, 14),
    stride: list(1, 3),
    dilation: list(1, 2),
    padded: fc.boolean(),
    ceilMode: fc.boolean(),
    include: fc.boolean(),
    turned: fc.boolean(),
  });
};

describe.each(variants)('fused pools with %s', (_name, make) => {
  const backend = make();
  beforeAll(() => use(backend));

  const compare = (
    name: string,
    f: () => Tensor | Tensor[],
    wanted: readonly Tensor[],
    dtype: string,
  ): void => {
    const names = [name, `${name}Backward`];
    const [fused, counts] = counting(backend, names, () => outputsAndGradients(f, wanted));
    expect(counts[name]).toBe(1);
    if (name === 'maxPool') expect(counts.maxPoolBackward).toBe(wanted.length);
    expectClose(
      fused,
      decomposed(names, () => outputsAndGradients(f, wanted)),
      TOLERANCE[dtype]!,
    );
  };

  it('agree with their decomposition, with places and gradients', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }).chain(pools), (g) => {
        const size = g.kernel.map((k, i) => (k - 1) * g.dilation[i]! + 1 + g.extra[i]!);
        const options = { dtype: g.dtype as 'float32', requiresGrad: true };
        const x = g.turned
          ? randn([g.lead[0]!, ...size, g.lead[1]!], options)
          : randn([...g.lead, ...size], options);
        const seen = (): Tensor => (g.turned ? x.movedim(-1, 1) : x);
        const padding = g.kernel.map((k) => (g.padded ? Math.floor(k / 2) : 0));
        const { kernel, stride, dilation, ceilMode } = g;
        compare(
          'maxPool',
          () => {
            const { values, indices } = maxima[g.rank - 1]!(seen(), kernel, {
              stride,
              padding,
              dilation,
              ceilMode,
              returnIndices: true,
            });
            return [values, indices];
          },
          [x],
          g.dtype,
        );
        compare(
          'avgPool',
          () => means[g.rank - 1]!(seen(), kernel, { stride, padding, ceilMode, countIncludePad: g.include }),
          [x],
          g.dtype,
        );
      }),
      seeded(80),
    );
  });

  it('gives no gradient to what a window without elements points at', () => {
    const x = tensor([[[1], [2], [3]]], { requiresGrad: true });
    const y = maxPool1d(x, 2, { padding: 1, dilation: 2 });
    y.backward(tensor([[[4], [5], [6]]]));
    expect(String(y.detach())).toBe('tensor([[[-inf],\n         [-inf],\n         [-inf]]])');
    expect(String(x.grad)).toBe('tensor([[[0.],\n         [0.],\n         [0.]]])');
  });

  it('finds the first NaN, and the first of equals', () => {
    const nan = Number.NaN;
    const low = Number.NEGATIVE_INFINITY;
    const x = tensor([[[1, nan, nan, 0, 3, 3, low, low, 2, 5, 5, 2, 0, 0, 0, 1]]]);
    const f = (): Tensor[] => {
      const { values, indices } = maxPool1d(x, 2, { returnIndices: true });
      return [values, indices];
    };
    compare('maxPool', f, [], 'float32');
    expect(String(f()[1])).toBe('tensor([[[ 1,  2,  4,  6,  9, 10, 12, 15]]])');
  });
});
