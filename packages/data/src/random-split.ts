import { ArgumentError, checkOptions, describe } from '@flambeau/core';
import type { Collated } from './collate.ts';
import { type Dataset, Subset } from './dataset.ts';
import { permutation } from './random.ts';
import type { GeneratorOptions } from './sampler.ts';

/**
 * Splits a data set at random into parts without common samples, of given lengths or of given shares.
 *
 * @throws {ArgumentError} the lengths do not add up to the data set's, or the shares to 1.
 * @example const [train, validation] = randomSplit(dataset, [0.9, 0.1], { generator: new Generator(42) });
 */
export function randomSplit<T, B = Collated<T>>(
  dataset: Dataset<T, B>,
  lengths: readonly number[],
  options: GeneratorOptions = {},
): Subset<T, B>[] {
  checkOptions('randomSplit', options, ['generator']);
  const counts = countsOf(dataset.length, lengths);
  const order = permutation(dataset.length, options.generator);
  let start = 0;
  return counts.map((count) => {
    const indices = Array.from(order.subarray(start, start + count));
    start += count;
    return new Subset(dataset, indices);
  });
}

function countsOf(total: number, lengths: readonly number[]): number[] {
  const op = 'randomSplit';
  const valid = Array.isArray(lengths) && lengths.length > 0 && lengths.every((length) => length >= 0);
  if (!valid) {
    throw new ArgumentError(
      `${op}: lengths must be a list of counts or of shares, got ${describe(lengths)}`,
      { op },
    );
  }
  const sum = lengths.reduce((a, b) => a + b, 0);
  if (lengths.every(Number.isInteger) && sum === total) return lengths.slice();
  if (Math.abs(sum - 1) > 1e-9) {
    throw new ArgumentError(
      `${op}: lengths must add up to the ${total} samples of the data set, or shares to 1; ${describe(lengths)} give ${sum}`,
      { op, data: { lengths, total } },
    );
  }
  const counts = lengths.map((share) => Math.floor(share * total + 1e-9));
  // What rounding left over goes to the parts in turn.
  const left = total - counts.reduce((a, b) => a + b, 0);
  for (let i = 0; i < left; i++) counts[i % counts.length]! += 1;
  return counts;
}
