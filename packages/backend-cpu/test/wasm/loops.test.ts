import type { DType } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { cpu } from '../../src/index.ts';
import { type Box, box, program, unbox } from '../support.ts';

const alone = cpu({ threads: 1 });
const together = cpu({ threads: 2 });

/** float32 in [0, 1), the same every time. */
function randoms(count: number): Float32Array {
  const x = new Float32Array(count);
  let state = 7;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    x[i] = state / 2 ** 32;
  }
  return x;
}

function boxOf(backend: typeof alone, shape: readonly number[], data: Float32Array): Box {
  const tensor = box(backend, 'float32', [1], [0]);
  const allocation = backend.allocate(data.byteLength, 'float32');
  backend.write(allocation, 0, new Uint8Array(data.buffer));
  const strides = shape.map((_, dim) => shape.slice(dim + 1).reduce((a, b) => a * b, 1));
  return { ...tensor, allocation, shape, strides, length: data.length };
}

const identity = (type: DType) => program([type], type, (s) => s.input(0, type));
const sum = {
  key: 'sum',
  id: 0,
  combiner: 'sum',
  pre: identity('float32'),
  post: identity('float32'),
} as const;

describe('loops in WebAssembly', () => {
  it('adds 16 million random float32 with a relative error below 1e-6', () => {
    const data = randoms(2 ** 24);
    let exact = 0;
    for (const x of data) exact += x;
    for (const backend of [alone, cpu({ relaxedSimd: 'off', sharedMemory: 'off' })]) {
      const output = box(backend, 'float32', [], null);
      backend.kernels.reduce(sum, [data.length], 0, output, [boxOf(backend, [data.length], data)], []);
      expect(Math.abs(Number(unbox(output)[0]) / exact - 1)).toBeLessThan(1e-6);
    }
  });

  it('adds many rows of few columns as exactly', () => {
    const data = randoms(2 ** 20);
    const [rows, columns] = [2 ** 17, 8];
    const output = box(alone, 'float32', [columns], null);
    const input = boxOf(alone, [columns, rows], data);
    alone.kernels.reduce(sum, [columns, rows], 1, output, [{ ...input, strides: [1, columns] }], []);
    for (const [c, y] of unbox(output).entries()) {
      let exact = 0;
      for (let r = 0; r < rows; r++) exact += data[r * columns + c]!;
      expect(Math.abs(Number(y) / exact - 1)).toBeLessThan(1e-6);
    }
  });

  it.each([
    ['one row', [60_003]],
    ['rows', [170, 501]],
    ['few long rows', [3, 30_001]],
  ] as const)('gives the same on one thread and on two: %s', (_name, shape) => {
    const size = shape.reduce<number>((a, b) => a * b, 1);
    const data = randoms(size);
    const wave = program(['float32'], 'float32', (s) => {
      const at = s.index(shape.length - 1);
      const row = s.index(0);
      const place = s.cast(s.binary('add', s.binary('mul', row, s.literal(3, 'int32')), at), 'float32');
      s.binary('add', s.unary('exp', s.input(0, 'float32')), place);
    });
    const results = [alone, together, together].map((backend) => {
      const output = boxOf(backend, shape, new Float32Array(size));
      const input = boxOf(backend, shape, data);
      backend.kernels.pointwise(wave, shape, output, [input], []);
      const totals = box(backend, 'float32', [shape.at(-1)!], null);
      const strides = [1, ...(shape.length > 1 ? [shape[1]!] : [])];
      const turned = { ...output, strides };
      const sizes = [...shape].reverse();
      backend.kernels.reduce(sum, sizes, 1, totals, [turned], []);
      const bytes = (tensor: Box): Uint8Array => backend.readSync!(tensor.allocation, 0, tensor.length * 4);
      return [bytes(output), bytes(totals)].map((part) => Array.from(new Float32Array(part.buffer)).join());
    });
    // Text, as comparing so many numbers one by one takes long.
    expect(results[1]!.join() === results[0]!.join()).toBe(true);
    expect(results[2]!.join() === results[0]!.join()).toBe(true);
  });

  it('walks transposed operands in tiles', () => {
    const [rows, columns] = [130, 200];
    const data = randoms(rows * columns);
    const output = box(alone, 'float32', [rows, columns], null);
    const input = { ...boxOf(alone, [rows, columns], data), strides: [1, rows] };
    alone.kernels.pointwise(identity('float32'), [rows, columns], output, [input], []);
    const expected = Array.from(
      { length: rows * columns },
      (_, i) => data[Math.floor(i / columns) + (i % columns) * rows]!,
    );
    expect(unbox(output)).toEqual(expected);
  });

  it('takes operands that lie outside the heap beside such that lie in it', () => {
    const add = program(['float32', 'float32'], 'float32', (s) => {
      s.binary('add', s.input(0, 'float32'), s.input(1, 'float32'));
    });
    const large = box(
      alone,
      'float32',
      [100],
      Array.from({ length: 100 }, (_, i) => i),
    );
    const small = { ...box(alone, 'float32', [1], [5]), strides: [0], shape: [100] };
    const output = box(alone, 'float32', [100], null);
    alone.kernels.pointwise(add, [100], output, [large, small], []);
    expect(unbox(output)).toEqual(Array.from({ length: 100 }, (_, i) => i + 5));
  });
});
