import { afterEach, describe, expect, it } from 'vitest';
import { createHeap } from '../../src/heap/heap.ts';
import { setNumThreads } from '../../src/index.ts';
import { ThreadPool } from '../../src/threads/pool.ts';
import { MatmulCodes } from '../../src/wasm/matmul/code.ts';
import { type Factors, Products } from '../../src/wasm/matmul/products.ts';

const heap = createHeap()!;
const pool = new ThreadPool(heap, { threads: 3 });
const codes = new MatmulCodes(heap, { relaxed: false, vectors: 2 });
const products = new Products(pool, codes);

const FLOATS = 1 << 20;
const [a, b, out, bias] = [0, 1, 2, 3].map(() => heap.allocateWorkspace(FLOATS * 4)) as [
  number,
  number,
  number,
  number,
];
const at = (address: number, length = FLOATS): Float32Array =>
  new Float32Array(heap.memory.buffer, address, length);
for (const [k, address] of [a, b, bias].entries())
  at(address).forEach((_, i, all) => {
    all[i] = Math.sin(i * (k + 1)) + k;
  });

const dense = (rows: number, depth: number, columns: number, turned: boolean): Factors => ({
  rows,
  columns,
  depth,
  aRow: depth,
  aStep: 1,
  bStep: turned ? 1 : columns,
  bColumn: turned ? depth : 1,
  ld: columns,
});

afterEach(() => {
  setNumThreads('auto');
});

describe('products on threads', () => {
  it.each([
    ['wide', dense(64, 784, 128, true), 1, false],
    ['tall', dense(391, 70, 101, false), 1, false],
    ['with a bias', dense(130, 300, 190, true), 1, true],
    ['deep', dense(50, 4000, 30, false), 1, false],
    ['few rows', dense(8, 1000, 1040, false), 1, false],
    ['one row', dense(1, 701, 77, false), 2, false],
    ['four rows', dense(4, 701, 1003, false), 1, true],
    ['two rows', dense(2, 700, 1003, false), 1, true],
    ['three rows', dense(3, 700, 1003, false), 1, true],
    ['fewer matrices than threads', dense(160, 90, 170, false), 2, false],
    ['many matrices', dense(33, 40, 37, true), 40, false],
  ] as const)('are the same numbers as on one thread: %s', async (_, factors, count, based) => {
    const element = codes.element('float32')!;
    const { rows, columns, depth } = factors;
    const steps = { a: rows * depth * 4, b: depth * columns * 4, out: rows * columns * 4 };
    const results = [];
    for (const threads of [1, 2, 3]) {
      setNumThreads(threads);
      pool.width(1e9);
      while (pool.ready < threads - 1) await new Promise((resolve) => setTimeout(resolve, 5));
      at(out).fill(Number.NaN);
      products.run(element, factors, a, b, out, count, steps, {
        address: based ? bias : 0,
        ld: 0,
      });
      results.push(at(out, rows * columns * count).slice());
    }
    expect(results[0]!.every(Number.isFinite)).toBe(true);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});
