import { readFileSync } from 'node:fs';
import { cpu } from '@flambeau/backend-cpu';
import { afterEach, describe, expect, test } from 'vitest';
import { emptyTensor } from '../../src/dispatch/operands.ts';
import type { DType } from '../../src/dtype.ts';
import { ArgumentError } from '../../src/errors.ts';
import { mul, reshape, sum } from '../../src/ops/index.ts';
import type { TypedArray } from '../../src/ops/reading.ts';
import '../../src/storage/meta.ts';
import { deviceEntry, registerBackend } from '../../src/storage/registry.ts';
import { fixed, scientific } from '../../src/tensor/number-text.ts';
import { format, type PrintOptions, printOptions } from '../../src/tensor/print.ts';

registerBackend(cpu());

interface Printed {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Little-endian elements; halves as float32. */
  readonly data: string;
  readonly printed: string;
  readonly options?: Record<string, number | boolean | null>;
  readonly requiresGrad?: boolean;
}

const printed: readonly Printed[] = JSON.parse(
  readFileSync(new URL('printed.json', import.meta.url), 'utf8'),
);

const ARRAYS: Partial<Record<DType, new (buffer: ArrayBuffer) => TypedArray>> = {
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

function elements({ dtype, data }: Printed): TypedArray {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  return new (ARRAYS[dtype] ?? Float32Array)(bytes.buffer);
}

const STANDARD: PrintOptions = { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80, sciMode: null };

afterEach(() => {
  printOptions(STANDARD);
});

const blank = (dtype: DType, shape: readonly number[]) => emptyTensor(deviceEntry('cpu'), dtype, shape);

describe('format prints as PyTorch does', () => {
  test.each(printed.map((entry, i) => ({ entry, name: `${i}: ${entry.dtype} [${entry.shape.join(', ')}]` })))(
    '$name',
    ({ entry }) => {
      printOptions({ ...STANDARD, ...entry.options });
      // complex64 is lowered by core before a backend sees it, so that the CPU makes no such tensor.
      const x =
        entry.dtype === 'complex64'
          ? emptyTensor(deviceEntry('meta'), 'complex64', entry.shape)
          : blank(entry.dtype, entry.shape);
      if (entry.requiresGrad) x.leafRequiresGrad = true;
      const text = format(x, elements(entry));
      expect(text.replace(", device='meta'", '')).toBe(entry.printed);
    },
  );
});

describe('format', () => {
  test('names the operator of a tensor that needs a gradient', () => {
    const x = blank('float32', [2]);
    x.leafRequiresGrad = true;
    expect(format(mul(x, 2), new Float32Array([2, 4]))).toBe('tensor([2., 4.], grad_fn=<MulBackward>)');
    expect(format(sum(x), new Float32Array([3]))).toBe('tensor(3., grad_fn=<SumBackward>)');
    expect(format(reshape(x, [1, 2]), new Float32Array([1, 2]))).toMatch(/grad_fn=<ViewBackward>\)$/);
  });

  test('says where a tensor is when it is not on the default device', () => {
    expect(format(emptyTensor(deviceEntry('meta'), 'float32', [1]), new Float32Array([1]))).toBe(
      "tensor([1.], device='meta')",
    );
  });

  test('gives shape, dtype and device where the elements cannot be read at once', () => {
    const x = emptyTensor(deviceEntry('meta'), 'float32', [2, 3]);
    expect(format(x, undefined)).toBe("tensor(..., shape=[2, 3], dtype=float32, device='meta')");
    x.leafRequiresGrad = true;
    expect(format(x, undefined)).toBe(
      "tensor(..., shape=[2, 3], dtype=float32, device='meta', requires_grad=True)",
    );
    x.dispose();
    expect(format(x, undefined)).toMatch(/^tensor\(disposed, shape=\[2, 3\]/);
  });

  test('shows only the ends of a tensor however many elements it has', () => {
    expect(format(blank('float32', [10 ** 6]), new Float32Array(10 ** 6))).toBe(
      'tensor([0., 0., 0.,  ..., 0., 0., 0.])',
    );
  });
});

describe('printOptions', () => {
  test('keeps what is not given and returns what holds', () => {
    printOptions({ precision: 2, sciMode: true });
    expect(printOptions({ linewidth: 100 })).toEqual({
      ...STANDARD,
      precision: 2,
      sciMode: true,
      linewidth: 100,
    });
  });

  test('refuses what makes no sense and changes nothing', () => {
    expect(() => printOptions({ precision: 1.5 })).toThrow(ArgumentError);
    expect(() => printOptions({ linewidth: 100, edgeitems: -1 })).toThrow(
      'printOptions: edgeitems must be an integer of 0 or more, got -1',
    );
    expect(() => printOptions({ sci_mode: true } as never)).toThrow(
      'printOptions: unknown option sci_mode; did you mean sciMode?',
    );
    expect(printOptions()).toEqual(STANDARD);
  });
});

describe('numbers as text', () => {
  test('ties go to even, as in C and Python', () => {
    expect([0.5, 1.5, 2.5, -0.5, -2.5].map((value) => fixed(value, 0))).toEqual(['0', '2', '2', '-0', '-2']);
    expect([0.125, 0.375, 0.03125].map((value) => fixed(value, 2))).toEqual(['0.12', '0.38', '0.03']);
    expect([25, 35, 1.5].map((value) => scientific(value, 0))).toEqual(['2e+01', '4e+01', '2e+00']);
  });

  test('what is nearly a tie is none', () => {
    expect(fixed(0.125 + 2 ** -55, 2)).toBe('0.13');
    expect(fixed(0.125 - 2 ** -56, 2)).toBe('0.12');
    expect(fixed(1.005, 2)).toBe('1.00');
  });

  test('large, small and special values', () => {
    expect(fixed(2 ** 80, 2)).toBe('1208925819614629174706176.00');
    expect(fixed(Number.MIN_VALUE, 4)).toBe('0.0000');
    expect(fixed(-1e-9, 4)).toBe('-0.0000');
    expect(scientific(Number.MIN_VALUE, 4)).toBe('4.9407e-324');
    expect([Number.NaN, Infinity, -Infinity].map((value) => scientific(value, 1))).toEqual([
      'nan',
      'inf',
      '-inf',
    ]);
  });
});
