import type { Operand } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { allocate, HeapAllocation, numbersOf } from '../src/allocation.ts';
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
    const before = heap.usedByteLength;
    const done = staged(heap, [output], [large, small, spilled], ([y], [a, b, c]) => {
      expect([y, a, b, c].every((x) => inHeap(x!))).toBe(true);
      expect(a).toBe(large);
      for (let i = 0; i < 100; i++)
        numbersOf(y!)[i] = numbersOf(a!)[i]! + numbersOf(b!)[i % 4]! * numbersOf(c!)[i]!;
    });
    expect(done).toBe(true);
    expect([...numbersOf(output)]).toEqual(new Array(100).fill(7));
    expect(heap.usedByteLength).toBe(before);
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
