import {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  col2im,
  conv1d,
  conv2d,
  conv3d,
  convTranspose2d,
  crossEntropy,
  type DType,
  expand,
  groupNorm,
  instanceNorm,
  isFloating,
  layerNorm,
  logSoftmax,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  noGrad,
  rmsNorm,
  scaledDotProductAttention,
  softmax,
  type Tensor,
  transpose,
} from '@flambeau/core';
import { BACKEND_DTYPES } from '@flambeau/core/backend';

/** One call of a composite operator that has a kernel of its own. */
export interface FusedCase {
  readonly name: string;
  /** The operators whose kernels must run. */
  readonly kernels: readonly string[];
  readonly dtypes: readonly DType[];
  /** Shapes of the floating inputs. */
  readonly shapes: readonly (readonly number[])[];
  /** Integer inputs, as they are. */
  readonly indices?: readonly (readonly number[])[];
  readonly run: (inputs: readonly Tensor[], indices: readonly Tensor[]) => Tensor | readonly Tensor[];
  /** Whether gradients are compared too. */
  readonly gradients: boolean;
}

const FLOATING = BACKEND_DTYPES.filter(isFloating);
const SINGLE: readonly DType[] = ['float32', 'bfloat16'];

const rows = (name: string, f: typeof softmax): FusedCase[] =>
  [
    [[3, 5], 'a short row'],
    [[2, 3, 300], 'a row of several threads'],
    [[2, 4500], 'a row that no registers hold'],
    [[7], 'one row'],
  ].map(([shape, what]) => ({
    name: `${name}: ${what}`,
    kernels: [name, `${name}Backward`],
    dtypes: FLOATING,
    shapes: [shape as number[]],
    run: ([x]) => f(x!, -1),
    gradients: true,
  }));

const softmaxes: readonly FusedCase[] = [
  ...rows('softmax', softmax),
  ...rows('logSoftmax', logSoftmax),
  {
    name: 'softmax: rows that lie apart',
    kernels: ['softmax'],
    dtypes: SINGLE,
    shapes: [[6, 4, 5]],
    run: ([x]) => softmax(transpose(x!, 0, 2), -1),
    gradients: true,
  },
  {
    name: 'softmax: rows that repeat',
    kernels: ['softmax'],
    dtypes: SINGLE,
    shapes: [[1, 1, 9]],
    run: ([x]) => softmax(expand(x!, [3, 2, 9]), -1),
    gradients: true,
  },
];

const norms: readonly FusedCase[] = [
  {
    name: 'layerNorm: with weight and bias, over two dimensions',
    kernels: ['layerNorm'],
    dtypes: FLOATING,
    shapes: [
      [4, 3, 20],
      [3, 20],
      [3, 20],
    ],
    run: ([x, weight, bias]) => layerNorm(x!, [3, 20], weight, bias),
    gradients: true,
  },
  {
    name: 'layerNorm: alone, a long row',
    kernels: ['layerNorm'],
    dtypes: SINGLE,
    shapes: [[2, 5000]],
    run: ([x]) => layerNorm(x!, [5000]),
    gradients: true,
  },
  {
    name: 'groupNorm: weights of channels',
    kernels: ['groupNorm'],
    dtypes: FLOATING,
    shapes: [[2, 6, 3, 5], [6], [6]],
    run: ([x, weight, bias]) => groupNorm(x!, 3, weight, bias),
    gradients: true,
  },
  {
    name: 'instanceNorm: a bias without a weight',
    kernels: ['instanceNorm'],
    dtypes: SINGLE,
    shapes: [[2, 3, 4, 5], [3]],
    run: ([x, bias]) => instanceNorm(x!, null, null, null, bias),
    gradients: true,
  },
  {
    name: 'rmsNorm: with a weight',
    kernels: ['rmsNorm'],
    dtypes: FLOATING,
    shapes: [[5, 70], [70]],
    run: ([x, weight]) => rmsNorm(x!, [70], weight, { eps: 1e-5 }),
    gradients: true,
  },
];

const losses: readonly FusedCase[] = [
  {
    name: 'crossEntropy: a mean in which some rows do not count',
    kernels: ['crossEntropy'],
    dtypes: FLOATING,
    shapes: [[5, 7]],
    indices: [[0, 6, -100, 3, 3]],
    run: ([x], [target]) => crossEntropy(x!, target!),
    gradients: true,
  },
  {
    name: 'crossEntropy: a sum by weights, of rows that lie apart',
    kernels: ['crossEntropy'],
    dtypes: SINGLE,
    shapes: [[7, 5], [7]],
    indices: [[0, 6, 1, 3, 3]],
    run: ([x, weight], [target]) =>
      crossEntropy(transpose(x!, 0, 1), target!, { weight: weight!, reduction: 'sum' }),
    gradients: false,
  },
];

const pools: readonly FusedCase[] = [
  {
    name: 'maxPool1d',
    kernels: ['maxPool', 'maxPoolBackward'],
    dtypes: FLOATING,
    shapes: [[2, 3, 11]],
    run: ([x]) => maxPool1d(x!, 3, { stride: 2, padding: 1 }),
    gradients: true,
  },
  {
    name: 'maxPool2d: dilated, in ceil mode, of a transposed input',
    kernels: ['maxPool', 'maxPoolBackward'],
    dtypes: FLOATING,
    shapes: [[2, 3, 9, 8]],
    run: ([x]) =>
      maxPool2d(transpose(x!, 2, 3), [3, 2], { stride: 2, padding: 1, dilation: 2, ceilMode: true }),
    gradients: true,
  },
  {
    name: 'maxPool3d',
    kernels: ['maxPool', 'maxPoolBackward'],
    dtypes: SINGLE,
    shapes: [[2, 2, 5, 4, 6]],
    run: ([x]) => maxPool3d(x!, 2),
    gradients: true,
  },
  {
    name: 'avgPool1d: without padding in the count',
    kernels: ['avgPool', 'avgPoolBackward'],
    dtypes: FLOATING,
    shapes: [[2, 3, 11]],
    run: ([x]) => avgPool1d(x!, 3, { stride: 2, padding: 1, countIncludePad: false }),
    gradients: true,
  },
  {
    name: 'avgPool2d: overlapping windows in ceil mode',
    kernels: ['avgPool', 'avgPoolBackward'],
    dtypes: FLOATING,
    shapes: [[2, 3, 7, 8]],
    run: ([x]) => avgPool2d(x!, [3, 2], { stride: [2, 1], padding: 1, ceilMode: true }),
    gradients: true,
  },
  {
    name: 'avgPool3d: by a given divisor',
    kernels: ['avgPool', 'avgPoolBackward'],
    dtypes: SINGLE,
    shapes: [[1, 2, 4, 5, 6]],
    run: ([x]) => avgPool3d(x!, 2, { divisorOverride: 3 }),
    gradients: true,
  },
];

const blocks: readonly FusedCase[] = [
  {
    name: 'col2im: overlapping blocks',
    kernels: ['overlapAdd'],
    dtypes: FLOATING,
    shapes: [[2, 12, 12]],
    run: ([x]) => col2im(x!, [4, 5], 2),
    gradients: true,
  },
];

const CONVOLUTIONS = ['convolution', 'convolutionInputGrad', 'convolutionWeightGrad'] as const;

const convolutions: readonly FusedCase[] = [
  {
    name: 'conv1d',
    kernels: CONVOLUTIONS,
    dtypes: FLOATING,
    shapes: [[2, 3, 17], [4, 3, 3], [4]],
    run: ([x, weight, bias]) => conv1d(x!, weight!, bias, { padding: 1 }),
    gradients: true,
  },
  {
    name: 'conv2d: strides, padding, dilation and groups',
    kernels: CONVOLUTIONS,
    dtypes: FLOATING,
    shapes: [[2, 4, 9, 10], [6, 2, 3, 2], [6]],
    run: ([x, weight, bias]) =>
      conv2d(x!, weight!, bias, { stride: [2, 3], padding: [1, 2], dilation: [2, 1], groups: 2 }),
    gradients: true,
  },
  {
    name: 'conv2d: more channels than a tile, a long sum for the weight',
    kernels: CONVOLUTIONS,
    dtypes: ['float32'],
    shapes: [
      [4, 9, 17, 17],
      [70, 9, 3, 3],
    ],
    run: ([x, weight]) => conv2d(x!, weight!),
    gradients: true,
  },
  {
    name: 'conv3d',
    kernels: CONVOLUTIONS,
    dtypes: SINGLE,
    shapes: [
      [1, 2, 5, 6, 7],
      [3, 2, 2, 3, 2],
    ],
    run: ([x, weight]) => conv3d(x!, weight!, null, { stride: 2 }),
    gradients: true,
  },
  {
    name: 'convTranspose2d',
    kernels: ['convolutionInputGrad'],
    dtypes: SINGLE,
    shapes: [
      [2, 3, 5, 4],
      [3, 2, 3, 3],
    ],
    run: ([x, weight]) => convTranspose2d(x!, weight!, null, { stride: 2, padding: 1, outputPadding: 1 }),
    gradients: true,
  },
];

const attentions: readonly FusedCase[] = [
  {
    name: 'attention: more queries and keys than a tile',
    kernels: ['scaledDotProductAttention'],
    dtypes: ['float32', 'float16', 'bfloat16'],
    shapes: [
      [2, 3, 37, 20],
      [2, 3, 70, 20],
      [2, 3, 70, 12],
    ],
    run: ([q, k, v]) => noGrad(() => scaledDotProductAttention(q!, k!, v!)),
    gradients: false,
  },
  {
    name: 'attention: causal',
    kernels: ['scaledDotProductAttention'],
    dtypes: SINGLE,
    shapes: [
      [2, 50, 64],
      [2, 50, 64],
      [2, 50, 64],
    ],
    run: ([q, k, v]) => noGrad(() => scaledDotProductAttention(q!, k!, v!, { isCausal: true })),
    gradients: false,
  },
  {
    name: 'attention: a mask of scores for each head, keys and values of one',
    kernels: ['scaledDotProductAttention'],
    dtypes: SINGLE,
    shapes: [
      [2, 4, 9, 100],
      [2, 1, 33, 100],
      [2, 1, 33, 100],
      [4, 1, 33],
    ],
    run: ([q, k, v, mask]) => noGrad(() => scaledDotProductAttention(q!, k!, v!, { attnMask: mask! })),
    gradients: false,
  },
  {
    name: 'attention: a mask that leaves a query nothing',
    kernels: ['scaledDotProductAttention'],
    dtypes: SINGLE,
    shapes: [
      [1, 3, 8],
      [1, 4, 8],
      [1, 4, 8],
    ],
    indices: [
      [1, 0, 1, 1],
      [0, 0, 0, 0],
      [0, 1, 0, 0],
    ].map((row) => row),
    run: ([q, k, v], masks) =>
      noGrad(() => {
        const mask = masks.map((row) => row.to({ dtype: 'bool' }).unsqueeze(0));
        const [first, second, third] = mask as [Tensor, Tensor, Tensor];
        return [first, second, third].map((m) => scaledDotProductAttention(q!, k!, v!, { attnMask: m }));
      }),
    gradients: false,
  },
];

export const fusedCases: readonly FusedCase[] = [
  ...softmaxes,
  ...norms,
  ...losses,
  ...pools,
  ...blocks,
  ...convolutions,
  ...attentions,
];
