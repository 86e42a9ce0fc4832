import { add, mul } from '@flambeau/core';
import { type ConformanceCase, ensure } from './case.ts';
import { compareValues } from './compare.ts';
import { benchCase } from './memory.ts';
import { blank, program } from './programs.ts';

const addition = () => program('add float32', () => add(blank('float32'), blank('float32')));
const doubling = () => program('mul float32 by a parameter', () => mul(blank('float32'), 3));

export const orderingCases: readonly ConformanceCase[] = [
  benchCase('order: a read is a snapshot at the call', async (bench) => {
    const memory = bench.allocate(64);
    const { backend } = bench;
    const reads: Promise<Uint8Array>[] = [];
    for (let i = 0; i < 20; i++) {
      backend.write(memory, 0, new Uint8Array(64).fill(i));
      reads.push(backend.read(memory, 0, 64));
    }
    // All together: a backend that fails one must not leave others that nobody waits for.
    for (const [i, bytes] of (await Promise.all(reads)).entries()) {
      compareValues(`read ${i}`, bytes, new Uint8Array(64).fill(i));
    }
  }),

  benchCase('order: kernels see what was enqueued before them, and nothing after', async (bench) => {
    const { backend } = bench;
    const x = bench.box('float32', [4], [1, 2, 3, 4]);
    const y = bench.box('float32', [4], null);
    backend.kernels.pointwise(addition(), [4], y, [x, x], []);
    bench.backend.write(x.allocation, 0, new Uint8Array(16).fill(0));
    const z = bench.box('float32', [4], null);
    backend.kernels.pointwise(addition(), [4], z, [y, x], []);
    compareValues('the sum before the write', await bench.values(y), [2, 4, 6, 8]);
    compareValues('the sum after it', await bench.values(z), [2, 4, 6, 8]);
  }),

  benchCase('order: a chain of many kernels', async (bench) => {
    let x = bench.box('float32', [3], [1, 2, 3]);
    const one = bench.box('float32', [3], [1, 1, 1]);
    for (let i = 0; i < 300; i++) {
      const y = bench.box('float32', [3], null);
      bench.backend.kernels.pointwise(addition(), [3], y, [x, one], []);
      bench.free(x.allocation);
      x = y;
    }
    compareValues('after 300 additions', await bench.values(x), [301, 302, 303]);
  }),

  benchCase('order: parameters are read at the call', async (bench) => {
    const x = bench.box('float32', [2], [1, 2]);
    const parameters = [5];
    const shape = [2];
    const y = bench.box('float32', [2], null);
    bench.backend.kernels.pointwise(doubling(), shape, y, [x], parameters);
    parameters[0] = 7;
    shape[0] = 1;
    compareValues('x * 5', await bench.values(y), [5, 10]);
  }),

  benchCase('lifetime: memory freed after a kernel was enqueued is read by it first', async (bench) => {
    const { backend } = bench;
    const x = bench.box(
      'float32',
      [1000],
      Array.from({ length: 1000 }, (_, i) => i),
    );
    const y = bench.box('float32', [1000], null);
    backend.kernels.pointwise(addition(), [1000], y, [x, x], []);
    bench.free(x.allocation);
    for (let i = 0; i < 8; i++) bench.box('float32', [1000], new Array(1000).fill(-1));
    compareValues(
      'twice x',
      await bench.values(y),
      Array.from({ length: 1000 }, (_, i) => 2 * i),
    );
  }),

  benchCase('lifetime: memory freed after a read or a copy was enqueued', async (bench) => {
    const { backend } = bench;
    const source = bench.allocate(4096);
    const target = bench.allocate(4096);
    backend.write(source, 0, new Uint8Array(4096).fill(9));
    backend.copy(source, 0, target, 0, 4096);
    const read = backend.read(source, 0, 4096);
    bench.free(source);
    const other = bench.allocate(4096);
    backend.write(other, 0, new Uint8Array(4096).fill(3));
    compareValues('the read', await read, new Uint8Array(4096).fill(9));
    compareValues('the copy', await backend.read(target, 0, 4096), new Uint8Array(4096).fill(9));
  }),

  benchCase('order: synchronize waits for all that was enqueued', async (bench) => {
    const { backend } = bench;
    const x = bench.box('float32', [4], [1, 2, 3, 4]);
    backend.kernels.pointwise(addition(), [4], x, [x, x], []);
    await backend.synchronize();
    await backend.synchronize();
    compareValues('in place', await bench.result('add', x), [2, 4, 6, 8]);
    ensure((await backend.synchronize()) === undefined, 'synchronize gives nothing');
  }),
];
