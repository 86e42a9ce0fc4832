import type { Allocation } from '@flambeau/core/backend';
import { OutOfMemoryError } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { ArrayAllocation, ArrayKind, type CpuAllocation, cpu, HeapAllocation } from '../src/index.ts';
import { BACKEND_DTYPES } from './support.ts';

const backend = cpu();
const bytes = (count: number, from = 1): Uint8Array => Uint8Array.from({ length: count }, (_, i) => from + i);
const all = (allocation: Allocation): number[] => [
  ...backend.readSync!(allocation, 0, allocation.byteLength),
];

describe('cpu memory', () => {
  it.each([0, 1, 3, 16, 17, 64, 65, 1000])('holds %i bytes in multiples of 16', (byteLength) => {
    for (const dtype of BACKEND_DTYPES) {
      const allocation = backend.allocate(byteLength, dtype) as CpuAllocation;
      expect(allocation.byteLength).toBe(byteLength);
      expect(allocation.view(ArrayKind.uint8).byteLength).toBe(Math.ceil(byteLength / 16) * 16);
    }
  });

  it.each(BACKEND_DTYPES)('writes and reads bytes of %s at any place', (dtype) => {
    for (const size of [48, 480]) {
      const allocation = backend.allocate(size, dtype);
      const expected = bytes(size);
      backend.write(allocation, 0, expected);
      backend.write(allocation, 16, bytes(8, 100));
      expected.set(bytes(8, 100), 16);
      backend.write(allocation, 3, bytes(5, 50));
      expected.set(bytes(5, 50), 3);
      backend.write(allocation, 32, bytes(9, 200).subarray(1));
      expected.set(bytes(8, 201), 32);
      expect(all(allocation)).toEqual([...expected]);
      expect([...backend.readSync!(allocation, 5, 11)]).toEqual([...expected.subarray(5, 16)]);
    }
  });

  it('copies between memories of any dtypes, and within one', () => {
    for (const size of [48, 480]) {
      for (const from of BACKEND_DTYPES) {
        for (const to of BACKEND_DTYPES) {
          const source = backend.allocate(size, from);
          const target = backend.allocate(size, to);
          backend.write(source, 0, bytes(size));
          backend.write(target, 0, new Uint8Array(size));
          backend.copy(source, 8, target, 16, 24);
          backend.copy(source, 1, target, 5, 3);
          const expected = new Uint8Array(size);
          expected.set(bytes(24, 9), 16);
          expected.set(bytes(3, 2), 5);
          expect(all(target)).toEqual([...expected]);
          backend.copy(target, 16, target, 24, 16);
          expected.copyWithin(24, 16, 32);
          expect(all(target)).toEqual([...expected]);
        }
      }
    }
  });

  it('gives snapshots: later writes do not change what was read', async () => {
    const allocation = backend.allocate(16, 'float32');
    backend.write(allocation, 0, bytes(16));
    const sync = backend.readSync!(allocation, 0, 16);
    const promise = backend.read(allocation, 0, 16);
    backend.write(allocation, 0, new Uint8Array(16));
    expect([...sync]).toEqual([...bytes(16)]);
    expect([...(await promise)]).toEqual([...bytes(16)]);
    await backend.synchronize();
  });

  it('shows the same bytes as arrays of every class', () => {
    for (const allocation of [new ArrayAllocation(16, ArrayKind.float32), backend.allocate(160, 'float32')]) {
      const memory = allocation as CpuAllocation;
      (memory.view(ArrayKind.float32) as Float32Array).set([1, 0, 0, 0]);
      expect(memory.view(ArrayKind.int32)[0]).toBe(0x3f800000);
      expect(memory.view(ArrayKind.uint8)[3]).toBe(0x3f);
      expect(memory.view(ArrayKind.int64)).toBe(memory.view(ArrayKind.int64));
    }
  });

  it('puts small memory into arrays of their own and all other into the heap, where it is used again', () => {
    expect(backend.allocate(64, 'float32')).toBeInstanceOf(ArrayAllocation);
    const first = backend.allocate(65, 'float32') as HeapAllocation;
    expect(first).toBeInstanceOf(HeapAllocation);
    backend.free(first);
    expect((backend.allocate(65, 'int32') as HeapAllocation).address).toBe(first.address);
    expect(cpu({ wasm: 'off' }).allocate(1000, 'float32')).toBeInstanceOf(ArrayAllocation);
  });

  it('keeps the object of a block that serves again, and gives one of another size its own', () => {
    const single = cpu({ threads: 1 });
    const first = single.allocate(100, 'float32') as HeapAllocation;
    single.free(first);
    const other = single.allocate(120, 'int32') as HeapAllocation;
    expect(other.address).toBe(first.address);
    expect(other).not.toBe(first);
    expect([first.byteLength, other.byteLength]).toEqual([100, 120]);
    single.free(other);
    expect(single.allocate(120, 'float32')).toBe(other);
    const elsewhere = single.allocate(120, 'float32') as HeapAllocation;
    expect(elsewhere.address).not.toBe(other.address);
    expect(other.view(ArrayKind.float32).length).toBe(32);
  });

  it('keeps the content when a memory that is not shared grows', () => {
    const single = cpu({ sharedMemory: 'off' });
    const small = single.allocate(100, 'float32');
    single.write(small, 0, bytes(100));
    expect(single.allocate(40 * 2 ** 20, 'float32')).toBeInstanceOf(HeapAllocation);
    expect([...single.readSync!(small, 0, 100)]).toEqual([...bytes(100)]);
  });

  it('gives typed arrays when the heap is full', () => {
    const narrow = cpu({ maxByteLength: 32 * 2 ** 20 });
    const blocks = Array.from({ length: 5 }, () => narrow.allocate(8 * 2 ** 20, 'float32'));
    expect(blocks.map((block) => block instanceof HeapAllocation)).toEqual([true, true, true, false, false]);
  });

  it('says when there is no room', () => {
    expect(() => backend.allocate(2 ** 52, 'float32')).toThrow(OutOfMemoryError);
    expect(() => backend.allocate(2 ** 52, 'float32')).toThrow(
      'cpu: 4503599627370496 bytes of float32 could not be allocated',
    );
  });

  it('states its limits', () => {
    expect(backend).toMatchObject({ apiVersion: 1, device: 'cpu', name: 'JavaScript' });
    expect(backend.limits).toMatchObject({ synchronousReads: true, roomByteLength: 3 * 2 ** 30 });
    expect(backend.limits.dtypes).toEqual(BACKEND_DTYPES);
    expect(cpu({ compiler: 'closures' }).name).toBe('JavaScript, without compiling');
  });
});
