import { contiguousStrides, type DType, type Operand, sizeOf } from '@flambeau/core/backend';
import { ArrayAllocation, KIND_OF, numbersOf } from './allocation.ts';
import { float16Values, fromBfloat16, toBfloat16, toFloat16 } from './half.ts';
import { Odometer } from './walk.ts';

export const isHalf = (dtype: DType): boolean => dtype === 'float16' || dtype === 'bfloat16';

/** A contiguous float32 operand of its own, undefined in content: the workspace for an operand of halves. */
export function wideWorkspace(shape: readonly number[]): Operand {
  const allocation = new ArrayAllocation(sizeOf(shape) * 4, KIND_OF.float32);
  return { allocation, dtype: 'float32', offset: 0, strides: contiguousStrides(shape) };
}

/** An operand of halves copied to float32; any other as it is. */
export function widened(shape: readonly number[], input: Operand): Operand {
  if (!isHalf(input.dtype)) return input;
  const wide = wideWorkspace(shape);
  const y = numbersOf(wide);
  const x = numbersOf(input);
  const values = input.dtype === 'float16' ? float16Values() : null;
  const last = shape.length - 1;
  const count = shape[last] ?? 1;
  const step = input.strides[last] ?? 0;
  const rows = new Odometer(shape, Math.max(last, 0), [input]);
  let to = 0;
  do {
    for (let i = 0, at = rows.offsets[0]!; i < count; i++, at += step) {
      y[to++] = values === null ? fromBfloat16(x[at]!) : values[x[at]!]!;
    }
  } while (rows.next());
  return wide;
}

/** Stores a float32 workspace into an operand of halves. */
export function narrowInto(shape: readonly number[], output: Operand, wide: Operand): void {
  const y = numbersOf(output);
  const x = numbersOf(wide);
  const round = output.dtype === 'float16' ? toFloat16 : toBfloat16;
  const last = shape.length - 1;
  const count = shape[last] ?? 1;
  const step = output.strides[last] ?? 0;
  const rows = new Odometer(shape, Math.max(last, 0), [output]);
  let from = 0;
  do {
    for (let i = 0, at = rows.offsets[0]!; i < count; i++, at += step) y[at] = round(x[from++]!);
  } while (rows.next());
}
