import { checkIndex, checkInteger, checkTensor } from '../dispatch/checks.ts';
import { composite, type Declared, pointwise } from '../dispatch/declare.ts';
import { explainFault } from '../dispatch/faults.ts';
import { ArgumentError, checkOptions, describe, ShapeError, showShape } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { wrapDim } from '../shape.ts';
import { expand } from './broadcast.ts';
import { cast, clone } from './copying.ts';
import { cumsum } from './cumulative.ts';
import { filled } from './filling.ts';
import { takeSlices } from './positions.ts';
import { readSync } from './reading.ts';
import { reshape } from './reshape.ts';
import { addAt, valueAt } from './scatter-at.ts';
import { sliceView } from './slicing.ts';

export interface RepeatInterleaveOptions {
  /** The sum of `repeats`, where it is a tensor: nothing is then read on the host. */
  readonly outputSize?: number;
}

export interface RepeatInterleave extends Declared {
  (x: Tensor, repeats: number | Tensor, dim?: number, options?: RepeatInterleaveOptions): Tensor;
  (repeats: Tensor, options?: RepeatInterleaveOptions): Tensor;
}

/**
 * A copy in which each slice along `dim` stands `repeats` times in a row; without `dim`, each element. `repeats` is a
 * number, or a tensor with one for each slice. With `repeats` alone, the positions that this takes.
 *
 * A tensor of repeats decides the size of the result: give it as `outputSize`, or it is read on the host.
 *
 * @throws {ArgumentError} a number of repeats is negative.
 * @throws {ShapeError} there are not as many repeats as slices.
 * @throws {BackendError} the sum of repeats cannot be read on this device and `outputSize` is not given.
 * @example repeatInterleave(tensor([1, 2]), 2) // tensor([1., 1., 2., 2.])
 */
export const repeatInterleave = composite('repeatInterleave', (x: Tensor, ...rest: unknown[]): Tensor => {
  checkTensor('repeatInterleave', 'x', x);
  const [repeats] = rest;
  if (
    repeats === undefined ||
    (typeof repeats === 'object' && repeats !== null && !isTensor(repeats) && !Array.isArray(repeats))
  ) {
    return sourceOfEach(x, x.size, outputSizeOf(repeats));
  }
  const dim = rest[1] as number | undefined;
  const outputSize = outputSizeOf(rest[2]);
  const flat = dim === undefined || dim === null;
  const whole = flat || x.shape.length === 0 ? reshape(x, [x.size]) : x;
  const at = flat ? 0 : wrapDim('repeatInterleave', dim, x);
  if (typeof repeats === 'number') return repeatEvenly(whole, repeats, at, outputSize);
  checkIndex('repeatInterleave', 'repeats', repeats);
  const wrong = (): string => `the repeats are negative, or do not sum to the outputSize ${outputSize}`;
  return explainFault('repeatInterleave', wrong, () =>
    takeSlices(whole, at, sourceOfEach(repeats, whole.shape[at]!, outputSize)),
  );
}) as unknown as RepeatInterleave; // The overloads name the arguments that the function tells apart.

function outputSizeOf(options: unknown): number | undefined {
  checkOptions('repeatInterleave', options as object | undefined, ['outputSize']);
  const { outputSize } = (options ?? {}) as RepeatInterleaveOptions;
  if (outputSize === undefined || outputSize === null) return undefined;
  checkInteger('repeatInterleave', 'outputSize', outputSize);
  return outputSize;
}

function repeatEvenly(x: Tensor, repeats: number, dim: number, outputSize: number | undefined): Tensor {
  checkInteger('repeatInterleave', 'repeats', repeats);
  if (repeats < 0)
    throw new ArgumentError(`repeatInterleave: repeats must be 0 or more, got ${repeats}`, {
      op: 'repeatInterleave',
    });
  const length = x.shape[dim]! * repeats;
  if (outputSize !== undefined && outputSize !== length) throw wrongSize(outputSize, length);
  const before = x.shape.slice(0, dim).reduce((a, b) => a * b, 1);
  const after = x.shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  const size = x.shape[dim]!;
  const grown = expand(reshape(x, [before, size, 1, after]), [before, size, repeats, after]);
  return reshape(clone(grown), x.shape.with(dim, length));
}

const wrongSize = (given: number, needed: number): ShapeError =>
  new ShapeError(`repeatInterleave: outputSize is ${given}, but the repeats sum to ${needed}`, {
    op: 'repeatInterleave',
  });

const sourceAt = pointwise('repeatSource', (passed, total, { size }) => total.eq(size).select(passed, -1), {
  params: { size: 0 },
});

/**
 * Which of `count` slices stands at each place of the result. A slice begins where the ones before it end: a 1 is added
 * there, and running sums count how many have ended.
 */
function sourceOfEach(repeats: Tensor, count: number, outputSize: number | undefined): Tensor {
  checkIndex('repeatInterleave', 'repeats', repeats);
  const uniform = repeats.size === 1 && repeats.shape.length < 2;
  if (!uniform && (repeats.shape.length !== 1 || repeats.size !== count)) {
    throw new ShapeError(
      `repeatInterleave: repeats ${showShape(repeats.shape)} must hold one number, or one for each of ${count} slices`,
      { op: 'repeatInterleave' },
    );
  }
  const each = cast(uniform ? expand(reshape(repeats, [1]), [count]) : repeats, 'int32');
  const size = outputSize ?? total(each);
  if (count === 0 || size === 0) {
    if (size > 0) throw wrongSize(size, 0);
    return filled(each.entry, [0], 'int32', 0);
  }
  const ends = cumsum(each, 0);
  const marks = filled(each.entry, [size + 1], 'int32', 0);
  const passed = cumsum(sliceView(addAt(marks, 0, ends, valueAt(marks, ends, 1)), 0, 0, size, 1), 0);
  // Where `outputSize` is not the sum, the places are out of range, which the kernel reports.
  return sourceAt(passed, sliceView(ends, 0, count - 1, count, 1), { size });
}

function total(repeats: Tensor): number {
  const needed = { what: 'the sum of repeats', instead: 'give it: { outputSize: n }' };
  const values = Array.from(readSync('repeatInterleave', repeats, needed), Number);
  const negative = values.find((value) => value < 0);
  if (negative !== undefined)
    throw new ArgumentError(`repeatInterleave: repeats must be 0 or more, got ${describe(negative)}`, {
      op: 'repeatInterleave',
    });
  return values.reduce((a, b) => a + b, 0);
}
