import { ELLIPSIS, slice } from '@flambeau/core';
import { each, NOT_FLOATING, type OperatorSamples, operator } from './sample.ts';

/** Operators that take and put elements by indices and masks. */

const taking: readonly OperatorSamples[] = [
  operator('gather', {
    columns: (m) => [m.x([3, 4]), 1, m.indices([3, 2], 4)],
    rows: (m) => [m.x([3, 4]), 0, m.indices([5, 4], 3)],
    repeated: (m) => [m.x([3]), 0, m.integer([4], [1, 1, 1, 0])],
    'no dimensions': (m) => [m.x([]), 0, m.integer([], [0])],
    empty: (m) => [m.x([3, 4]), 1, m.indices([3, 0], 4)],
    int64: (m) => [m.x([2, 3]), 1, m.integers([2, 2], 0, 2, 'int64')],
  }),
  operator('takeAlongDim', {
    columns: (m) => [m.x([3, 4]), m.indices([3, 2], 4), 1],
    broadcast: (m) => [m.x([3, 4]), m.indices([1, 4], 3), 0],
    flat: (m) => [m.x([2, 3]), m.indices([4], 6)],
  }),
  operator('indexSelect', {
    rows: (m) => [m.x([3, 4]), 0, m.indices([5], 3)],
    columns: (m) => [m.x([3, 4]), 1, m.integer([2], [2, 2])],
    empty: (m) => [m.x([3]), 0, m.indices([0], 3)],
  }),
  operator('take', { flat: (m) => [m.x([2, 3]), m.indices([2, 2], 6)] }),
  operator('index', {
    number: (m) => [m.x([3, 4]), 1],
    slice: (m) => [m.x([5, 4]), slice(1, 5, 2)],
    'slices and numbers': (m) => [m.x([3, 4, 2]), slice(), -1, slice(undefined, 1)],
    'with a new dimension': (m) => [m.x([3, 4]), null, ELLIPSIS, 0],
    array: (m) => [m.x([3, 4]), [2, 0, 2]],
    tensor: (m) => [m.x([3, 4]), m.indices([2, 2], 3)],
    'two tensors': (m) => [m.x([3, 4]), m.indices([3], 3), m.indices([3], 4)],
    'a tensor after a slice': (m) => [m.x([2, 3, 4]), slice(), m.indices([2], 3)],
    'tensors around a slice': (m) => [m.x([2, 3, 4]), m.indices([2], 2), slice(), m.indices([2], 4)],
  }),
  operator('maskedFill', {
    number: (m) => [m.x([3, 4]), m.bools([4]), 0.5],
    tensor: (m) => [m.x([3, 4]), m.bools([3, 4]), m.x([])],
    'no dimensions': (m) => [m.x([]), m.bools([]), 1],
    empty: (m) => [m.x([0]), m.bools([0]), 1],
  }),
  operator(
    'maskedSelect',
    { same: (m) => [m.x([3, 4]), m.bools([3, 4])], broadcast: (m) => [m.x([3, 1]), m.bools([4])] },
    { noGradient: 'it is a promise: maskedSelectSync is checked' },
  ),
  operator(
    'maskedSelectSync',
    { same: (m) => [m.x([3, 4]), m.bools([3, 4])], broadcast: (m) => [m.x([3, 1]), m.bools([4])] },
    { synchronous: true },
  ),
  operator('embedding', {
    plain: (m) => [m.indices([2, 3], 5), m.x([5, 4])],
    'no dimensions': (m) => [m.integer([], [1]), m.x([3, 2])],
    empty: (m) => [m.indices([0], 3), m.x([3, 2])],
  }),
  operator(
    'embedding',
    {
      'padding index': (m) => [m.integer([4], [0, 2, 1, 2]), m.x([3, 2]), { paddingIdx: 2 }],
      'scaled by frequency': (m) => [m.integer([4], [0, 2, 1, 2]), m.x([3, 2]), { scaleGradByFreq: true }],
    },
    { noGradient: 'these options make of its gradient something else than a derivative' },
  ),
];

const putting: readonly OperatorSamples[] = [
  operator('scatter', {
    tensor: (m) => [m.x([3, 4]), 1, m.integer([3, 2], [0, 1, 2, 3, 1, 0]), m.x([3, 2])],
    number: (m) => [m.x([3, 4]), 0, m.indices([2, 4], 3), 1.5],
    'empty index': (m) => [m.x([3]), 0, m.indices([0], 3), m.x([0])],
    'no dimensions': (m) => [m.x([]), 0, m.integer([], [0]), m.x([])],
  }),
  operator(
    'scatter',
    {
      added: (m) => [m.fixed([3, 4]), 1, m.indices([3, 3], 4), m.fixed([3, 3]), { reduce: 'add' }],
      multiplied: (m) => [m.fixed([3, 4]), 1, m.indices([3, 3], 4), m.fixed([3, 3]), { reduce: 'multiply' }],
    },
    { noGradient: 'PyTorch gives reduce no gradient: scatterAdd and scatterReduce have one' },
  ),
  operator('scatterAdd', {
    columns: (m) => [m.x([3, 4]), 1, m.indices([3, 5], 4), m.x([3, 5])],
    repeated: (m) => [m.x([3]), 0, m.integer([4], [1, 1, 1, 0]), m.x([4])],
    'a larger source': (m) => [m.x([3, 4]), 0, m.indices([2, 3], 3), m.x([4, 4])],
  }),
  ...['sum', 'mean', 'prod', 'amax', 'amin'].map((reduce) =>
    operator('scatterReduce', {
      [reduce]: (m) => [m.x([3, 4]), 1, m.indices([3, 5], 4), m.distinct([3, 5]), reduce],
      [`${reduce} without self`]: (m) => [
        m.x([4]),
        0,
        m.integer([5], [1, 1, 3, 0, 3]),
        m.distinct([5]),
        reduce,
        { includeSelf: false },
      ],
    }),
  ),
  operator('scatterReduce', {
    'prod with a zero': (m) => [
      m.x([3]),
      0,
      m.integer([4], [0, 0, 1, 1]),
      m.values([4], [0, 2, 3, 4]),
      'prod',
    ],
  }),
  operator(
    'scatterReduce',
    {
      'prod with two zeros in one place': (m) => [
        m.x([3]),
        0,
        m.integer([4], [0, 0, 1, 1]),
        m.values([4], [0, 2, 0, 0]),
        'prod',
      ],
    },
    {
      noSecondGradient: 'as in PyTorch, which refuses it, the second derivative by the two zeros is left out',
    },
  ),
  operator('indexAdd', {
    rows: (m) => [m.x([3, 2]), 0, m.integer([4], [0, 2, 2, 1]), m.x([4, 2])],
    alpha: (m) => [m.x([3]), 0, m.indices([2], 3), m.x([2]), { alpha: -2 }],
  }),
  operator('indexCopy', {
    rows: (m) => [m.x([3, 2]), 0, m.permutation(2, 3), m.x([2, 2])],
    columns: (m) => [m.x([2, 3]), 1, m.permutation(3), m.x([2, 3])],
  }),
  operator('indexFill', {
    number: (m) => [m.x([3, 2]), 0, m.integer([2], [0, 2]), 1.5],
    tensor: (m) => [m.x([3, 2]), 1, m.integer([1], [1]), m.x([])],
  }),
  ...['prod', 'mean', 'amax', 'amin'].map((reduce) =>
    operator('indexReduce', {
      [reduce]: (m) => [m.x([3, 2], 0.5, 2), 0, m.integer([4], [0, 2, 2, 1]), m.distinct([4, 2]), reduce],
    }),
  ),
  operator('indexPut', {
    pairs: (m) => [m.x([3, 4]), [m.integer([2], [0, 2]), m.integer([2], [1, 3])], m.x([2])],
    added: (m) => [m.x([3, 2]), [m.integer([4], [0, 2, 2, 0])], m.x([4, 2]), { accumulate: true }],
    'a whole dimension': (m) => [m.x([2, 3]), [null, m.integer([2], [2, 0])], m.x([2, 2])],
    broadcast: (m) => [m.x([3, 4]), [m.integer([2], [0, 2])], m.x([])],
  }),
  operator('put', {
    flat: (m) => [m.x([2, 3]), m.permutation(2, 6), m.x([2])],
    added: (m) => [m.x([2, 3]), m.integer([3], [1, 1, 0]), m.x([3]), { accumulate: true }],
  }),
  operator('maskedScatter', { plain: (m) => [m.x([3, 2]), m.bools([3, 2]), m.x([6])] }),
  ...each('selectScatter', (op) => operator(op, { rows: (m) => [m.x([3, 2]), m.x([2]), 0, 1] })),
  ...each('sliceScatter', (op) =>
    operator(op, {
      rows: (m) => [m.x([4, 2]), m.x([2, 2]), 0, { start: 1, end: 3 }],
      'by steps': (m) => [m.x([2, 5]), m.x([2, 3]), 1, { step: 2 }],
    }),
  ),
  operator(
    'asStridedScatter',
    { plain: (m) => [m.x([6]), m.x([2, 2]), [2, 2], [3, 1]] },
    { onlyContiguous: 'it reads memory as it lies, so that another layout has another result' },
  ),
  ...each('diagonalScatter', (op) => operator(op, { matrix: (m) => [m.x([3, 3]), m.x([3])] })),
];

const counting: readonly OperatorSamples[] = [
  operator(
    'oneHot',
    { classes: (m) => [m.indices([2, 3], 4), { numClasses: 5 }] },
    { noGradient: NOT_FLOATING },
  ),
  ...each('nonzero argwhere', (op) =>
    operator(
      op,
      { matrix: (m) => [m.integers([3, 4], 0, 1)], none: (m) => [m.integer([2], [0, 0])] },
      { noGradient: NOT_FLOATING },
    ),
  ),
  operator(
    'nonzeroStatic',
    {
      filled: (m) => [m.integer([5], [0, 1, 0, 2, 3]), { size: 5, fillValue: -1 }],
      cut: (m) => [m.integer([5], [0, 1, 0, 2, 3]), { size: 2 }],
    },
    { noGradient: NOT_FLOATING },
  ),
  operator(
    'searchsorted',
    {
      vector: (m) => [m.values([5], [-2, -1, 0, 1, 2], false), m.fixed([3, 2])],
      right: (m) => [m.values([4], [1, 2, 2, 3], false), m.values([3], [1, 2, 4], false), { right: true }],
    },
    { noGradient: NOT_FLOATING },
  ),
  operator(
    'bucketize',
    { vector: (m) => [m.fixed([3, 2]), m.values([3], [-1, 0, 1], false)] },
    { noGradient: NOT_FLOATING },
  ),
  operator(
    'isin',
    {
      plain: (m) => [m.indices([3, 4], 6), m.indices([3], 6)],
      inverted: (m) => [m.indices([5], 6), m.indices([3], 6), { invert: true }],
    },
    { noGradient: NOT_FLOATING },
  ),
  operator('unravelIndex', { plain: (m) => [m.indices([4], 12), [3, 4]] }, { noGradient: NOT_FLOATING }),
  ...each('trilIndices triuIndices', (op) =>
    operator(op, { plain: (m) => [3, 4, { device: m.device }] }, { noGradient: NOT_FLOATING }),
  ),
];

export const indexingSamples: readonly OperatorSamples[] = [...taking, ...putting, ...counting];
