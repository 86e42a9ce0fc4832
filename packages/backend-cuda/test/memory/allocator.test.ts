import { OutOfMemoryError } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { Allocator, classSize } from '../../src/memory/allocator.ts';

const MIB = 2 ** 20;

/** A driver with room for so many bytes that never hands out an address twice. */
function driver(room = 64 * MIB) {
  const held = new Map<number, number>();
  let next = 2 ** 40;
  let used = 0;
  return {
    held,
    allocate(byteLength: number): number {
      if (used + byteLength > room) return 0;
      const address = next;
      next += byteLength + 4096;
      held.set(address, byteLength);
      used += byteLength;
      return address;
    },
    release(address: number): void {
      used -= held.get(address)!;
      held.delete(address);
    },
    memoryInfo: () => ({ free: room - used, total: room }),
  };
}

describe('size classes', () => {
  it('waste an eighth at most, and are multiples of 128 bytes', () => {
    for (let byteLength = 1; byteLength < 3 * MIB; byteLength = Math.ceil(byteLength * 1.07)) {
      const size = classSize(byteLength);
      expect(size).toBeGreaterThanOrEqual(byteLength);
      expect(size % 128).toBe(0);
      if (byteLength > 1024) expect(size).toBeLessThanOrEqual(byteLength * 1.126);
      expect(classSize(size)).toBe(size);
    }
  });

  it('work beyond 32 bits', () => {
    expect(classSize(2 ** 33)).toBe(2 ** 33);
    expect(classSize(2 ** 33 + 1)).toBe(2 ** 33 + 2 ** 30);
  });
});

describe('the allocator', () => {
  it('gives living allocations memory of their own', () => {
    const source = driver();
    const allocator = new Allocator(source, 'cuda', false);
    const living = [1, 16, 512, 513, 4000, 70_000, 3 * MIB, 512, 512].map((n) => allocator.allocate(n));
    const spans = living.map(({ address, byteLength }) => [address, address + byteLength] as const);
    spans.sort((a, b) => a[0] - b[0]);
    for (let i = 1; i < spans.length; i++) expect(spans[i]![0]).toBeGreaterThanOrEqual(spans[i - 1]![1]);
    for (const [from, to] of spans) {
      const owner = [...source.held].find(([address, n]) => from >= address && to <= address + n);
      expect(owner).toBeDefined();
    }
  });

  it('uses memory again without asking the driver', () => {
    const source = driver();
    const allocator = new Allocator(source, 'cuda', false);
    for (let i = 0; i < 1000; i++) allocator.free(allocator.allocate(1000 + (i % 5)));
    expect(source.held.size).toBe(1);
    expect(allocator.usedByteLength).toBe(0);
    expect(allocator.reservedByteLength).toBe(2 * MIB);
  });

  it('gives back what nobody uses, and keeps slabs in use', () => {
    const source = driver();
    const allocator = new Allocator(source, 'cuda', false);
    const small = allocator.allocate(100);
    allocator.free(allocator.allocate(10_000));
    allocator.free(allocator.allocate(5 * MIB));
    expect(allocator.trim()).toBe(7 * MIB);
    expect(source.held.size).toBe(1);
    const again = allocator.allocate(100);
    expect(again.address).not.toBe(small.address);
    allocator.free(again);
    allocator.free(small);
    expect(allocator.trim()).toBe(2 * MIB);
    expect(source.held.size).toBe(0);
  });

  it('gives unused memory back before it refuses, and says what there is', () => {
    const allocator = new Allocator(driver(64 * MIB), 'cuda', false);
    allocator.free(allocator.allocate(40 * MIB));
    const kept = allocator.allocate(56 * MIB);
    const refused = (): unknown => allocator.allocate(16 * MIB);
    expect(refused).toThrow(OutOfMemoryError);
    expect(refused).toThrow(
      'cuda: no room for 16.0 MiB: 8.0 MiB of 64.0 MiB are free, 56.0 MiB are in use here',
    );
    allocator.free(kept);
    expect(allocator.allocate(16 * MIB).byteLength).toBe(16 * MIB);
    expect(allocator.peakReservedByteLength).toBe(56 * MIB);
  });

  it('asks for each allocation by itself where it is exact', () => {
    const source = driver();
    const allocator = new Allocator(source, 'cuda', true);
    const allocation = allocator.allocate(17);
    expect([...source.held.values()]).toEqual([32]);
    allocator.free(allocation);
    expect(source.held.size).toBe(0);
  });

  it('refuses to free twice', () => {
    const allocator = new Allocator(driver(), 'cuda', false);
    const allocation = allocator.allocate(4);
    allocator.free(allocation);
    expect(() => allocator.free(allocation)).toThrow('cuda: memory is freed twice');
  });
});
