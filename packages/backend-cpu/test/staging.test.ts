import type { Operand } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import {
  allocate,
  type CpuAllocation,
  HeapAllocation,
  numbersOf,
  readBytes,
  writeBytes,
} from '../src/allocation.ts';
import { createHeap } from '../src/heap/heap.ts';
import { inHeap, staged } from '../src/staging.ts';

const heap = createHeap({ maxByteLength: 32 * 2 ** 20 })!;
const operand = (length: number, fill: number, room: typeof heap | null = heap): Operand => {
  const made: Operand = {
    allocation: allocate(room, length * 4, 'float32'),
    dtype: 'float32',
    offset: 0,
    strides: [1],
  };
  numbersOf(made).fill(fill);
  return made;
};

describe('staging', () => {
  it('shows a kernel heap operands only, and brings its outputs back', () => {
    const [large, small, spilled] = [operand(100, 1), operand(4, 2), operand(100, 3, null)];
    const output = operand(100, 0, null);
    const done = staged(heap, [output], [large, small, spilled], ([y], [a, b, c]) => {
      expect([y, a, b, c].every((x) => inHeap(x!))).toBe(true);
      expect(a).toBe(large);
      for (let i = 0; i < 100; i++)
        numbersOf(y!)[i] = numbersOf(a!)[i]! + numbersOf(b!)[i % 4]! * numbersOf(c!)[i]!;
    });
    expect(done).toBe(true);
    expect([...numbersOf(output)]).toEqual(new Array(100).fill(7));
  });

  it('keeps its places for small copies, and nothing else', () => {
    const sum = (): boolean =>
      staged(heap, [operand(1, 0)], [operand(4, 1), operand(100, 1, null)], () => {});
    sum();
    const before = heap.usedByteLength;
    for (let i = 0; i < 10; i++) expect(sum()).toBe(true);
    expect(heap.usedByteLength).toBe(before);
  });

  it('has places apart for copies inside of copies', () => {
    const [outer, inner] = [operand(4, 1), operand(4, 2)];
    staged(heap, [], [outer], (_, [a]) => {
      staged(heap, [inner], [], ([y]) => {
        expect(y!.allocation).not.toBe(a!.allocation);
        numbersOf(y!)[0] = 9;
      });
      expect(numbersOf(a!)[0]).toBe(1);
    });
    expect([...numbersOf(inner)]).toEqual([9, 2, 2, 2]);
  });

  it.each(['int64', 'uint8', 'float16', 'bool'] as const)('copies small %s bit by bit', (dtype) => {
    const x: Operand = { allocation: allocate(null, 32, dtype), dtype, offset: 0, strides: [1] };
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
    writeBytes(x.allocation as CpuAllocation, 0, bytes);
    staged(heap, [x], [], ([y]) => {
      expect([...readBytes(y!.allocation as CpuAllocation, 0, 32)]).toEqual([...bytes]);
      writeBytes(y!.allocation as CpuAllocation, 8, Uint8Array.of(1, 2));
    });
    bytes.set([1, 2], 8);
    expect([...readBytes(x.allocation as CpuAllocation, 0, 32)]).toEqual([...bytes]);
  });

  it('copies an operand that comes twice once, so that an output may be an input', () => {
    const x = operand(8, 5);
    staged(heap, [x], [x], ([y], [a]) => {
      expect(y!.allocation).toBe(a!.allocation);
      numbersOf(y!)[0] = 9;
    });
    expect(numbersOf(x)[0]).toBe(9);
  });

  it('gives its copies back when a kernel throws, and does nothing where there is no room', () => {
    const before = heap.usedByteLength;
    expect(() =>
      staged(heap, [], [operand(4, 0)], () => {
        throw new RangeError('no');
      }),
    ).toThrow('no');
    expect(heap.usedByteLength).toBe(before);
    const huge = operand(9 * 2 ** 20, 0, null);
    expect(huge.allocation).not.toBeInstanceOf(HeapAllocation);
    expect(staged(heap, [], [huge], () => expect.unreachable())).toBe(false);
    expect(heap.usedByteLength).toBe(before);
  });
});
