import { maskedSelectSync, nonzeroStatic, nonzeroSync, tensor } from '@flambeau/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counting, decomposed, expectClose, use, variants } from './support.ts';

describe.each(variants)('places of true elements, %s', (_name, make) => {
  const backend = make();

  it('agree with the decomposition, for any share and any room', () => {
    use(backend);
    const cases = fc.record({
      length: fc.integer({ min: 64, max: 300 }),
      share: fc.constantFrom(0, 0.02, 0.5, 0.98, 1),
      room: fc.integer({ min: 1, max: 320 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(cases, ({ length, share, room, seed }) => {
        const truths = Array.from(
          { length },
          (_, i) => (Math.imul(i + seed + 1, 0x9e3779b1) >>> 0) / 2 ** 32 < share,
        );
        const mask = tensor(truths, { dtype: 'bool' });
        const x = tensor(truths.map((_, i) => i));
        const some = truths.includes(true);
        const all = () => [
          nonzeroStatic(mask, { size: room }),
          ...(some ? [nonzeroSync(mask), maskedSelectSync(x, mask)] : []),
        ];
        const [got, counts] = counting(backend, ['maskPlaces'], all);
        expect(counts).toEqual({ maskPlaces: some ? 3 : 1 });
        expectClose(got, decomposed(['maskPlaces'], all), 0);
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it('are found from the middle of a tensor on, and none are of none', () => {
    use(backend);
    const x = tensor(Array.from({ length: 400 }, (_, i) => i % 3)).reshape([4, 100]);
    const all = () => [nonzeroSync(x), nonzeroSync(x.ne(1).select(0, 2)), nonzeroSync(x.gt(5))];
    const [got] = counting(backend, ['maskPlaces'], all);
    expectClose(got, decomposed(['maskPlaces'], all), 0);
  });
});
