import { type Device, linear, type Tensor, tensor } from '@flambeau/core';
import fc from 'fast-check';
import { expect } from 'vitest';

interface Sample {
  /** Leading sizes of `x`. */
  readonly around: readonly number[];
  readonly depth: number;
  readonly columns: number;
  /** Whether a factor lies transposed in memory. */
  readonly turnedX: boolean;
  readonly turnedWeight: boolean;
  readonly bias: 'none' | 'vector' | 'strided' | 'single';
  readonly dtype: 'float32' | 'float16' | 'int32' | 'int8';
}

const samples: fc.Arbitrary<Sample> = fc.record({
  around: fc.oneof(
    fc.tuple(fc.constantFrom(1, 3, 8, 17, 64, 70)),
    fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(1, 5, 12)),
    fc.constant([]),
  ),
  // Long sums of few outputs are taken in parts.
  depth: fc.constantFrom(1, 3, 4, 10, 64, 784, 1030),
  columns: fc.constantFrom(1, 2, 4, 10, 33, 64, 128, 140),
  turnedX: fc.boolean(),
  turnedWeight: fc.boolean(),
  bias: fc.constantFrom('none', 'vector', 'strided', 'single'),
  // Most forms are those of float32.
  dtype: fc.constantFrom('float32', 'float32', 'float32', 'float16', 'int32', 'int8'),
});

/** Small integers, or eighths: sums of their products are exact in float32. */
export function filled(
  shape: readonly number[],
  seed: number,
  dtype: Sample['dtype'],
  device: Device,
): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const unit = dtype.startsWith('int') ? 1 : 8;
  const values = Float32Array.from({ length }, (_, i) => (((i * 37 + seed * 13) % 17) - 8) / unit);
  return tensor(values, { device }).to({ dtype }).reshape(shape);
}

function biasOf({ bias, columns, dtype }: Sample, device: Device): Tensor | null {
  switch (bias) {
    case 'none':
      return null;
    case 'vector':
      return filled([columns], 3, dtype, device);
    case 'strided':
      return filled([columns, 3], 3, dtype, device).select(1, 1);
    case 'single':
      return filled([1], 3, dtype, device);
  }
}

async function result(sample: Sample, device: Device): Promise<ArrayLike<number>> {
  const { around, depth, columns, turnedX, turnedWeight, dtype } = sample;
  const x = turnedX
    ? filled([depth, ...around], 1, dtype, device).movedim(0, -1)
    : filled([...around, depth], 1, dtype, device);
  const weight = turnedWeight
    ? filled([depth, columns], 2, dtype, device).transpose(0, 1)
    : filled([columns, depth], 2, dtype, device);
  const y = linear(x, weight, biasOf(sample, device));
  expect(y.shape).toEqual([...around, columns]);
  return (await y.to({ dtype: 'float32' }).data()) as ArrayLike<number>;
}

/** Of the largest value: the CPU rounds to the dtype twice, before and after the bias. */
const TOLERANCE = { float32: 0, float16: 2e-3, int32: 0, int8: 0 } as const;

/** `linear` on WebGPU agrees with the CPU for any layout, size and dtype. */
export const linearAgrees = (numRuns: number): Promise<void> =>
  fc.assert(
    fc.asyncProperty(samples, async (sample) => {
      const [ours, theirs] = [await result(sample, 'webgpu'), await result(sample, 'cpu')];
      const scale = Math.max(1, ...Array.from(theirs, Math.abs));
      for (let i = 0; i < theirs.length; i++) {
        if (Math.abs(ours[i]! - theirs[i]!) > TOLERANCE[sample.dtype] * scale)
          expect.fail(`element ${i} is ${ours[i]}, not ${theirs[i]}`);
      }
    }),
    { numRuns, seed: 20_263 },
  );
