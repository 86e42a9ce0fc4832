import {
  add,
  cumsum,
  type Device,
  type DType,
  empty,
  matmul,
  noGrad,
  permute,
  registerBackend,
  sort,
  sum,
  type Tensor,
  update,
} from '@flambeau/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Recorder, recordingBackend } from '../../tools/recorder.ts';

const recorder = new Recorder();
registerBackend(recordingBackend(recorder, 'cuda:7'));

const tensor = (shape: readonly number[], dtype: DType = 'float32'): Tensor =>
  // Plugins extend the type of devices; this one is the test's own.
  empty(shape, { dtype, device: 'cuda:7' as Device });

const keys = (): string[] => recorder.launches.map(({ key }) => key.split(' ').slice(0, 4).join(' '));

afterEach(() => {
  recorder.launches.length = 0;
});

describe('launches', () => {
  it('take vectors where all lies side by side, and where a row repeats', () => {
    add(tensor([64, 128]), tensor([64, 128]));
    add(tensor([64, 128]), tensor([128]));
    add(tensor([64, 128], 'float16'), tensor([64, 128], 'float16'));
    expect(keys()).toEqual(['pointwise 1 false 4', 'pointwise 2 false 4', 'pointwise 1 false 8']);
    expect(recorder.launches[0]?.grid).toEqual([8, 1, 1]);
  });

  it('go element by element where vectors do not fit', () => {
    add(tensor([64, 127]), tensor([127]));
    add(permute(tensor([128, 64]), [1, 0]), tensor([64, 128]));
    expect(keys()).toEqual(['pointwise 2 false 1', 'pointwise 2 false 1']);
  });

  it('share a long sum among blocks, and give the workspace back', () => {
    sum(tensor([10_000_000]));
    expect(keys()).toEqual(['reduce partial 1 1', 'reduce final 1 1']);
    expect(recorder.launches[0]!.grid[1]).toBeGreaterThan(100);
    expect(recorder.held).toBe(0);
  });

  it('scan a long row in chunks', () => {
    cumsum(tensor([1_000_000]), 0);
    expect(keys()).toEqual(['scan totals sum float32', 'scan block sum float32', 'scan block sum float32']);
    expect(recorder.held).toBe(0);
  });

  it('sort a long row by chunks that are merged', () => {
    sort(tensor([1, 5000]), 1);
    expect(keys().map((key) => key.split(' ')[0])).toEqual([
      'sortChunks',
      'sortMerge',
      'sortMerge',
      'sortTake',
    ]);
    expect(recorder.held).toBe(0);
  });

  it('take the largest tile that keeps the device busy', () => {
    matmul(tensor([2048, 64]), tensor([64, 2048]));
    matmul(tensor([512, 64]), tensor([64, 1024]));
    matmul(tensor([64, 64]), tensor([64, 64]));
    expect(keys()).toEqual(['matmul float32 128 128', 'matmul float32 32 32', 'matmul float32 32 32']);
  });

  it('share a long product among blocks', () => {
    matmul(tensor([64, 65536]), tensor([65536, 64]));
    expect(keys()[0]).toBe('matmul float32 32 32');
    expect(recorder.launches[0]!.grid[2]).toBe(64);
    expect(keys()[1]).toMatch(/^reduce/);
    expect(recorder.held).toBe(0);
  });

  it('update sixteen rows at once, a thread for each element', () => {
    const descend = update('descend', {
      operands: ['x', 'g'],
      numbers: ['lr'],
      steps: { x: ({ x, g, lr }) => x.sub(g.mul(lr)) },
    });
    const rows = Array.from({ length: 21 }, (_, i) => [tensor([i + 1, 256]), tensor([i + 1, 256])]);
    noGrad(() => descend(rows, { lr: 0.1 }));
    expect(keys().map((key) => key.split(' ').slice(0, 2).join(' '))).toEqual([
      'update 16',
      'update 4',
      'update 1',
    ]);
    expect(recorder.launches.map(({ grid }) => grid[0])).toEqual([136, 74, 21]);
    expect(recorder.launches[0]!.argumentCount).toBe(16 * 4 + 1);
  });
});
