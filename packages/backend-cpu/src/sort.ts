import type { RequiredKernels } from '@flambeau/core/backend';
import { arrayOf } from './allocation.ts';
import { loadClosure } from './scalar/closures.ts';
import type { Value } from './scalar/representation.ts';
import { Odometer } from './walk.ts';

/** The `sort` kernel: stable either way; NaN counts as the largest. */
export function sortKernel(_bySource: boolean): RequiredKernels['sort'] {
  return (shape, values, indices, input, descending) => {
    const last = shape.length - 1;
    const count = shape[last]!;
    const rows = new Odometer(shape, last, [values, indices, input]);
    const y = arrayOf(values);
    const order = arrayOf(indices);
    const x = arrayOf(input);
    const load = loadClosure(input.dtype);
    const { offsets } = rows;
    do {
      const row = Array.from({ length: count }, (_, i) => load(x[offsets[2]! + i * input.strides[last]!]!));
      const places = row.map((_, i) => i).sort((a, b) => (descending ? -1 : 1) * compare(row[a]!, row[b]!));
      for (let i = 0; i < count; i++) {
        y[offsets[0]! + i * values.strides[last]!] = x[offsets[2]! + places[i]! * input.strides[last]!]!;
        order[offsets[1]! + i * indices.strides[last]!] = places[i]!;
      }
    } while (rows.next());
  };
}

function compare(a: Value, b: Value): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return (Number.isNaN(a) ? 1 : 0) - (Number.isNaN(b) ? 1 : 0);
}
