import type { Backend, DType } from '@flambeau/core/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../src/half.ts';
import { cpu } from '../src/index.ts';
import {
  BACKEND_DTYPES,
  type Box,
  box,
  type Layout,
  layoutOf,
  seeded,
  shapeOf,
  sizeOf,
  unbox,
  untouchedAround,
  type Value,
  valuesFor,
} from './support.ts';

const backends: readonly [string, Backend][] = [
  ['JavaScript source', cpu({ wasm: 'off', compiler: 'function' })],
  ['JavaScript closures', cpu({ wasm: 'off', compiler: 'closures' })],
  ['WebAssembly on one thread', cpu({ threads: 1 })],
  ['WebAssembly on two threads', cpu({ threads: 2 })],
  ['WebAssembly without relaxed SIMD', cpu({ threads: 1, relaxedSimd: 'off' })],
  ['WebAssembly without shared memory', cpu({ sharedMemory: 'off' })],
];

/** Products of values this small are exact in every dtype. */
const element = (dtype: DType): fc.Arbitrary<Value> =>
  dtype === 'bool'
    ? fc.boolean()
    : dtype === 'int64'
      ? fc.bigInt({ min: -3n, max: 3n })
      : fc.integer({ min: dtype === 'uint8' ? 0 : -3, max: 3 });

/** An exact sum, stored in a dtype. */
function stored(dtype: DType, sum: number): Value {
  switch (dtype) {
    case 'int64':
      return BigInt(sum);
    case 'bool':
      return sum !== 0;
    case 'int32':
      return sum | 0;
    case 'uint8':
      return sum & 255;
    case 'int8':
      return (sum << 24) >> 24;
    case 'float16':
      return fromFloat16(toFloat16(sum));
    case 'bfloat16':
      return fromBfloat16(toBfloat16(sum));
    default:
      return sum;
  }
}

/** The product by its definition: exact, as the elements are small. */
function product(dtype: DType, a: Box, b: Box): Value[] {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape[b.shape.length - 1]!;
  const count = sizeOf(a.shape) / (m * k);
  const [x, y] = [unbox(a).map(Number), unbox(b).map(Number)];
  const result: Value[] = [];
  for (let batch = 0; batch < count; batch++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += x[(batch * m + i) * k + l]! * y[(batch * k + l) * n + j]!;
        result.push(stored(dtype, sum));
      }
    }
  }
  return result;
}

describe.each(backends)('matmul by %s', (name, backend) => {
  const check = (
    dtype: DType,
    batch: number[],
    [m, k, n]: readonly [number, number, number],
    a: Box,
    b: Box,
    layout?: Layout,
  ): void => {
    const y = box(backend, dtype, [...batch, m, n], null, layout);
    backend.kernels.matmul({ batch, m, k, n }, y, a, b);
    expect(unbox(y)).toEqual(product(dtype, a, b));
    expect(untouchedAround(y)).toBe(true);
  };

  it('multiplies any sizes of any strides in every dtype', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 17 }));
    const cases = fc
      .record({
        dtype: fc.constantFrom(...BACKEND_DTYPES),
        batch: shapeOf(0, 2, 3),
        m: size,
        k: size,
        n: size,
      })
      .chain((sizes) => {
        const { dtype, batch, m, k, n } = sizes;
        return fc.record({
          sizes: fc.constant(sizes),
          a: layoutOf([...batch, m, k], true),
          b: layoutOf([...batch, k, n], true),
          y: layoutOf([...batch, m, n]),
          x: valuesFor(element(dtype), sizeOf(batch) * m * k),
          z: valuesFor(element(dtype), sizeOf(batch) * k * n),
        });
      })
      // bfloat16 holds integers up to 256 exactly.
      .filter(({ sizes }) => sizes.dtype !== 'bfloat16' || sizes.k <= 12);
    fc.assert(
      fc.property(cases, ({ sizes: { dtype, batch, m, k, n }, a, b, y, x, z }) => {
        check(
          dtype,
          batch,
          [m, k, n],
          box(backend, dtype, [...batch, m, k], x, a),
          box(backend, dtype, [...batch, k, n], z, b),
          y,
        );
      }),
      seeded(400),
    );
  });

  it.each([
    ['several blocks of rows', 300, 20, 30],
    ['several blocks of columns', 20, 30, 600],
    ['several steps in depth', 9, 1100, 7],
    ['one row', 1, 50, 70],
    ['one column', 70, 50, 1],
    ['two rows', 2, 33, 65],
    ['an outer product', 40, 1, 50],
    ['a dot product', 1, 999, 1],
  ] as const)('%s: %i x %i x %i', (_case, m, k, n) => {
    for (const dtype of ['float32', 'int32', 'float16', 'bfloat16', 'int8', 'uint8'] as const) {
      const least = dtype === 'uint8' ? 0 : -3;
      const values = (count: number): number[] =>
        Array.from({ length: count }, (_, i) => ((i * 7919) % 7) + least);
      const [x, z] = [values(m * k), values(k * n)];
      for (const a of [
        { offset: 0, strides: [k, 1] },
        { offset: 2, strides: [1, m] },
      ]) {
        for (const b of [
          { offset: 1, strides: [n, 1] },
          { offset: 0, strides: [1, k] },
        ]) {
          check(dtype, [], [m, k, n], box(backend, dtype, [m, k], x, a), box(backend, dtype, [k, n], z, b), {
            offset: 0,
            strides: [n, 1],
          });
        }
      }
    }
  });

  it('multiplies so deep that few lines fit into a packed block', () => {
    const [m, k, n] = [14, 20_000, 5];
    const values = (count: number): number[] => Array.from({ length: count }, (_, i) => ((i * 7919) % 7) - 3);
    const a = box(backend, 'float32', [m, k], values(m * k));
    check('float32', [], [m, k, n], a, box(backend, 'float32', [k, n], values(k * n)));
  });

  it('wraps integers', () => {
    const one = (dtype: DType, a: Value, b: Value): Value => {
      const y = box(backend, dtype, [1, 1], null);
      backend.kernels.matmul(
        { batch: [], m: 1, k: 2, n: 1 },
        y,
        box(backend, dtype, [1, 2], [a, a]),
        box(backend, dtype, [2, 1], [b, b]),
      );
      return unbox(y)[0]!;
    };
    expect(one('int32', 2 ** 30 + 1, 3)).toBe(Number(BigInt.asIntN(32, 6n * (2n ** 30n + 1n))));
    expect(one('int64', 2n ** 62n, 3n)).toBe(-(2n ** 63n));
    expect(one('uint8', 20, 20)).toBe(800 & 255);
  });

  it('adds float32 in double in JavaScript, in parts in WebAssembly', () => {
    const k = 4096;
    const a = box(
      backend,
      'float32',
      [1, k],
      Array.from({ length: k }, (_, i) => Math.fround(Math.sin(i))),
    );
    const b = box(
      backend,
      'float32',
      [k, 1],
      Array.from({ length: k }, (_, i) => Math.fround(Math.cos(i))),
    );
    const y = box(backend, 'float32', [1, 1], null);
    backend.kernels.matmul({ batch: [], m: 1, k, n: 1 }, y, a, b);
    const [x, z] = [unbox(a).map(Number), unbox(b).map(Number)];
    const exact = x.reduce((sum, v, i) => sum + v * z[i]!, 0);
    // The sums themselves are about 0; their error is in proportion to what was added.
    const size = x.reduce((sum, v, i) => sum + Math.abs(v * z[i]!), 0);
    const tolerance = name.startsWith('JavaScript') ? 1e-9 + Math.abs(exact) * 1e-7 : size * 1e-7;
    expect(Math.abs(Number(unbox(y)[0]) - exact)).toBeLessThan(tolerance);
  });

  it('spreads NaN and infinities to their rows and columns alone', () => {
    for (const n of [3, 20]) {
      const x = Array.from({ length: n * n }, (_, i) => (i === n + 1 ? Number.NaN : 1));
      const z = Array.from({ length: n * n }, (_, i) => (i === 2 ? Number.POSITIVE_INFINITY : 1));
      const y = box(backend, 'float32', [n, n], null);
      backend.kernels.matmul(
        { batch: [], m: n, k: n, n },
        y,
        box(backend, 'float32', [n, n], x),
        box(backend, 'float32', [n, n], z),
      );
      const expected = Array.from({ length: n * n }, (_, i) =>
        Math.floor(i / n) === 1 ? Number.NaN : i % n === 2 ? Number.POSITIVE_INFINITY : n,
      );
      expect(unbox(y)).toEqual(expected);
    }
  });
});
