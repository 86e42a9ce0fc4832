import { each, NOT_FLOATING, type OperatorSamples, operator } from './sample.ts';

/** Convolutions, pools, norms, attention and losses. */

const convolutions: readonly OperatorSamples[] = [
  operator('conv1d', {
    plain: (m) => [m.x([2, 3, 5]), m.x([4, 3, 2]), m.x([4])],
    options: (m) => [
      m.x([1, 2, 7]),
      m.x([2, 1, 3]),
      undefined,
      { stride: 2, padding: 1, dilation: 2, groups: 2 },
    ],
    same: (m) => [m.x([1, 1, 5]), m.x([1, 1, 3]), undefined, { padding: 'same' }],
    'no batch': (m) => [m.x([2, 4]), m.x([2, 2, 2])],
  }),
  operator('conv2d', {
    plain: (m) => [m.x([2, 2, 4, 4]), m.x([3, 2, 2, 3]), m.x([3])],
    options: (m) => [
      m.x([1, 2, 5, 6]),
      m.x([4, 1, 2, 2]),
      m.x([4]),
      { stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2 },
    ],
    valid: (m) => [m.x([1, 1, 3, 3]), m.x([1, 1, 3, 3]), undefined, { padding: 'valid' }],
    'empty batch': (m) => [m.x([0, 2, 3, 3]), m.x([1, 2, 2, 2]), m.x([1])],
  }),
  operator('conv3d', {
    plain: (m) => [m.x([1, 1, 3, 3, 3]), m.x([2, 1, 2, 2, 2]), m.x([2]), { padding: [1, 0, 0] }],
  }),
  operator('convTranspose1d', {
    options: (m) => [m.x([1, 2, 4]), m.x([2, 3, 3]), m.x([3]), { stride: 2, padding: 1, outputPadding: 1 }],
  }),
  operator('convTranspose2d', {
    plain: (m) => [m.x([1, 2, 3, 3]), m.x([2, 2, 2, 2]), m.x([2])],
    options: (m) => [
      m.x([1, 2, 3, 2]),
      m.x([2, 1, 3, 2]),
      undefined,
      { stride: [2, 1], padding: [1, 0], outputPadding: [1, 0], dilation: [1, 2], groups: 2 },
    ],
  }),
  operator('convTranspose3d', { plain: (m) => [m.x([1, 1, 2, 2, 2]), m.x([1, 1, 2, 2, 2])] }),
  operator('convolution', {
    plain: (m) => [
      m.x([1, 2, 4, 4]),
      m.x([3, 2, 2, 2]),
      m.x([3]),
      { stride: [1, 1], padding: [0, 1], dilation: [1, 1] },
    ],
  }),
];

const pools: readonly OperatorSamples[] = [
  operator('avgPool1d', {
    plain: (m) => [m.x([1, 2, 6]), 2],
    options: (m) => [m.x([2, 5]), 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }],
  }),
  operator('avgPool2d', {
    plain: (m) => [m.x([1, 2, 4, 4]), 2],
    options: (m) => [
      m.x([1, 1, 5, 4]),
      [3, 2],
      { stride: [2, 1], padding: 1, ceilMode: true, countIncludePad: false },
    ],
    divisor: (m) => [m.x([1, 1, 4, 4]), 2, { divisorOverride: 3 }],
  }),
  operator('avgPool3d', { plain: (m) => [m.x([1, 1, 2, 2, 4]), 2] }),
  operator('maxPool1d', {
    plain: (m) => [m.distinct([1, 2, 6]), 2],
    indices: (m) => [m.distinct([2, 7]), 3, { stride: 2, padding: 1, returnIndices: true }],
  }),
  operator('maxPool2d', {
    plain: (m) => [m.distinct([1, 2, 4, 4]), 2],
    options: (m) => [
      m.distinct([1, 1, 5, 6]),
      [2, 3],
      { stride: [2, 1], padding: 1, dilation: [2, 1], ceilMode: true },
    ],
  }),
  operator('maxPool3d', { plain: (m) => [m.distinct([1, 1, 2, 4, 2]), 2] }),
  operator('lpPool1d', { plain: (m) => [m.x([1, 2, 6], 0.5, 2), 2, 2] }),
  operator('lpPool2d', { plain: (m) => [m.x([1, 1, 4, 4], 0.5, 2), 2, 2] }),
  operator('lpPool3d', { plain: (m) => [m.x([1, 1, 2, 2, 2], 0.5, 2), 3, 2] }),
  operator('adaptiveAvgPool1d', { plain: (m) => [m.x([1, 2, 5]), 3] }),
  operator('adaptiveAvgPool2d', {
    plain: (m) => [m.x([1, 2, 5, 4]), [3, 2]],
    kept: (m) => [m.x([1, 1, 3, 4]), [null, 1]],
  }),
  operator('adaptiveAvgPool3d', { plain: (m) => [m.x([1, 1, 3, 2, 4]), 2] }),
  operator('adaptiveMaxPool1d', { plain: (m) => [m.distinct([1, 2, 5]), 3] }),
  operator('adaptiveMaxPool2d', {
    plain: (m) => [m.distinct([1, 1, 5, 4]), [3, 2]],
    indices: (m) => [m.distinct([1, 1, 4, 4]), 2, { returnIndices: true }],
  }),
  operator('adaptiveMaxPool3d', { plain: (m) => [m.distinct([1, 1, 3, 2, 4]), 2] }),
  operator('maxUnpool1d', { plain: (m) => [m.x([1, 2, 3]), m.integer([1, 2, 3], [0, 3, 5, 1, 2, 4]), 2] }),
  operator('maxUnpool2d', { plain: (m) => [m.x([1, 1, 2, 2]), m.integer([1, 1, 2, 2], [0, 3, 9, 14]), 2] }),
  operator('maxUnpool3d', { plain: (m) => [m.x([1, 1, 1, 1, 2]), m.integer([1, 1, 1, 1, 2], [1, 6]), 2] }),
];

const norms: readonly OperatorSamples[] = [
  operator('batchNorm', {
    training: (m) => [m.x([4, 3]), undefined, undefined, m.x([3]), m.x([3]), { training: true }],
    'four dimensions': (m) => [
      m.x([2, 3, 2, 2]),
      undefined,
      undefined,
      undefined,
      undefined,
      { training: true, eps: 1e-3 },
    ],
    evaluation: (m) => [
      m.x([4, 3]),
      m.fixed([3]),
      m.fixed([3], 0.5, 2),
      m.x([3]),
      m.x([3]),
      { training: false },
    ],
  }),
  operator('layerNorm', {
    last: (m) => [m.x([3, 4]), [4], m.x([4]), m.x([4])],
    'two dimensions': (m) => [m.x([2, 3, 2]), [3, 2]],
    'no bias': (m) => [m.x([2, 4]), [4], m.x([4])],
  }),
  operator('groupNorm', {
    plain: (m) => [m.x([2, 4, 3]), 2, m.x([4]), m.x([4])],
    'one group': (m) => [m.x([2, 3, 2]), 1],
  }),
  operator('instanceNorm', {
    plain: (m) => [m.x([2, 3, 4])],
    affine: (m) => [m.x([1, 2, 3, 2]), undefined, undefined, m.x([2]), m.x([2])],
  }),
  operator('rmsNorm', {
    last: (m) => [m.x([3, 4]), [4], m.x([4])],
    'two dimensions': (m) => [m.x([2, 3, 2]), [3, 2]],
    eps: (m) => [m.x([2, 3]), [3], undefined, { eps: 0.1 }],
  }),
  operator('localResponseNorm', { plain: (m) => [m.x([1, 4, 3]), 3] }),
  operator('normalize', { columns: (m) => [m.x([3, 4])], 'p 1': (m) => [m.apart([3, 4], [0]), 0, { p: 1 }] }),
];

const attention: readonly OperatorSamples[] = [
  operator('scaledDotProductAttention', {
    plain: (m) => [m.x([2, 3, 4]), m.x([2, 5, 4]), m.x([2, 5, 3])],
    causal: (m) => [m.x([1, 2, 3, 2]), m.x([1, 2, 3, 2]), m.x([1, 2, 3, 2]), { isCausal: true }],
    mask: (m) => [
      m.x([1, 2, 4]),
      m.x([1, 3, 4]),
      m.x([1, 3, 4]),
      { attnMask: m.truths([2, 3], [1, 0, 1, 1, 1, 0]), scale: 0.3 },
    ],
    'additive mask': (m) => [m.x([1, 2, 4]), m.x([1, 3, 4]), m.x([1, 3, 4]), { attnMask: m.x([2, 3]) }],
    grouped: (m) => [m.x([1, 4, 2, 2]), m.x([1, 2, 2, 2]), m.x([1, 2, 2, 2]), { enableGqa: true }],
  }),
];

const regression: readonly OperatorSamples[] = [
  ...each('mseLoss', (op) =>
    operator(op, {
      mean: (m) => [m.x([3, 4]), m.x([3, 4])],
      sum: (m) => [m.x([3]), m.x([3]), { reduction: 'sum' }],
      none: (m) => [m.x([2, 3]), m.x([2, 3]), { reduction: 'none' }],
      'no dimensions': (m) => [m.x([]), m.x([])],
      weight: (m) => [m.x([2, 3]), m.x([2, 3]), { weight: m.fixed([2, 3], 0, 1) }],
    }),
  ),
  ...each('l1Loss', (op) =>
    operator(op, {
      mean: (m) => [m.x([3, 4], 0, 1), m.x([3, 4], 1.5, 2)],
      none: (m) => [m.x([2, 3], 1, 2), m.x([2, 3], -1, 0), { reduction: 'none' }],
    }),
  ),
  operator('smoothL1Loss', {
    mean: (m) => [m.x([3, 4], 0, 0.4), m.x([3, 4], 0.5, 0.9)],
    beta: (m) => [m.x([3, 4], 0, 1), m.x([3, 4], 2, 3), { beta: 0.5 }],
    'beta 0': (m) => [m.x([3], 0, 1), m.x([3], 2, 3), { beta: 0 }],
  }),
  operator('huberLoss', {
    mean: (m) => [m.x([3, 4], 0, 0.4), m.x([3, 4], 0.5, 0.9)],
    delta: (m) => [m.x([3, 4], 0, 1), m.x([3, 4], 2, 3), { delta: 0.5, reduction: 'sum' }],
  }),
  operator('softMarginLoss', {
    mean: (m) => [m.x([3, 4]), m.values([3, 4], [1, -1, 1, 1, -1, -1, 1, 1, -1, 1, -1, 1], false)],
  }),
  operator('klDiv', {
    batchmean: (m) => [m.x([3, 4], -3, -0.5), m.x([3, 4], 0.1, 0.9), { reduction: 'batchmean' }],
    logTarget: (m) => [m.x([3, 4], -3, -0.5), m.x([3, 4], -3, -0.5), { reduction: 'sum', logTarget: true }],
    'zero target': (m) => [m.x([3], -3, -0.5), m.values([3], [0, 0.5, 0.5], false), { reduction: 'none' }],
  }),
  operator('poissonNllLoss', {
    plain: (m) => [m.x([3, 4]), m.fixed([3, 4], 0, 3)],
    'no log': (m) => [m.x([3], 0.5, 2), m.fixed([3], 2, 3), { logInput: false }],
  }),
  operator('gaussianNllLoss', { plain: (m) => [m.x([3, 2]), m.x([3, 2]), m.x([3, 2], 0.5, 2)] }),
  operator('cosineSimilarity', { rows: (m) => [m.x([3, 4]), m.x([3, 4])] }),
  operator('cosineEmbeddingLoss', {
    plain: (m) => [m.x([3, 4]), m.x([3, 4]), m.values([3], [1, -1, 1], false)],
  }),
  operator('pairwiseDistance', { rows: (m) => [m.x([3, 4]), m.x([3, 4])] }),
  operator('marginRankingLoss', {
    plain: (m) => [m.x([3], 0, 1), m.x([3], 2, 3), m.values([3], [1, -1, 1], false)],
  }),
  operator('hingeEmbeddingLoss', { plain: (m) => [m.x([3], 0.2, 0.8), m.values([3], [1, -1, 1], false)] }),
  operator('tripletMarginLoss', { plain: (m) => [m.x([2, 3]), m.x([2, 3]), m.x([2, 3]), { margin: 5 }] }),
];

const classification: readonly OperatorSamples[] = [
  operator('nllLoss', {
    mean: (m) => [m.x([3, 4]), m.indices([3], 4)],
    weight: (m) => [m.x([3, 4]), m.indices([3], 4), { weight: m.fixed([4], 0.2, 1) }],
    ignored: (m) => [m.x([3, 4]), m.integer([3], [1, -100, 2]), { reduction: 'sum' }],
    images: (m) => [m.x([2, 3, 2]), m.indices([2, 2], 3), { reduction: 'none' }],
    vector: (m) => [m.x([4]), m.integer([], [2])],
  }),
  operator('crossEntropy', {
    mean: (m) => [m.x([3, 4]), m.indices([3], 4)],
    weight: (m) => [m.x([3, 4]), m.indices([3], 4), { weight: m.fixed([4], 0.2, 1) }],
    ignored: (m) => [m.x([3, 4]), m.integer([3], [1, -100, 2])],
    smoothed: (m) => [m.x([3, 4]), m.indices([3], 4), { labelSmoothing: 0.2 }],
    images: (m) => [m.x([2, 3, 2]), m.indices([2, 2], 3), { reduction: 'sum' }],
    probabilities: (m) => [m.x([3, 4]), m.x([3, 4], 0.1, 0.9), { reduction: 'none' }],
    large: (m) => [m.x([2, 3], -80, 80), m.indices([2], 3)],
    vector: (m) => [m.x([4]), m.integer([], [2])],
  }),
  operator('binaryCrossEntropy', {
    mean: (m) => [m.x([3, 4], 0.1, 0.9), m.x([3, 4], 0.1, 0.9)],
    weight: (m) => [m.x([3], 0.1, 0.9), m.fixed([3], 0, 1), { weight: m.fixed([3], 0, 1), reduction: 'sum' }],
  }),
  operator('binaryCrossEntropyWithLogits', {
    mean: (m) => [m.x([3, 4]), m.x([3, 4], 0.1, 0.9)],
    posWeight: (m) => [
      m.x([3, 4]),
      m.fixed([3, 4], 0, 1),
      { posWeight: m.fixed([4], 0.5, 2), reduction: 'none' },
    ],
    large: (m) => [m.x([4], -90, 90), m.fixed([4], 0, 1)],
  }),
  operator('multiMarginLoss', { plain: (m) => [m.distinct([2, 4]), m.indices([2], 4)] }),
  operator('multilabelMarginLoss', {
    plain: (m) => [m.distinct([2, 4]), m.integer([2, 4], [1, 3, -1, 0, 2, -1, 0, 0])],
  }),
  operator('multilabelSoftMarginLoss', { plain: (m) => [m.x([2, 4]), m.fixed([2, 4], 0, 1)] }),
];

const random: readonly OperatorSamples[] = [
  operator('dropout', {
    'in evaluation': (m) => [m.x([3, 4]), { training: false }],
    'p 0': (m) => [m.x([3]), { p: 0 }],
  }),
  operator('oneHot', { empty: (m) => [m.indices([0], 4), { numClasses: 4 }] }, { noGradient: NOT_FLOATING }),
];

export const neuralSamples: readonly OperatorSamples[] = [
  ...convolutions,
  ...pools,
  ...norms,
  ...attention,
  ...regression,
  ...classification,
  ...random,
];
