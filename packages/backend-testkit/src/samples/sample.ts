import type { DType } from '@flambeau/core/backend';
import type { Maker } from './maker.ts';

/** The arguments of one call of an operator, made anew for every device, dtype and layout. */
export type Sample = (make: Maker) => readonly unknown[];

/** What is known of one operator. */
export interface OperatorSamples {
  /** Its name among core's exports; `linalg.qr` for one in a namespace. */
  readonly op: string;
  /** Calls by what is special about them. */
  readonly samples: Readonly<Record<string, Sample>>;
  /** Why it has no gradient to be checked. */
  readonly noGradient?: string;
  /** Why the gradient of its gradient is not checked. */
  readonly noSecondGradient?: string;
  /** Whether it needs a device that can be read synchronously. */
  readonly synchronous?: boolean;
  /** The floating dtype of its results where it is not that of the operands. */
  readonly resultDType?: DType;
  /** Why it is called with contiguous tensors alone. */
  readonly onlyContiguous?: string;
}

type Flags = Pick<
  OperatorSamples,
  'noGradient' | 'noSecondGradient' | 'onlyContiguous' | 'resultDType' | 'synchronous'
>;

export const operator = (
  op: string,
  samples: Readonly<Record<string, Sample>>,
  flags: Flags = {},
): OperatorSamples => ({
  op,
  samples,
  ...flags,
});

/** Where an operator of one operand is defined and smooth. */
export interface Domain {
  readonly low?: number;
  readonly high?: number;
  /** Points without a derivative. */
  readonly kinks?: readonly number[];
}

const shapes = {
  matrix: [3, 4],
  'no dimensions': [],
  empty: [0, 3],
  'four dimensions': [2, 1, 3, 2],
} as const;

const within = (make: Maker, shape: readonly number[], { low = -2, high = 2, kinks = [] }: Domain) =>
  kinks.length === 0 ? make.x(shape, low, high) : make.apart(shape, kinks, low, high);

/** Samples of an operator that works element by element on one tensor, with other arguments after it. */
export function unary(
  op: string,
  domain: Domain = {},
  flags: Flags = {},
  ...others: readonly unknown[]
): OperatorSamples {
  const samples = Object.entries(shapes).map(([name, shape]) => [
    name,
    (make: Maker) => [within(make, shape, domain), ...others],
  ]);
  return operator(op, Object.fromEntries(samples), flags);
}

/** Samples of an operator of two tensors that broadcast, or a tensor and a number on either side. */
export function binary(
  op: string,
  left: Domain = {},
  right: Domain = left,
  flags: Flags = {},
): OperatorSamples {
  const a = (make: Maker, shape: readonly number[]) => within(make, shape, left);
  const b = (make: Maker, shape: readonly number[]) => within(make, shape, right);
  const inside = ({ low = -2, high = 2 }: Domain) => low + (high - low) * 0.8125;
  return operator(
    op,
    {
      'same shapes': (make) => [a(make, [3, 4]), b(make, [3, 4])],
      'rows against columns': (make) => [a(make, [3, 1]), b(make, [4])],
      'a dimension more': (make) => [a(make, [4]), b(make, [2, 3, 4])],
      'no dimensions': (make) => [a(make, []), b(make, [])],
      'against no dimensions': (make) => [a(make, [2, 3]), b(make, [])],
      'a number on the right': (make) => [a(make, [2, 3]), inside(right)],
      'a number on the left': (make) => [inside(left), b(make, [2, 3])],
      empty: (make) => [a(make, [0, 3]), b(make, [1, 3])],
    },
    flags,
  );
}

/** Operators of one kind, by name. */
export const each = (names: string, samples: (op: string) => OperatorSamples): OperatorSamples[] =>
  names.split(/\s+/).filter(Boolean).map(samples);

/** A result that is constant between jumps: its gradient is zero, and says nothing about differences. */
export const FLAT = 'its gradient is zero everywhere: autograd tests say so';
export const NOT_FLOATING = 'its results are integers or truths';
