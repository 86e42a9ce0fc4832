import { each, type OperatorSamples, operator, unary } from './sample.ts';

/** Activations and softmaxes. */
export const activationSamples: readonly OperatorSamples[] = [
  unary('relu', { kinks: [0] }),
  unary('relu6', { kinks: [0, 6], low: -2, high: 8 }),
  ...each('gelu silu mish logsigmoid tanhshrink', (op) => unary(op)),
  operator('gelu', { tanh: (m) => [m.x([3, 4]), { approximate: 'tanh' }], large: (m) => [m.x([4], -9, 9)] }),
  ...each('elu celu selu', (op) => unary(op, { kinks: [0] })),
  ...each('elu celu', (op) => operator(op, { alpha: (m) => [m.apart([3, 4], [0]), { alpha: 0.7 }] })),
  unary('leakyRelu', { kinks: [0] }),
  operator('leakyRelu', {
    slope: (m) => [m.apart([3, 4], [0]), { negativeSlope: 0.3 }],
    'slope 0': (m) => [m.apart([4], [0]), { negativeSlope: 0 }],
  }),
  ...each('hardsigmoid hardswish', (op) => unary(op, { kinks: [-3, 3], low: -4, high: 4 })),
  unary('hardtanh', { kinks: [-1, 1] }),
  operator('hardtanh', { bounds: (m) => [m.apart([3, 4], [-0.5, 1.5]), { minVal: -0.5, maxVal: 1.5 }] }),
  ...each('hardshrink softshrink', (op) => unary(op, { kinks: [-0.5, 0.5] })),
  ...each('hardshrink softshrink', (op) =>
    operator(op, { lambd: (m) => [m.apart([3, 4], [-0.2, 0.2]), { lambd: 0.2 }] }),
  ),
  unary('softsign', { kinks: [0] }),
  unary('softplus'),
  operator('softplus', {
    options: (m) => [m.apart([3, 4], [1]), { beta: 2, threshold: 2 }],
    large: (m) => [m.values([2], [-90, 90])],
  }),
  operator('prelu', {
    'one weight': (m) => [m.apart([2, 3], [0]), m.x([1])],
    'a weight for each channel': (m) => [m.apart([2, 3, 2], [0]), m.x([3])],
    vector: (m) => [m.apart([3], [0]), m.x([1])],
    empty: (m) => [m.x([0, 3]), m.x([3])],
  }),
  operator('threshold', { plain: (m) => [m.apart([3, 4], [0.3]), 0.3, 5] }),
  operator('glu', { last: (m) => [m.x([3, 4])], first: (m) => [m.x([4, 3]), 0] }),
  ...each('softmax logSoftmax softmin', (op) =>
    operator(op, {
      last: (m) => [m.x([3, 4]), -1],
      first: (m) => [m.x([3, 4]), 0],
      middle: (m) => [m.x([2, 3, 2]), 1],
      'no dimensions': (m) => [m.x([]), 0],
      empty: (m) => [m.x([0, 3]), 1],
      large: (m) => [m.x([2, 3], -60, 60), 1],
      one: (m) => [m.x([3, 1]), 1],
    }),
  ),
];
