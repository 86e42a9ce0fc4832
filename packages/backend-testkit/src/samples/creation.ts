import { each, type OperatorSamples, operator } from './sample.ts';

const NEW = 'it makes a tensor of nothing that could have a gradient';

/** Functions that make tensors. */
export const creationSamples: readonly OperatorSamples[] = [
  operator(
    'arange',
    {
      'to 5': (m) => [5, { device: m.device }],
      steps: (m) => [1, 2, 0.25, { device: m.device, dtype: m.dtype }],
      down: (m) => [5, 0, -2, { device: m.device }],
      empty: (m) => [0, { device: m.device }],
    },
    { noGradient: NEW },
  ),
  operator(
    'linspace',
    {
      plain: (m) => [0, 1, 7, { device: m.device, dtype: m.dtype }],
      one: (m) => [3, 5, 1, { device: m.device, dtype: m.dtype }],
      none: (m) => [3, 5, 0, { device: m.device, dtype: m.dtype }],
    },
    { noGradient: NEW },
  ),
  operator(
    'eye',
    {
      square: (m) => [3, { device: m.device, dtype: m.dtype }],
      wide: (m) => [2, 4, { device: m.device, dtype: m.dtype }],
    },
    { noGradient: NEW },
  ),
  operator(
    'full',
    {
      plain: (m) => [[2, 3], 1.5, { device: m.device, dtype: m.dtype }],
      truth: (m) => [[2], true, { device: m.device }],
    },
    { noGradient: NEW },
  ),
  ...each('zeros ones', (op) =>
    operator(
      op,
      {
        plain: (m) => [[2, 3], { device: m.device, dtype: m.dtype }],
        empty: (m) => [[0], { device: m.device, dtype: m.dtype }],
        'no dimensions': (m) => [[], { device: m.device, dtype: m.dtype }],
      },
      { noGradient: NEW },
    ),
  ),
  ...each('zerosLike onesLike', (op) =>
    operator(
      op,
      { plain: (m) => [m.fixed([2, 3])], dtype: (m) => [m.fixed([2]), { dtype: 'int32' }] },
      { noGradient: NEW },
    ),
  ),
  operator('fullLike', { plain: (m) => [m.fixed([2, 3]), -2] }, { noGradient: NEW }),
];
