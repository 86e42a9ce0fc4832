import { binary, each, FLAT, NOT_FLOATING, type OperatorSamples, operator, unary } from './sample.ts';

/** Operators that work element by element. */

const arithmetic: readonly OperatorSamples[] = [
  ...each('add sub rsub mul', (op) => binary(op)),
  operator('add', {
    alpha: (m) => [m.x([2, 3]), m.x([3]), { alpha: 2.5 }],
    'alpha 0': (m) => [m.x([3]), m.x([3]), { alpha: 0 }],
    integers: (m) => [m.integers([3]), m.integers([2, 1])],
  }),
  operator('sub', { alpha: (m) => [m.x([2, 3]), m.x([3]), { alpha: -0.5 }] }),
  operator('rsub', { alpha: (m) => [m.x([2, 3]), m.x([3]), { alpha: -0.5 }] }),
  operator('mul', {
    'with itself': (m) => {
      const x = m.x([3]);
      return [x, x];
    },
    'mixed dtypes': (m) => [m.x([2, 3]), m.integers([3])],
  }),
  ...each('div trueDivide', (op) => binary(op, {}, { kinks: [0], low: 0.3, high: 2 })),
  operator(
    'div',
    {
      'rounded down': (m) => [m.apart([3, 4], [0], -4, 4), m.fixed([4], 0.7, 1.1), { roundingMode: 'floor' }],
      'rounded to zero': (m) => [
        m.apart([3, 4], [0], -4, 4),
        m.fixed([4], 0.7, 1.1),
        { roundingMode: 'trunc' },
      ],
    },
    { noSecondGradient: FLAT },
  ),
  binary('floorDivide', { low: 1, high: 4 }, { low: 0.6, high: 1.2 }, { noGradient: FLAT }),
  ...each('fmod remainder', (op) => binary(op, { low: 2.1, high: 2.9 }, { low: 1.1, high: 1.4 })),
  ...each('neg positive square', (op) => unary(op)),
  unary('abs', { kinks: [0] }),
  ...each('sign sgn', (op) => unary(op, { kinks: [0] }, { noGradient: FLAT })),
  unary('signbit', {}, { noGradient: NOT_FLOATING }),
  binary('copysign', { kinks: [0] }, { kinks: [0] }),
  unary('reciprocal', { kinks: [0], low: 0.3 }),
  operator('addcmul', {
    'three shapes': (m) => [m.x([2, 3]), m.x([3]), m.x([2, 1])],
    value: (m) => [m.x([3]), m.x([3]), m.x([3]), { value: -0.5 }],
    'no dimensions': (m) => [m.x([]), m.x([]), m.x([])],
    empty: (m) => [m.x([0, 2]), m.x([2]), m.x([0, 1])],
  }),
  operator('addcdiv', {
    'three shapes': (m) => [m.x([2, 3]), m.x([3]), m.x([2, 1], 0.5, 2)],
    value: (m) => [m.x([3]), m.x([3]), m.x([3], 0.5, 2), { value: 3 }],
    'no dimensions': (m) => [m.x([]), m.x([]), m.x([], 1, 2)],
    empty: (m) => [m.x([0, 2]), m.x([2]), m.x([0, 1])],
  }),
  operator('lerp', {
    'a number as weight': (m) => [m.x([2, 3]), m.x([3]), 0.3],
    'from the end': (m) => [m.x([2, 3]), m.x([3]), 0.8],
    'a tensor as weight': (m) => [m.x([2, 3]), m.x([2, 3]), m.apart([3], [0.5], 0, 1)],
    'no dimensions': (m) => [m.x([]), m.x([]), m.x([], 0, 0.4)],
    empty: (m) => [m.x([0]), m.x([0]), 0.5],
  }),
  binary('heaviside', { kinks: [0] }, {}, { noGradient: FLAT }),
  binary('hypot', { low: 0.3 }, { low: 0.3 }),
  binary('ldexp'),
];

const powers: readonly OperatorSamples[] = [
  binary('pow', { low: 0.3, high: 2 }, { low: -2, high: 2 }),
  binary('floatPower', { low: 0.3, high: 2 }, { low: -2, high: 2 }, { resultDType: 'float64' }),
  operator('pow', {
    'squares of negative numbers': (m) => [m.x([3]), 2],
    cubes: (m) => [m.x([2, 3]), 3],
    'to the 0': (m) => [m.x([3]), 0],
    'to the 1': (m) => [m.x([3]), 1],
    roots: (m) => [m.x([3], 0.3, 2), 0.5],
    'of 0': (m) => [m.values([3], [0, 1, 2]), 2],
    integers: (m) => [m.integers([4]), 3],
  }),
  unary('sqrt', { low: 0.3, high: 4 }),
  unary('rsqrt', { low: 0.3, high: 4 }),
];

const exponential: readonly OperatorSamples[] = [
  ...each('exp exp2 expm1', (op) => unary(op)),
  ...each('log log2 log10', (op) => unary(op, { low: 0.2, high: 4 })),
  unary('log1p', { low: -0.8, high: 3 }),
  ...each('logaddexp logaddexp2', (op) =>
    operator(op, {
      'same shapes': (m) => [m.x([3, 4]), m.x([3, 4])],
      broadcast: (m) => [m.x([3, 1]), m.x([4])],
      'no dimensions': (m) => [m.x([]), m.x([])],
      empty: (m) => [m.x([0]), m.x([0])],
      'far apart': (m) => [m.values([2], [-80, 80]), m.values([2], [80, -80])],
    }),
  ),
  binary('xlogy', {}, { low: 0.2, high: 3 }),
  binary('xlog1py', {}, { low: -0.5, high: 3 }),
];

const trigonometric: readonly OperatorSamples[] = [
  ...each('sin cos sinh cosh tanh atan asinh deg2rad rad2deg', (op) => unary(op)),
  unary('tan', { low: -1.2, high: 1.2 }),
  ...each('asin acos atanh', (op) => unary(op, { low: -0.9, high: 0.9 })),
  unary('acosh', { low: 1.2, high: 4 }),
  binary('atan2', { low: 0.3 }, { low: 0.3 }),
  unary('sinc', { kinks: [0] }),
];

const rounding: readonly OperatorSamples[] = [
  ...each('floor ceil trunc round', (op) =>
    unary(op, { kinks: [-1.5, -1, -0.5, 0, 0.5, 1, 1.5], low: -1.9, high: 1.9 }, { noGradient: FLAT }),
  ),
  operator('round', {
    decimals: (m) => [m.fixed([4]), { decimals: 1 }],
    'negative decimals': (m) => [m.fixed([4], -90, 90), { decimals: -1 }],
  }),
  unary('frac', { kinks: [-1, 0, 1] }),
];

const bounds: readonly OperatorSamples[] = [
  operator('clamp', {
    both: (m) => [m.apart([3, 4], [-1, 1]), { min: -1, max: 1 }],
    min: (m) => [m.apart([3, 4], [0]), { min: 0 }],
    max: (m) => [m.apart([], [0.5]), { max: 0.5 }],
    tensors: (m) => [
      m.apart([3, 4], [-1, 1]),
      { min: m.values([4], [-1, -1, -1, -1]), max: m.values([], [1]) },
    ],
    empty: (m) => [m.x([0]), { min: 0 }],
  }),
  ...each('clampMin clampMax', (op) =>
    operator(op, {
      number: (m) => [m.apart([3, 4], [0.25]), 0.25],
      tensor: (m) => [m.apart([3, 4], [0.25]), m.values([], [0.25])],
      'no dimensions': (m) => [m.x([], 1, 2), 0.25],
      empty: (m) => [m.x([0, 2]), 1],
    }),
  ),
  ...each('maximum minimum fmax fmin', (op) => binary(op, { low: -2, high: 0.4 }, { low: 0.5, high: 2 })),
  ...each('maximum minimum fmax fmin', (op) =>
    operator(op, { mixed: (m) => [m.distinct([3, 3]), m.values([3], [0.05, -0.3, 0.3])] }),
  ),
  operator('nanToNum', {
    NaN: (m) => [m.values([3], [Number.NaN, 1, 2], false)],
    replaced: (m) => [
      m.values([5], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 2], false),
      { nan: 1, posinf: 2, neginf: 3 },
    ],
    plain: (m) => [m.x([2, 3])],
    'no dimensions': (m) => [m.x([])],
    empty: (m) => [m.x([0])],
  }),
];

const comparison: readonly OperatorSamples[] = [
  ...each('eq ne lt le gt ge', (op) => binary(op, {}, {}, { noGradient: NOT_FLOATING })),
  ...each('eq ne lt le gt ge', (op) =>
    operator(op, { integers: (m) => [m.integers([3, 4]), m.integers([4])] }, { noGradient: NOT_FLOATING }),
  ),
  ...each('isnan isinf isfinite isposinf isneginf', (op) =>
    operator(
      op,
      {
        special: (m) => [
          m.values([5], [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, -0]),
        ],
        'no dimensions': (m) => [m.x([])],
        empty: (m) => [m.x([0])],
        integers: (m) => [m.integers([3])],
      },
      { noGradient: NOT_FLOATING },
    ),
  ),
  operator(
    'isclose',
    {
      near: (m) => [m.values([3], [1, 2, 3]), m.values([3], [1.000001, 2.1, 3])],
      options: (m) => [
        m.values([3], [1, 2, Number.NaN]),
        m.values([3], [1.1, 2.5, Number.NaN]),
        { rtol: 0.2, atol: 0, equalNan: true },
      ],
    },
    { noGradient: NOT_FLOATING },
  ),
];

const logic: readonly OperatorSamples[] = [
  ...each('logicalAnd logicalOr logicalXor', (op) =>
    operator(
      op,
      {
        truths: (m) => [m.bools([3, 4]), m.bools([4])],
        numbers: (m) => [m.values([3], [0, 1, 2]), m.values([3], [0, 0, 2])],
        empty: (m) => [m.bools([0]), m.bools([0])],
      },
      { noGradient: NOT_FLOATING },
    ),
  ),
  operator(
    'logicalNot',
    { truths: (m) => [m.bools([3, 4])], numbers: (m) => [m.values([3], [0, 1, -2])] },
    { noGradient: NOT_FLOATING },
  ),
  ...each('bitwiseAnd bitwiseOr bitwiseXor', (op) =>
    operator(
      op,
      {
        integers: (m) => [m.integers([3, 4]), m.integers([4])],
        truths: (m) => [m.bools([4]), m.bools([4])],
        number: (m) => [m.integers([3]), 6],
      },
      { noGradient: NOT_FLOATING },
    ),
  ),
  operator(
    'bitwiseNot',
    { integers: (m) => [m.integers([3, 4])], truths: (m) => [m.bools([4])] },
    { noGradient: NOT_FLOATING },
  ),
  ...each('bitwiseLeftShift bitwiseRightShift', (op) =>
    operator(
      op,
      {
        integers: (m) => [m.integers([3, 4]), m.integers([4], 0, 5)],
        number: (m) => [m.integers([3]), 2],
      },
      { noGradient: NOT_FLOATING },
    ),
  ),
];

const special: readonly OperatorSamples[] = [
  ...each('erf erfc ndtr', (op) => unary(op)),
  unary('erfinv', { low: -0.9, high: 0.9 }),
  ...each('lgamma digamma', (op) => unary(op, { low: 0.4, high: 4 })),
  operator('polygamma', {
    'the first': (m) => [1, m.x([3, 4], 0.5, 4)],
    'the second': (m) => [2, m.x([3], 0.5, 4)],
    'no dimensions': (m) => [1, m.x([], 0.5, 4)],
  }),
  operator('mvlgamma', { two: (m) => [m.x([3, 4], 1, 4), 2], three: (m) => [m.x([3], 1.5, 4), 3] }),
  unary('sigmoid'),
  operator('logit', {
    plain: (m) => [m.x([3, 4], 0.1, 0.9)],
    eps: (m) => [m.apart([3, 4], [0.2, 0.8], 0, 1), { eps: 0.2 }],
    'no dimensions': (m) => [m.x([], 0.2, 0.8)],
    empty: (m) => [m.x([0])],
  }),
];

const copying: readonly OperatorSamples[] = [
  ...each('clone contiguous', (op) => unary(op)),
  unary('zero', {}, { noGradient: FLAT }),
  operator('copy', {
    broadcast: (m) => [m.x([2, 3]), m.x([3])],
    'another dtype': (m) => [m.x([2]), m.integers([2])],
  }),
  operator('fill', {
    number: (m) => [m.x([2, 3]), 1.5],
    tensor: (m) => [m.x([2, 3]), m.x([])],
    empty: (m) => [m.x([0]), 1],
  }),
  operator('where', {
    'three shapes': (m) => [m.bools([2, 3]), m.x([3]), m.x([2, 1])],
    numbers: (m) => [m.bools([2, 3]), m.x([2, 3]), 0],
    'a number first': (m) => [m.bools([3]), 1, m.x([3])],
    'no dimensions': (m) => [m.bools([]), m.x([]), m.x([])],
    empty: (m) => [m.bools([0]), m.x([0]), m.x([0])],
    'NaN not taken': (m) => [m.truths([2], [1, 0]), m.values([2], [1, Number.NaN], false), m.x([2])],
  }),
];

export const pointwiseSamples: readonly OperatorSamples[] = [
  ...arithmetic,
  ...powers,
  ...exponential,
  ...trigonometric,
  ...rounding,
  ...bounds,
  ...comparison,
  ...logic,
  ...special,
  ...copying,
];
