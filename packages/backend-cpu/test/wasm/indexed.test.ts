import type { Backend, DType, ScatterMode } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { cpu } from '../../src/index.ts';
import {
  BACKEND_DTYPES,
  type Box,
  box,
  dense,
  faultOf,
  sizeOf,
  unbox,
  untouchedAround,
  type Value,
} from '../support.ts';

const plain = cpu({ wasm: 'off' });
const compiled: readonly [string, Backend][] = [
  ['one thread', cpu({ wasmFrom: 1, threads: 1 })],
  ['two threads', cpu({ wasmFrom: 1, threads: 2 })],
  ['memory of its own', cpu({ wasmFrom: 1, sharedMemory: 'off' })],
];

/** Small values that repeat, exact in every dtype. */
const valueAt = (dtype: DType, i: number): Value => {
  const value = (i * 7 + (i >> 3)) % 5;
  if (dtype === 'bool') return value > 2;
  return dtype === 'int64' ? BigInt(value) : value;
};
const fill = (dtype: DType, count: number, from = 0): Value[] =>
  Array.from({ length: count }, (_, i) => valueAt(dtype, i + from));

/** A matrix of `rows` lines with some elements between them, seen with its lines last. */
const lines = (
  backend: Backend,
  dtype: DType,
  rows: number,
  length: number,
  from: number,
  gap: number,
): Box =>
  box(backend, dtype, [length, rows], fill(dtype, rows * length, from), {
    offset: 2,
    strides: [1, length + gap],
  });

const picks = (backend: Backend, dtype: DType, of: number, count: number, length: number): Box =>
  box(
    backend,
    dtype,
    [length, count],
    Array.from({ length: length * count }, (_, i) => {
      const place = ((i % count) * 5 + 1) % of;
      return dtype === 'int64' ? BigInt(place) : place;
    }),
    { offset: 1, strides: [0, 1] },
  );

const LENGTHS = [1, 7, 8, 9, 33, 70];

describe.each(compiled)('lines that share an index, %s', (_name, backend) => {
  it('are gathered as JavaScript gathers them', () => {
    for (const dtype of BACKEND_DTYPES)
      for (const indexType of ['int32', 'int64'] as const)
        for (const length of LENGTHS) {
          const gather = (on: Backend): Value[] => {
            const y = box(on, dtype, [length, 23], null, { offset: 1, strides: [1, length + 1] });
            const x = lines(on, dtype, 11, length, 0, 3);
            on.kernels.gather([length, 23], 11, y, x, picks(on, indexType, 11, 23, length));
            expect(untouchedAround(y)).toBe(true);
            return unbox(y);
          };
          expect(gather(backend), `${dtype} ${length}`).toEqual(gather(plain));
        }
  });

  it('are scattered as JavaScript scatters them, with indices that repeat', () => {
    for (const dtype of BACKEND_DTYPES)
      for (const mode of ['assign', 'add', 'mul', 'max', 'min'] satisfies ScatterMode[])
        for (const length of LENGTHS) {
          const scatter = (on: Backend): Value[] => {
            const y = lines(on, dtype, 11, length, 3, 2);
            // Lines of one place are alike, as one of them is kept.
            const x = lines(on, dtype, 1, length, 1, 0);
            const repeated = { ...x, strides: [1, 0] };
            on.kernels.scatter(mode, [length, 9], 11, y, repeated, picks(on, 'int64', 11, 9, length));
            expect(untouchedAround(y)).toBe(true);
            return unbox(y);
          };
          expect(scatter(backend), `${dtype} ${mode} ${length}`).toEqual(scatter(plain));
        }
  });

  it('spread NaN through extrema', () => {
    for (const mode of ['max', 'min'] as const) {
      const y = box(backend, 'float32', [16, 2], new Array<Value>(32).fill(1), {
        offset: 0,
        strides: [1, 16],
      });
      const x = box(backend, 'float32', [16, 1], [Number.NaN, ...new Array<Value>(15).fill(1)], {
        offset: 0,
        strides: [1, 16],
      });
      backend.kernels.scatter(mode, [16, 1], 2, y, x, picks(backend, 'int32', 2, 1, 16));
      expect(unbox(y)[1]).toBeNaN();
      expect(unbox(y)[3]).toBe(1);
    }
  });

  it('are shared and whole when there are many', () => {
    const [rows, length, count] = [500, 128, 1200];
    const gather = (on: Backend): Value[] => {
      const y = lines(on, 'float32', count, length, 0, 0);
      on.kernels.gather(
        [length, count],
        rows,
        y,
        lines(on, 'float32', rows, length, 1, 0),
        picks(on, 'int32', rows, count, length),
      );
      return unbox(y);
    };
    const expected = gather(plain);
    for (let turn = 0; turn < 3; turn++)
      expect(gather(backend).every((value, i) => value === expected[i])).toBe(true);
  });

  it('leave the output as it was where an index is out of range, also by its upper half', () => {
    for (const bad of [-1n, 11n, 2n ** 32n + 1n, -(2n ** 63n)]) {
      const y = lines(backend, 'float32', 11, 16, 3, 0);
      const before = unbox(y);
      const index = box(backend, 'int64', [16, 2], new Array<Value>(32).fill(bad), {
        offset: 0,
        strides: [0, 1],
      });
      const x = lines(backend, 'float32', 2, 16, 0, 0);
      expect(faultOf(() => backend.kernels.scatter('add', [16, 2], 11, y, x, index))).toBe(
        `scatter: index ${bad} is out of range for size 11`,
      );
      expect(unbox(y)).toEqual(before);
    }
  });

  it('name the first index that is out of range, wherever it lies in lines of any stride', () => {
    const [rows, count] = [3, 41];
    for (const dtype of ['int32', 'int64'] as const)
      for (const strides of [
        [count, 1],
        [1, rows],
        [2 * count, 2],
        [0, 1],
      ])
        for (const place of [0, 2, 3, 4, 38, 40])
          for (const bad of dtype === 'int32' ? [-1, 11] : [-1n, 11n, 2n ** 32n + 1n, -(2n ** 32n) + 1n]) {
            const values = new Array<Value>(rows * count).fill(dtype === 'int32' ? 10 : 10n);
            for (let row = 0; row < rows; row++) values[row * count + place] = bad;
            const index = box(backend, dtype, [rows, count], values, { offset: 3, strides });
            const x = box(backend, 'float32', [rows, 11], fill('float32', rows * 11));
            const y = box(backend, 'float32', [rows, count], null);
            expect(faultOf(() => backend.kernels.gather([rows, count], 11, y, x, index))).toBe(
              `gather: index ${bad} is out of range for size 11`,
            );
          }
  });

  it('are found in memory that lies in any order', () => {
    for (const dtype of ['int32', 'int64'] as const)
      for (const strides of [
        [35, 7, 1],
        [1, 3, 15],
        [7, 21, 1],
        [0, 7, 1],
        [7, 0, 1],
        [14, 42, 2],
      ]) {
        const shape = [3, 5, 7];
        const index = (on: Backend): Box => box(on, dtype, shape, null, { offset: 1, strides });
        const gather = (on: Backend): Value[] => {
          const picked = index(on);
          const length = picked.length;
          on.write(
            picked.allocation,
            0,
            new Uint8Array(
              dtype === 'int32'
                ? Int32Array.from({ length }, (_, i) => (i * 5) % 11).buffer
                : BigInt64Array.from({ length }, (_, i) => BigInt((i * 5) % 11)).buffer,
            ),
          );
          const x = box(on, 'float32', [3, 5, 11], fill('float32', 165));
          const y = box(on, 'float32', shape, null);
          on.kernels.gather(shape, 11, y, x, picked);
          return unbox(y);
        };
        expect(gather(backend), `${dtype} ${strides}`).toEqual(gather(plain));
      }
  });
});

describe.each(compiled)('places of extrema, %s', (_name, backend) => {
  const compare = (dtype: DType, shape: number[], values: Value[], byColumns: boolean): void => {
    const dims = shape.length;
    const strides = dense(byColumns ? shape.toReversed() : shape);
    const layout = { offset: 1, strides: byColumns ? strides.toReversed() : strides };
    for (const mode of ['max', 'min'] as const) {
      const places = (on: Backend): Value[] => {
        const y = box(on, 'int32', shape.slice(0, -1), null);
        on.kernels.argReduce(mode, shape, y, box(on, dtype, shape, values, layout));
        expect(untouchedAround(y)).toBe(true);
        return unbox(y);
      };
      expect(places(backend), `${mode} of ${dtype} [${shape}] ${dims}`).toEqual(places(plain));
    }
  };

  it('are the first of ties, in rows and columns of every length', () => {
    for (const dtype of BACKEND_DTYPES)
      for (const [kept, along] of [
        [1, 1],
        [3, 7],
        [5, 16],
        [17, 33],
        [35, 3],
      ] as const) {
        const values = fill(dtype, kept * along);
        compare(dtype, [kept, along], values, false);
        compare(dtype, [kept, along], values, true);
      }
  });

  it('are those of the first NaN, wherever it stands', () => {
    for (const dtype of ['float32', 'float64'] as const)
      for (let at = 0; at < 21; at++) {
        const values = fill(dtype, 19 * 21);
        for (let row = 0; row < 19; row++) {
          values[row * 21 + at] = Number.NaN;
          values[row * 21 + 20] = Number.NaN;
        }
        compare(dtype, [19, 21], values, false);
        compare(dtype, [19, 21], values, true);
      }
  });

  it('treat -0 as 0, infinities as numbers, and keep all bits of int64', () => {
    const { NEGATIVE_INFINITY: low, POSITIVE_INFINITY: high } = Number;
    compare('float32', [2, 4], [-0, 0, 0, -0, low, low, high, high], false);
    compare('float64', [2, 4], [low, low, low, low, high, high, high, high], false);
    const wide = [2n ** 62n, 2n ** 62n + 1n, -(2n ** 63n), 2n ** 62n + 1n];
    compare('int64', [1, 4], wide, false);
    compare('int64', [4, 4], [wide, wide, wide, wide].flat(), true);
    compare('int32', [1, 5], [-(2 ** 31), 2 ** 31 - 1, 0, 2 ** 31 - 1, -(2 ** 31)], false);
  });

  it('are shared and whole when there are many', () => {
    const shape = [700, 300];
    const values = Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7919) % 1013);
    for (let turn = 0; turn < 2; turn++) {
      compare('float32', shape, values, false);
      compare('float32', shape, values, true);
    }
  });
});
