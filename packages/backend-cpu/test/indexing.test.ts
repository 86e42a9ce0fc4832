import type { DType, ScatterMode } from '@flambeau/core/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combine } from './combine.ts';
import {
  BACKEND_DTYPES,
  backends,
  box,
  dense,
  faultOf,
  indices,
  layoutOf,
  seeded,
  shapeOf,
  sizeOf,
  smallValue,
  unbox,
  untouchedAround,
  type Value,
  valuesFor,
} from './support.ts';

/** A shape, another length along the last dimension, and indices into that. */
const given = fc
  .record({
    dtype: fc.constantFrom(...BACKEND_DTYPES),
    indexType: fc.constantFrom<DType>('int32', 'int64'),
    shape: shapeOf(1, 4, 4),
    length: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ dtype, indexType, shape, length }) => {
    const other = [...shape.slice(0, -1), length];
    return fc.record({
      dtype: fc.constant(dtype),
      indexType: fc.constant(indexType),
      shape: fc.constant(shape),
      other: fc.constant(other),
      mode: fc.constantFrom<ScatterMode>('assign', 'add', 'mul', 'max', 'min'),
      dense: layoutOf(shape),
      free: layoutOf(shape, true),
      otherFree: layoutOf(other, true),
      otherDense: layoutOf(other),
      index: layoutOf(shape, true),
      values: valuesFor(
        dtype.endsWith('float16') ? fc.integer({ min: -1, max: 2 }) : smallValue(dtype),
        sizeOf(shape),
      ),
      otherValues: valuesFor(
        dtype.endsWith('float16') ? fc.integer({ min: -2, max: 2 }) : smallValue(dtype),
        sizeOf(other),
      ),
      places: valuesFor(fc.integer({ min: 0, max: length - 1 }), sizeOf(shape)),
    });
  });

const COMBINERS = { add: 'sum', mul: 'prod', max: 'max', min: 'min' } as const;

const noNegativeZero = (values: readonly Value[]): Value[] => values.map((v) => (v === 0 ? 0 : v));

describe.each(backends)('gather and scatter by %s', (_name, backend) => {
  it('gather reads where the indices say', () => {
    fc.assert(
      fc.property(
        given,
        ({ dtype, indexType, shape, other, dense: y, otherFree, index, otherValues, places }) => {
          const input = box(backend, dtype, other, otherValues, otherFree);
          const at = box(backend, indexType, shape, places, index);
          const output = box(backend, dtype, shape, null, y);
          backend.kernels.gather(shape, other[other.length - 1]!, output, input, at);
          const [elements, picks] = [unbox(input), unbox(at).map(Number)];
          const strides = dense(other);
          const expected = Array.from(
            indices(shape),
            (i, k) =>
              elements[[...i.slice(0, -1), picks[k]!].reduce((sum, v, d) => sum + v * strides[d]!, 0)],
          );
          expect(unbox(output)).toEqual(expected);
          expect(untouchedAround(output)).toBe(true);
        },
      ),
      seeded(400),
    );
  });

  it('scatter combines where the indices say, repeated ones too', () => {
    fc.assert(
      fc.property(
        given,
        ({ dtype, indexType, shape, other, mode, free, otherDense, index, values, otherValues, places }) => {
          const source = box(backend, dtype, shape, values, free);
          const at = box(backend, indexType, shape, places, index);
          const output = box(backend, dtype, other, otherValues, otherDense);
          backend.kernels.scatter(mode, shape, other[other.length - 1]!, output, source, at);
          const [updates, picks] = [unbox(source), unbox(at).map(Number)];
          const strides = dense(other);
          const candidates = otherValues.map((v) => [v]);
          for (const [k, i] of [...indices(shape)].entries()) {
            const place = [...i.slice(0, -1), picks[k]!].reduce((sum, v, d) => sum + v * strides[d]!, 0);
            if (mode === 'assign')
              candidates[place] = [
                ...(candidates[place]!.length > 1 || candidates[place]![0] !== otherValues[place]
                  ? candidates[place]!
                  : []),
                updates[k]!,
              ];
            else candidates[place] = [combine(COMBINERS[mode], dtype, candidates[place]![0]!, updates[k]!)];
          }
          const result = noNegativeZero(unbox(output));
          if (mode === 'assign') {
            for (const [i, v] of result.entries())
              expect(noNegativeZero([...candidates[i]!, otherValues[i]!])).toContain(v);
          } else {
            expect(result).toEqual(noNegativeZero(candidates.map(([v]) => v!)));
          }
          expect(untouchedAround(output)).toBe(true);
        },
      ),
      seeded(600),
    );
  });

  it('assign keeps one of several values, and leaves what no index names', () => {
    const output = box(backend, 'float32', [4], [0, 0, 0, 9]);
    backend.kernels.scatter(
      'assign',
      [3],
      4,
      output,
      box(backend, 'float32', [3], [1, 2, 3]),
      box(backend, 'int32', [3], [2, 2, 0]),
    );
    const result = unbox(output);
    expect([1, 2]).toContain(result[2]);
    expect([result[0], result[1], result[3]]).toEqual([3, 0, 9]);
  });

  it('scatter spreads NaN in max and min', () => {
    for (const mode of ['max', 'min'] as const) {
      const output = box(backend, 'float32', [2], [1, Number.NaN]);
      backend.kernels.scatter(
        mode,
        [2],
        2,
        output,
        box(backend, 'float32', [2], [Number.NaN, 5]),
        box(backend, 'int64', [2], [0, 1]),
      );
      expect(unbox(output)).toEqual([Number.NaN, Number.NaN]);
    }
  });

  it.each([
    ['int32', 3],
    ['int32', -1],
    ['int64', 3n],
    ['int64', -1n],
    ['int64', 2n ** 40n],
    ['int64', 2n ** 32n],
  ] as const)('refuses %s index %s of 3 before it writes', (dtype, bad) => {
    for (const shape of [[4], [2, 4]]) {
      const places: Value[] = Array.from({ length: sizeOf(shape) }, (_, i) => i % 3);
      places[sizeOf(shape) - 1] = bad;
      const at = box(backend, dtype, shape, places);
      const other = [...shape.slice(0, -1), 3];
      const values = Array.from({ length: sizeOf(other) }, (_, i) => i + 1);
      const input = box(backend, 'float32', other, values);
      const output = box(
        backend,
        'float32',
        shape,
        places.map(() => 5),
      );
      expect(faultOf(() => backend.kernels.gather(shape, 3, output, input, at))).toBe(
        `gather: index ${bad} is out of range for size 3`,
      );
      expect(unbox(output)).toEqual(places.map(() => 5));
      expect(faultOf(() => backend.kernels.scatter('add', shape, 3, input, output, at))).toBe(
        `scatter: index ${bad} is out of range for size 3`,
      );
      expect(unbox(input)).toEqual(values);
    }
  });
});
