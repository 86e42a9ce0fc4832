import { type DType, slice, tensor } from '@flambeau/core';
import { BACKEND_DTYPES } from '@flambeau/core/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpu } from '../../src/index.ts';
import { counting, decomposed, expectClose, outputsAndGradients, use, variants } from './support.ts';

const all: typeof variants = [
  ...variants,
  ['no WebAssembly', () => cpu({ wasm: 'off' })],
  ['WebAssembly for all', () => cpu({ wasmFrom: 1, threads: 1 })],
];

describe.each(all)('flip, %s', (_name, make) => {
  const backend = make();

  it('agrees with the decomposition, for every dtype and layout', () => {
    use(backend);
    const cases = fc.record({
      dtype: fc.constantFrom<DType>(...BACKEND_DTYPES),
      shape: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
      length: fc.integer({ min: 1, max: 150 }),
      dims: fc.subarray([0, 1, 2, 3]),
      at: fc.nat({ max: 3 }),
      view: fc.constantFrom('whole', 'transposed', 'sliced', 'expanded'),
    });
    fc.assert(
      fc.property(cases, ({ dtype, shape, length, dims, at, view }) => {
        const sizes = shape.toSpliced(at % (shape.length + 1), 0, length);
        const size = sizes.reduce((a, b) => a * b, 1);
        const values = Array.from(
          { length: size },
          (_, i) => ((i * 37) % 101) - (dtype === 'uint8' ? 0 : 50),
        );
        const whole = tensor(values).to({ dtype }).reshape(sizes);
        const x = {
          whole,
          transposed: whole.permute(sizes.map((_, dim) => sizes.length - 1 - dim)),
          sliced: whole.index(...sizes.map((n) => slice(0, n, 2))),
          expanded: whole.unsqueeze(0).expand([2, ...sizes]),
        }[view];
        const flips = () => [x.flip(dims.filter((dim) => dim < x.shape.length))];
        const [got, counts] = counting(backend, ['flip'], flips);
        expect(counts).toEqual({ flip: 1 });
        expect(got[0]!.dtype).toBe(dtype);
        expectClose(got, decomposed(['flip'], flips), 0);
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it('keeps all bits, and has a gradient', () => {
    use(backend);
    const x = tensor([Number.NaN, -0, 3, Number.NEGATIVE_INFINITY]).repeat([40]).requiresGrad_();
    const gradients = () => outputsAndGradients(() => [x.flip(0)], [x]);
    expectClose(gradients(), decomposed(['flip'], gradients), 0);
    const bits = tensor([2n ** 62n + 5n, -(2n ** 51n) + 1n, 7n], { dtype: 'int64' });
    expect(bits.flip(0).dataSync()).toEqual(BigInt64Array.of(7n, -(2n ** 51n) + 1n, 2n ** 62n + 5n));
  });

  it('is shared among threads', () => {
    use(backend);
    const x = tensor(Array.from({ length: 600 * 601 }, (_, i) => (i * 7919) % 1009)).reshape([600, 601]);
    const flips = () => [x.flip(0), x.flip(1), x.flip([0, 1]), x.to({ dtype: 'uint8' }).flip([0, 1])];
    const [got] = counting(backend, ['flip'], flips);
    expectClose(got, decomposed(['flip'], flips), 0);
  });
});
