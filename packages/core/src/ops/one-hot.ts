import { checkIndex, checkInteger, checkTensor } from '../dispatch/checks.ts';
import { composite } from '../dispatch/declare.ts';
import { ArgumentError, checkOptions } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { filled } from './filling.ts';
import { readSync } from './reading.ts';
import { unsqueeze } from './reshape.ts';
import { assignAt, valueAt } from './scatter-at.ts';

export interface OneHotOptions {
  /** How many classes there are; -1, the default, reads the largest class on the host and adds 1. */
  readonly numClasses?: number;
}

/**
 * For each class a row that is 1 at the class and 0 elsewhere.
 *
 * - `x`: `[...]`, int32 or int64, values in `0..numClasses-1`
 * - returns: `[..., numClasses]`, the dtype of `x`
 *
 * @throws {ArgumentError} `numClasses` is 0, or absent where `x` is empty.
 * @throws {BackendError} a class is negative or too large; or `numClasses` is absent and the device cannot be read synchronously.
 * @example oneHot(tensor([0, 2], { dtype: 'int32' }), { numClasses: 3 }) // tensor([[1, 0, 0], [0, 0, 1]])
 */
export const oneHot = composite('oneHot', (x: Tensor, options?: OneHotOptions): Tensor => {
  checkTensor('oneHot', 'x', x);
  checkIndex('oneHot', 'x', x);
  checkOptions('oneHot', options, ['numClasses']);
  const given = options?.numClasses ?? -1;
  checkInteger('oneHot', 'numClasses', given);
  if (given === 0 || given < -1)
    throw new ArgumentError(`oneHot: numClasses must be positive, or -1 for reading it, got ${given}`, {
      op: 'oneHot',
    });
  const numClasses = given === -1 ? largest(x) + 1 : given;
  const zeros = filled(x.entry, [...x.shape, numClasses], x.dtype, 0);
  const index = unsqueeze(x, -1);
  return assignAt(zeros, x.shape.length, index, valueAt(zeros, index, 1));
});

function largest(x: Tensor): number {
  if (x.size === 0)
    throw new ArgumentError(
      'oneHot: there are no classes to count in an empty tensor; give { numClasses: n }',
      { op: 'oneHot' },
    );
  const needed = { what: 'the largest class', instead: 'give { numClasses: n }' };
  let most = 0;
  for (const value of readSync('oneHot', x, needed)) {
    if (value < 0)
      throw new ArgumentError(`oneHot: classes must be 0 or more, got ${value}`, { op: 'oneHot' });
    most = Math.max(most, Number(value));
  }
  return most;
}
