import { checkTensor } from '../dispatch/checks.ts';
import { choice, use } from '../dispatch/choice.ts';
import { type Declared, pointwise } from '../dispatch/declare.ts';
import type { Value } from '../dispatch/pointwise-operands.ts';
import { DTypeError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { nonzero } from './nonzero.ts';

const selection = pointwise('where', (condition, x, y) => condition.select(x, y), {
  promoted: [false, true, true],
});

/** Refuses what is no tensor of truths. @throws {DTypeError} `where: condition must be bool, got float32; …` */
export function checkMask(op: string, name: string, value: unknown): asserts value is Tensor {
  checkTensor(op, name, value);
  if (value.dtype === 'bool' || value.dtype === 'uint8') return;
  throw new DTypeError(`${op}: ${name} must be bool, got ${value.dtype}; compare it: ne(${name}, 0)`, { op });
}

/** A choice element by element, or the places of the truths. */
export interface WhereOperator extends Declared {
  (condition: Tensor, x: Value, y: Value): Tensor;
  (condition: Tensor): Promise<Tensor[]>;
}

const chosen = choice('where', (condition: Tensor, x: Value, y: Value) => {
  checkMask('where', 'condition', condition);
  return use(selection, condition, x, y);
});

/**
 * `x` where the condition holds, `y` elsewhere; all broadcast, either may be a number. Each gets the gradient of the
 * elements that were taken from it. With the condition alone: the places where it holds, as
 * `nonzero(condition, { asTuple: true })`, for which the device must be waited for.
 *
 * - `condition`: bool
 * - returns: the dtype that `x` and `y` promote to
 *
 * @throws {DTypeError} `condition` is not bool.
 * @example where(tensor([true, false]), tensor([1, 2]), 0) // tensor([1., 0.])
 */
export const where: WhereOperator = Object.assign(
  // Which result belongs to which call is written in the interface.
  ((condition: Tensor, ...values: [] | [Value, Value]) =>
    values.length === 0
      ? nonzero(condition, { asTuple: true })
      : chosen(condition, ...values)) as WhereOperator,
  { opName: 'where', inPlace: undefined },
);
