import { isFloating, type Operand, type RequiredKernels } from '@flambeau/core/backend';
import { arrayOf, bigintsOf, KIND_OF, type NumberArray, numbersOf } from './allocation.ts';
import { perKind } from './policy.ts';
import { Odometer } from './walk.ts';
import { widened } from './widen.ts';

/** The `argReduce` kernel: the first of ties; NaN wins. */
export function argReduceKernel(bySource: boolean): RequiredKernels['argReduce'] {
  const largest = perKind(argMax, bySource);
  const smallest = perKind(argMin, bySource);
  return (mode, shape, output, input) => {
    const last = shape.length - 1;
    const count = shape[last]!;
    const source = isFloating(input.dtype) ? widened(shape, input) : input;
    const step = source.strides[last]!;
    const rows = new Odometer(shape, last, [output, source]);
    const target = arrayOf(output);
    const { offsets } = rows;
    if (source.dtype === 'int64') {
      const x = bigintsOf(source);
      do {
        target[offsets[0]!] = argBigint(x, offsets[1]!, step, count, mode === 'max');
      } while (rows.next());
      return;
    }
    const find = (mode === 'max' ? largest : smallest)(KIND_OF[source.dtype]);
    const x = numbersOf(source as Operand);
    do {
      target[offsets[0]!] = find(x, offsets[1]!, step, count);
    } while (rows.next());
  };
}

function argMax(x: NumberArray, start: number, step: number, count: number): number {
  let best = x[start]!;
  let at = 0;
  if (Number.isNaN(best)) return 0;
  for (let i = 1; i < count; i++) {
    const value = x[start + i * step]!;
    if (value > best) {
      best = value;
      at = i;
    } else if (Number.isNaN(value)) return i;
  }
  return at;
}

function argMin(x: NumberArray, start: number, step: number, count: number): number {
  let best = x[start]!;
  let at = 0;
  if (Number.isNaN(best)) return 0;
  for (let i = 1; i < count; i++) {
    const value = x[start + i * step]!;
    if (value < best) {
      best = value;
      at = i;
    } else if (Number.isNaN(value)) return i;
  }
  return at;
}

function argBigint(x: BigInt64Array, start: number, step: number, count: number, largest: boolean): number {
  let best = x[start]!;
  let at = 0;
  for (let i = 1; i < count; i++) {
    const value = x[start + i * step]!;
    if (largest ? value > best : value < best) {
      best = value;
      at = i;
    }
  }
  return at;
}
