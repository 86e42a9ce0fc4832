import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Blocks, classIndex, classSize } from '../../src/heap/blocks.ts';
import { createHeap } from '../../src/heap/heap.ts';

describe('size classes', () => {
  it('waste at most an eighth, rise with the size, and are numbered without gaps', () => {
    let last = { size: 0, index: -1 };
    for (let units = 1; units < 20_000; units++) {
      const size = classSize(units);
      const index = classIndex(size);
      expect(size).toBeGreaterThanOrEqual(units);
      expect(size).toBeLessThanOrEqual(Math.ceil(units * 1.125));
      if (size === last.size) expect(index).toBe(last.index);
      else expect(index).toBe(last.index + 1);
      last = { size, index };
    }
  });

  it('serve sizes up to 4 GiB', () => {
    expect(classSize(2 ** 26)).toBe(2 ** 26);
    expect(classSize(2 ** 25 + 1)).toBe(2 ** 25 + 2 ** 22);
  });
});

describe('blocks', () => {
  it('never overlap, whatever is taken and given', () => {
    const step = fc.record({ units: fc.integer({ min: 1, max: 300 }), give: fc.nat(), join: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const blocks = new Blocks(1, 4001);
        const live: { start: number; size: number }[] = [];
        for (const { units, give, join } of steps) {
          const size = classSize(units);
          const start = blocks.take(size);
          if (start >= 0) {
            expect(start).toBeGreaterThanOrEqual(1);
            expect(start + size).toBeLessThanOrEqual(4001);
            for (const other of live)
              expect(start >= other.start + other.size || start + size <= other.start).toBe(true);
            live.push({ start, size });
          }
          if (give % 3 === 0 && live.length > 0) {
            const [gone] = live.splice(give % live.length, 1);
            blocks.give(gone!.start, gone!.size);
          }
          if (join) blocks.join();
        }
        expect(blocks.used).toBe(live.reduce((sum, { size }) => sum + size, 0));
        for (const { start, size } of live) blocks.give(start, size);
        blocks.join();
        expect(blocks.take(classSize(3500))).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  it('gives the block that came back last', () => {
    const blocks = new Blocks(1, 100);
    const a = blocks.take(4);
    blocks.take(4);
    blocks.give(a, 4);
    expect(blocks.take(4)).toBe(a);
  });
});

describe('heap', () => {
  const heap = (options = {}) => createHeap({ maxByteLength: 64 * 2 ** 20, ...options })!;

  it('gives addresses on cache lines, never 0', () => {
    const h = heap();
    for (const byteLength of [1, 64, 65, 1000, 100_000]) {
      const address = h.allocate(byteLength);
      expect(address).toBeGreaterThan(0);
      expect(address % 64).toBe(0);
    }
  });

  it('grows, and says when typed arrays of the old buffer are void', () => {
    const h = heap({ shared: false });
    const before = h.memory.buffer.byteLength;
    expect(h.allocate(20 * 2 ** 20)).toBeGreaterThan(0);
    expect(h.memory.buffer.byteLength).toBeGreaterThan(before);
    expect(h.generation).toBe(1);
  });

  it('a shared memory keeps its typed arrays when it grows', () => {
    const h = heap({ shared: true });
    const address = h.allocate(64);
    const view = new Float32Array(h.memory.buffer, address, 16).fill(3);
    expect(h.allocate(30 * 2 ** 20)).toBeGreaterThan(0);
    expect(h.generation).toBe(0);
    expect(new Float32Array(h.memory.buffer, address, 16)[5]).toBe(3);
    expect(view[5]).toBe(3);
  });

  it('keeps a quarter for workspace', () => {
    const h = heap();
    expect(h.allocate(40 * 2 ** 20)).toBeGreaterThan(0);
    expect(h.allocate(10 * 2 ** 20)).toBe(0);
    expect(h.allocateWorkspace(10 * 2 ** 20)).toBeGreaterThan(0);
    expect(h.allocateWorkspace(30 * 2 ** 20)).toBe(0);
  });

  it('joins small blocks for a large one when it may grow no more', () => {
    const h = heap();
    const small = Array.from({ length: 40 }, () => h.allocate(2 ** 20));
    expect(small.every((address) => address > 0)).toBe(true);
    for (const address of small) h.free(address, 2 ** 20);
    expect(h.allocate(44 * 2 ** 20)).toBeGreaterThan(0);
  });
});
