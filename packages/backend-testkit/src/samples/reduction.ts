import type { Maker } from './maker.ts';
import { each, NOT_FLOATING, type OperatorSamples, operator } from './sample.ts';

/** The calls that every reduction over any dimensions takes. */
const overDims = (
  op: string,
  tensor: (m: Maker, shape: readonly number[]) => unknown,
  flags = {},
): OperatorSamples =>
  operator(
    op,
    {
      all: (m) => [tensor(m, [3, 4])],
      last: (m) => [tensor(m, [3, 4]), 1],
      first: (m) => [tensor(m, [3, 4]), 0],
      'kept as 1': (m) => [tensor(m, [3, 4]), 1, { keepdim: true }],
      negative: (m) => [tensor(m, [2, 3, 4]), -2],
      'no dimensions': (m) => [tensor(m, [])],
    },
    flags,
  );

const overSeveral = (
  op: string,
  tensor: (m: Maker, shape: readonly number[]) => unknown,
  flags = {},
): OperatorSamples =>
  operator(
    op,
    {
      several: (m) => [tensor(m, [2, 3, 4]), [0, 2]],
      'several, kept': (m) => [tensor(m, [2, 3, 2]), [0, -1], { keepdim: true }],
    },
    flags,
  );

const plain = (m: Maker, shape: readonly number[]) => m.x(shape);
const distinct = (m: Maker, shape: readonly number[]) => m.distinct(shape);

const sums: readonly OperatorSamples[] = [
  ...each('sum mean', (op) => overDims(op, plain)),
  ...each('sum mean', (op) => overSeveral(op, plain)),
  ...each('nansum nanmean', (op) => overDims(op, plain)),
  ...each('nansum nanmean', (op) =>
    operator(op, { 'with NaN': (m) => [m.values([2, 3], [1, Number.NaN, 3, 4, 5, Number.NaN], false), 1] }),
  ),
  operator(
    'countNonzero',
    { all: (m) => [m.integers([3, 4], 0, 2)], last: (m) => [m.integers([3, 4], 0, 2), 1] },
    { noGradient: NOT_FLOATING },
  ),
  ...each('sum', (op) =>
    operator(op, {
      empty: (m) => [m.x([0, 3]), 0],
      'nothing at all': (m) => [m.x([0])],
      integers: (m) => [m.integers([3, 4]), 1],
    }),
  ),
  operator('mean', { dtype: (m) => [m.integers([3, 4]), 1, { dtype: m.dtype }] }),
  operator('sum', { truths: (m) => [m.bools([3, 4])] }),
  overDims('prod', plain),
  operator('prod', {
    'one zero': (m) => [m.values([2, 3], [0, 2, 3, 4, 5, 6]), 1],
    'two zeros': (m) => [m.values([2, 3], [0, 0, 3, 4, 5, 6]), 1],
    'zero, all': (m) => [m.values([4], [1, 0, 3, 2])],
    empty: (m) => [m.x([0, 3]), 0],
    integers: (m) => [m.integers([3, 2]), 0],
  }),
];

const spreads: readonly OperatorSamples[] = [
  ...each('std variance', (op) =>
    operator(op, {
      all: (m) => [m.x([3, 4])],
      last: (m) => [m.x([3, 4]), 1],
      several: (m) => [m.x([2, 3, 2]), [0, 2]],
      biased: (m) => [m.x([3, 4]), 1, { correction: 0 }],
      'kept as 1': (m) => [m.x([3, 4]), 0, { keepdim: true }],
    }),
  ),
  ...each('stdMean varMean', (op) =>
    operator(op, {
      last: (m) => [m.x([3, 4]), 1],
      all: (m) => [m.x([3, 4])],
      biased: (m) => [m.x([3, 4]), 0, { correction: 0, keepdim: true }],
    }),
  ),
  operator('norm', {
    all: (m) => [m.x([3, 4])],
    last: (m) => [m.x([3, 4]), 1],
    'p 1': (m) => [m.apart([3, 4], [0]), 1, { p: 1 }],
    'p 3': (m) => [m.apart([3, 4], [0]), 0, { p: 3, keepdim: true }],
    infinity: (m) => [m.distinct([3, 3]), 1, { p: Number.POSITIVE_INFINITY }],
    '-infinity': (m) => [m.distinct([3, 3]), 1, { p: Number.NEGATIVE_INFINITY }],
    several: (m) => [m.x([2, 3, 2]), [0, 2]],
    'no dimensions': (m) => [m.x([], 1, 2)],
  }),
  operator('logsumexp', {
    last: (m) => [m.x([3, 4]), 1],
    several: (m) => [m.x([2, 3, 2]), [0, 2], { keepdim: true }],
    large: (m) => [m.x([2, 3], -90, 90), 1],
    'no dimensions': (m) => [m.x([]), 0],
    infinities: (m) => [
      m.values(
        [2, 2],
        [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY],
        false,
      ),
      1,
    ],
  }),
];

const extrema: readonly OperatorSamples[] = [
  ...each('amax amin', (op) => overDims(op, distinct)),
  ...each('amax amin', (op) => overSeveral(op, distinct)),
  operator('aminmax', { last: (m) => [m.distinct([3, 4]), { dim: 1 }], all: (m) => [m.distinct([3, 4])] }),
  ...each('max min', (op) =>
    operator(op, {
      all: (m) => [m.distinct([3, 4])],
      last: (m) => [m.distinct([3, 4]), 1],
      'kept as 1': (m) => [m.distinct([3, 4]), 0, { keepdim: true }],
      'of two': (m) => [m.distinct([3, 3]), m.values([3], [0.05, -0.3, 0.3])],
      'no dimensions': (m) => [m.x([])],
      integers: (m) => [m.integers([3, 4]), 1],
    }),
  ),
  ...each('median nanmedian', (op) =>
    operator(op, {
      all: (m) => [m.distinct([5])],
      last: (m) => [m.distinct([3, 4]), 1],
      'kept as 1': (m) => [m.distinct([3, 5]), 0, { keepdim: true }],
    }),
  ),
  operator('kthvalue', { last: (m) => [m.distinct([3, 4]), 2], first: (m) => [m.distinct([3, 4]), 3, 0] }),
  ...each('argmax argmin', (op) =>
    operator(
      op,
      {
        all: (m) => [m.distinct([3, 4])],
        last: (m) => [m.distinct([3, 4]), 1],
        'kept as 1': (m) => [m.distinct([3, 4]), 0, { keepdim: true }],
        ties: (m) => [m.values([2, 4], [1, 2, 2, 1, 3, 3, 0, 0]), 1],
        integers: (m) => [m.integers([3, 4]), 1],
      },
      { noGradient: NOT_FLOATING },
    ),
  ),
  ...each('all any', (op) =>
    operator(
      op,
      {
        all: (m) => [m.bools([3, 4])],
        last: (m) => [m.bools([3, 4]), 1],
        several: (m) => [m.bools([2, 3, 2]), [0, 2]],
        numbers: (m) => [m.values([2, 2], [0, 1, 0, 0]), 1],
        empty: (m) => [m.bools([0, 3]), 0],
      },
      { noGradient: NOT_FLOATING },
    ),
  ),
];

const scans: readonly OperatorSamples[] = [
  ...each('cumsum cumprod logcumsumexp', (op) =>
    operator(op, {
      last: (m) => [m.x([3, 4]), 1],
      first: (m) => [m.x([3, 4]), 0],
      'no dimensions': (m) => [m.x([]), 0],
      empty: (m) => [m.x([0, 3]), 1],
      one: (m) => [m.x([3, 1]), 1],
    }),
  ),
  ...each('cumsum cumprod', (op) => operator(op, { integers: (m) => [m.integers([3, 4]), 1] })),
  operator('cumprod', {
    'one zero': (m) => [m.values([2, 4], [1, 0, 3, 2, 2, 3, 4, 0]), 1],
    'two zeros': (m) => [m.values([5], [2, 0, 3, 0, 2]), 0],
  }),
  ...each('cummax cummin', (op) =>
    operator(op, { last: (m) => [m.distinct([3, 4]), 1], first: (m) => [m.distinct([3, 4]), 0] }),
  ),
];

const sorting: readonly OperatorSamples[] = [
  operator('sort', {
    last: (m) => [m.distinct([3, 4])],
    first: (m) => [m.distinct([3, 4]), 0],
    descending: (m) => [m.distinct([3, 4]), 1, { descending: true }],
    'no dimensions': (m) => [m.x([])],
    empty: (m) => [m.x([0, 3])],
    'stable, with ties': (m) => [m.integers([3, 8], 0, 3), 1, { stable: true }],
    'stable, descending': (m) => [m.integers([3, 8], 0, 3), 1, { stable: true, descending: true }],
  }),
  operator('msort', { matrix: (m) => [m.distinct([4, 3])] }),
  operator(
    'argsort',
    { last: (m) => [m.distinct([3, 4])], descending: (m) => [m.distinct([3, 4]), 0, { descending: true }] },
    { noGradient: NOT_FLOATING },
  ),
  operator('topk', {
    largest: (m) => [m.distinct([3, 5]), 2],
    smallest: (m) => [m.distinct([3, 5]), 3, 1, { largest: false }],
    first: (m) => [m.distinct([4, 3]), 2, 0],
    all: (m) => [m.distinct([4]), 4],
    none: (m) => [m.distinct([4]), 0],
  }),
];

export const reductionSamples: readonly OperatorSamples[] = [
  ...sums,
  ...spreads,
  ...extrema,
  ...scans,
  ...sorting,
];
