import { cpu } from '@flambeau/backend-cpu';
import { arange, cat, type IndexItem, registerBackend, type Tensor, zeros } from '@flambeau/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flat, indexCases, pick, shapes, show, sizeOf } from './indexing-reference.ts';

registerBackend(cpu());

const numbered = (shape: readonly number[]): Tensor =>
  arange(sizeOf(shape), { dtype: 'float32' }).reshape([...shape]);

/** The same elements, not in row-major order. */
const scattered = (shape: readonly number[]): Tensor => {
  const order = shape.map((_, i) => shape.length - 1 - i);
  return numbered(shape).permute(order).clone().contiguous().permute(order);
};

const isView = (items: readonly IndexItem[]): boolean =>
  items.every(
    (item) =>
      item === null ||
      typeof item === 'number' ||
      typeof item === 'symbol' ||
      (typeof item === 'object' && 'kind' in item),
  );

describe('index', () => {
  it('takes what a walk over all elements takes', () => {
    fc.assert(
      fc.property(indexCases, fc.boolean(), ({ shape, items }, inOrder) => {
        const x = inOrder ? numbered(shape) : scattered(shape);
        const expected = pick(shape, items);
        const y = x.index(...items);
        expect(y.shape, show(items)).toEqual(expected.shape);
        expect(flat(y), show(items)).toEqual(expected.positions);
      }),
      { numRuns: 400 },
    );
  });

  it('gives each element the gradient of all places that took it', () => {
    fc.assert(
      fc.property(indexCases, ({ shape, items }) => {
        const { positions, shape: result } = pick(shape, items);
        const x = numbered(shape).requiresGrad_();
        const weights = numbered(result).add(1);
        x.index(...items)
          .mul(weights)
          .sum()
          .backward();
        const expected = new Array<number>(sizeOf(shape)).fill(0);
        positions.forEach((position, i) => {
          expected[position]! += i + 1;
        });
        expect(flat(x.grad!), show(items)).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('shares memory where it can', () => {
    fc.assert(
      fc.property(
        indexCases.filter(({ items }) => isView(items)),
        ({ shape, items }) => {
          const { positions } = pick(shape, items);
          const x = numbered(shape);
          const y = x.index(...items);
          expect(y.storage).toBe(x.storage);
          y.mul_(-1).sub_(1);
          const taken = new Set(positions);
          expect(flat(x)).toEqual(
            flat(numbered(shape)).map((value, i) => (taken.has(i) ? -value - 1 : value)),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** A shape that broadcasts to another: sizes made 1 by the bits of `ones`, leading ones dropped. */
function smaller(shape: readonly number[], ones: number): number[] {
  const kept = shape.map((size, i) => ((ones >> i) & 1 ? 1 : size));
  while (kept[0] === 1) kept.shift();
  return kept;
}

/** The value that each element of `shape` gets from one of shape `small`, both by row-major position. */
function repeated(small: readonly number[], shape: readonly number[]): number[] {
  return flat(
    arange(sizeOf(small))
      .reshape([...small])
      .expand([...shape])
      .contiguous(),
  );
}

describe('set_', () => {
  it('writes what a walk over all elements writes', () => {
    fc.assert(
      fc.property(indexCases, fc.nat(15), fc.boolean(), ({ shape, items }, ones, inOrder) => {
        const { positions, shape: result } = pick(shape, items);
        const small = smaller(result, ones);
        const value = arange(sizeOf(small), { dtype: 'float32' }).add(100).reshape(small);
        const x = inOrder ? numbered(shape) : scattered(shape);
        const returned = x.set_(items, value);
        const candidates = new Map<number, number[]>();
        repeated(small, result).forEach((v, i) => {
          const position = positions[i]!;
          candidates.set(position, [...(candidates.get(position) ?? []), v + 100]);
        });
        expect(returned).toBe(x);
        for (const [i, got] of flat(x).entries())
          expect(candidates.get(i) ?? [i], `${show(items)} at ${i}`).toContain(got);
      }),
      { numRuns: 400 },
    );
  });

  it('cuts the gradient of what it overwrites and gives it to the value', () => {
    fc.assert(
      fc.property(indexCases, fc.nat(15), ({ shape, items }, ones) => {
        const { positions, shape: result } = pick(shape, items);
        fc.pre(new Set(positions).size === positions.length);
        const small = smaller(result, ones);
        const x = numbered(shape).requiresGrad_();
        const value = zeros(small, { requiresGrad: true });
        const weights = numbered(shape).add(1);
        x.mul(1).set_(items, value).mul(weights).sum().backward();
        const taken = new Set(positions);
        // Where nothing is left of `x`, no gradient comes.
        expect(x.grad === null ? flat(weights).map(() => 0) : flat(x.grad), show(items)).toEqual(
          flat(weights).map((w, i) => (taken.has(i) ? 0 : w)),
        );
        const expected = new Array<number>(sizeOf(small)).fill(0);
        repeated(small, result).forEach((from, i) => {
          expected[from]! += positions[i]! + 1;
        });
        expect(value.grad === null ? expected.map(() => 0) : flat(value.grad), show(items)).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('writes numbers and converts values', () => {
    fc.assert(
      fc.property(indexCases, ({ shape, items }) => {
        const taken = new Set(pick(shape, items).positions);
        const x = numbered(shape).to({ dtype: 'int32' });
        x.set_(items, -1);
        expect(x.dtype).toBe('int32');
        expect(flat(x)).toEqual(flat(numbered(shape)).map((value, i) => (taken.has(i) ? -1 : value)));
      }),
      { numRuns: 100 },
    );
  });
});

/** A view by a chain of operators, and the positions of the base that it shows. */
type Step = (x: Tensor) => Tensor;

const steps: fc.Arbitrary<Step> = fc.tuple(fc.nat(7), fc.nat(10), fc.nat(10)).map(([kind, a, b]): Step => {
  const dimOf = (x: Tensor, n: number): number => n % Math.max(1, x.shape.length);
  switch (kind) {
    case 0:
      return (x) => (x.shape.length < 2 ? x : x.transpose(dimOf(x, a), dimOf(x, b)));
    case 1:
      return (x) => (x.shape.length > 5 ? x : x.unsqueeze(a % (x.shape.length + 1)));
    case 2:
      return (x) => x.squeeze();
    case 3:
      return (x) =>
        x.shape.length === 0 || x.shape[dimOf(x, a)] === 0
          ? x
          : x.select(dimOf(x, a), b % x.shape[dimOf(x, a)]!);
    case 4:
      return (x) => (x.shape.length === 0 ? x : (x.split(1 + (b % 3), dimOf(x, a))[0] ?? x));
    case 5:
      return (x) => (x.shape.length < 2 ? x : x.diagonal({ offset: (b % 3) - 1, dim1: 0, dim2: 1 }));
    case 6:
      return (x) => x.movedim(dimOf(x, a), dimOf(x, b));
    default:
      return (x) =>
        x.shape.length === 0 || x.shape.length > 5 ? x : x.unflatten(dimOf(x, a), [1, x.shape[dimOf(x, a)]!]);
  }
});

describe('views of views', () => {
  it('show elements of the base, change it, and pass its gradient', () => {
    fc.assert(
      fc.property(shapes({ maxRank: 4 }), fc.array(steps, { maxLength: 5 }), (shape, chain) => {
        const through = (x: Tensor): Tensor => chain.reduce((y, step) => step(y), x);
        const positions = flat(through(numbered(shape)).contiguous());
        const base = numbered(shape);
        const view = through(base);
        expect(view.storage).toBe(base.storage);
        view.add_(1000);
        const shown = new Set(positions);
        expect(flat(base)).toEqual(
          flat(numbered(shape)).map((value, i) => (shown.has(i) ? value + 1000 : value)),
        );

        const leaf = numbered(shape).requiresGrad_();
        through(leaf).sum().backward();
        expect(flat(leaf.grad!)).toEqual(flat(numbered(shape)).map((_, i) => (shown.has(i) ? 1 : 0)));
      }),
      { numRuns: 200 },
    );
  });
});

describe('joining and splitting', () => {
  it('undo each other', () => {
    fc.assert(
      fc.property(
        shapes({ maxRank: 4 }).filter((shape) => shape.length > 0),
        fc.nat(3),
        fc.integer({ min: 1, max: 4 }),
        (shape, at, count) => {
          const dim = at % shape.length;
          const x = scattered(shape);
          const parts = {
            chunk: x.chunk(count, dim),
            split: x.split(count, dim),
            tensorSplit: x.tensorSplit(count, dim),
            unbind: x.unbind(dim).map((part) => part.unsqueeze(dim)),
          };
          for (const [name, list] of Object.entries(parts)) {
            if (list.length === 0) continue;
            const joined = cat(list, dim);
            expect(joined.shape, name).toEqual(shape);
            expect(flat(joined), name).toEqual(flat(x));
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
