/** What is measured: one table, read by every peer. */

export type ModelName = 'mlp' | 'lenet' | 'resnet' | 'lstm' | 'transformer';
export type Group = 'tiny' | 'elementwise' | 'product' | 'convolution' | 'training';
export type PeerName = 'torch' | 'tfjs' | 'jax' | 'onnx-node' | 'onnx-web';

/** What the operators compute; `tiny-backward` is the gradient of `((a*b+b)*a).sum()` by both. */
export type OperatorName =
  | 'add'
  | 'relu'
  | 'exp'
  | 'gelu-tanh'
  | 'sum'
  | 'matmul'
  | 'conv3x3'
  | 'tiny-backward';

/** A limit on the ratio of our time to a peer's, or to our own with one thread. */
export interface Goal {
  readonly against: PeerName | 'own 1 thread';
  readonly threads: number;
  readonly atMost: number;
}

interface Common {
  readonly name: string;
  readonly group: Group;
  readonly goals: readonly Goal[];
}

/** Operands are uniform in -1…1, the first by seed 1, the second by seed 2. */
export interface OperatorCase extends Common {
  readonly kind: 'operator';
  readonly operator: OperatorName;
  readonly shapes: readonly (readonly number[])[];
}

/** A parameter is uniform in `base ± bound`, by the seed 101 + its place in the list. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly bound: number;
  readonly base: number;
}

/** One step: gradients to zero, cross entropy, backward, optimiser. Input by seed 1, classes by seed 2. */
export interface TrainingCase extends Common {
  readonly kind: 'training';
  readonly model: ModelName;
  readonly optimizer: 'sgd' | 'adam';
  readonly lr: number;
  readonly input: { readonly shape: readonly number[]; readonly classes?: number };
  readonly target: { readonly length: number; readonly classes: number };
  readonly parameters: readonly ParameterSpec[];
}

export type Case = OperatorCase | TrainingCase;

const weight = (name: string, shape: readonly number[], inputs: number): ParameterSpec => ({
  name,
  shape,
  bound: 1 / Math.sqrt(inputs),
  base: 0,
});

const linear = (name: string, outputs: number, inputs: number): ParameterSpec[] => [
  weight(`${name}.weight`, [outputs, inputs], inputs),
  weight(`${name}.bias`, [outputs], inputs),
];

const convolution = (name: string, outputs: number, inputs: number, size: number): ParameterSpec =>
  weight(`${name}.weight`, [outputs, inputs, size, size], inputs * size * size);

const norm = (name: string, width: number): ParameterSpec[] => [
  { name: `${name}.weight`, shape: [width], bound: 0.1, base: 1 },
  { name: `${name}.bias`, shape: [width], bound: 0.1, base: 0 },
];

const residual = (name: string, inputs: number, outputs: number): ParameterSpec[] => [
  convolution(`${name}.conv1`, outputs, inputs, 3),
  ...norm(`${name}.norm1`, outputs),
  convolution(`${name}.conv2`, outputs, outputs, 3),
  ...norm(`${name}.norm2`, outputs),
  ...(inputs === outputs
    ? []
    : [convolution(`${name}.shortcut.0`, outputs, inputs, 1), ...norm(`${name}.shortcut.1`, outputs)]),
];

const block = (name: string): ParameterSpec[] => [
  ...norm(`${name}.norm1`, 128),
  ...linear(`${name}.qkv`, 384, 128),
  ...linear(`${name}.out`, 128, 128),
  ...norm(`${name}.norm2`, 128),
  ...linear(`${name}.up`, 512, 128),
  ...linear(`${name}.down`, 128, 512),
];

const PARAMETERS: Readonly<Record<ModelName, readonly ParameterSpec[]>> = {
  mlp: [...linear('0', 128, 784), ...linear('2', 10, 128)],
  lenet: [
    convolution('0', 6, 1, 5),
    weight('0.bias', [6], 25),
    convolution('3', 16, 6, 5),
    weight('3.bias', [16], 150),
    ...linear('7', 120, 400),
    ...linear('9', 84, 120),
    ...linear('11', 10, 84),
  ],
  resnet: [
    convolution('stem', 16, 3, 3),
    ...norm('norm', 16),
    ...residual('blocks.0', 16, 16),
    ...residual('blocks.1', 16, 32),
    ...residual('blocks.2', 32, 64),
    ...linear('head', 10, 64),
  ],
  lstm: [
    weight('lstm.weight_ih_l0', [512, 64], 128),
    weight('lstm.weight_hh_l0', [512, 128], 128),
    weight('lstm.bias_ih_l0', [512], 128),
    weight('lstm.bias_hh_l0', [512], 128),
    ...linear('head', 10, 128),
  ],
  transformer: [
    { name: 'tokens.weight', shape: [256, 128], bound: 0.5, base: 0 },
    { name: 'positions', shape: [64, 128], bound: 0.5, base: 0 },
    ...[0, 1, 2, 3].flatMap((i) => block(`blocks.${i}`)),
    ...norm('norm', 128),
    ...linear('head', 256, 128),
  ],
};

/** Goals against one peer, for one number of threads. */
const against = (peer: Goal['against'], atMost: number | undefined, threads: number): readonly Goal[] =>
  atMost === undefined ? [] : [{ against: peer, threads, atMost }];

const operator = (
  name: string,
  group: Group,
  kind: OperatorName,
  shapes: OperatorCase['shapes'],
  goals: readonly Goal[] = [],
): OperatorCase => ({ name, group, kind: 'operator', operator: kind, shapes, goals });

/** Limits in times of PyTorch's time, with one thread. */
const ELEMENTWISE_GOALS: Readonly<Record<string, number>> = {
  'add 1K': 0.6,
  'relu 1K': 0.6,
  'sum 1K': 0.6,
  'add 1M': 1.1,
  'relu 1M': 1.1,
  'sum 1M': 1.1,
  'exp 1M': 2.2,
  'gelu-tanh 1M': 0.7,
};

const SIZES = { '1K': 1024, '64K': 65_536, '1M': 1_048_576 } as const;

const elementwise = (['add', 'relu', 'exp', 'gelu-tanh', 'sum'] as const).flatMap((kind) =>
  Object.entries(SIZES).map(([label, n]) => {
    const name = `${kind} ${label}`;
    const shapes = kind === 'add' ? [[n], [n]] : [[n]];
    return operator(name, 'elementwise', kind, shapes, against('torch', ELEMENTWISE_GOALS[name], 1));
  }),
);

const PRODUCT_GOALS: readonly Goal[] = [
  { against: 'torch', threads: 1, atMost: 3.5 },
  { against: 'tfjs', threads: 1, atMost: 0.65 },
  { against: 'jax', threads: 1, atMost: 0.6 },
  { against: 'own 1 thread', threads: 2, atMost: 0.56 },
];

const squares = [64, 256, 512, 1024].map((n) =>
  operator(
    `matmul ${n}`,
    'product',
    'matmul',
    [
      [n, n],
      [n, n],
    ],
    n >= 256 ? PRODUCT_GOALS : [],
  ),
);

/** Rows, inner size, columns. */
const SKINNY = [
  [1, 1024, 1024],
  [1024, 1024, 1],
  [64, 784, 128],
  [4096, 64, 64],
  [64, 4096, 64],
] as const;

const skinny = SKINNY.map(([m, k, n]) =>
  operator(`matmul ${m}x${k}x${n}`, 'product', 'matmul', [
    [m, k],
    [k, n],
  ]),
);

const training = (
  name: string,
  model: ModelName,
  optimizer: TrainingCase['optimizer'],
  input: TrainingCase['input'],
  target: TrainingCase['target'],
  goals: readonly Goal[] = [],
): TrainingCase => ({
  name,
  group: 'training',
  kind: 'training',
  model,
  optimizer,
  lr: optimizer === 'sgd' ? 0.05 : 1e-3,
  input,
  target,
  parameters: PARAMETERS[model],
  goals,
});

const MLP_GOALS: readonly Goal[] = [
  ...against('torch', 1.3, 2),
  ...against('tfjs', 0.25, 2),
  ...against('jax', 0.5, 2),
];
const MODEL_GOALS: readonly Goal[] = [...against('torch', 2.5, 2), ...against('tfjs', 0.4, 2)];

const flat = { shape: [64, 784] } as const;
const images = { shape: [64, 1, 28, 28] } as const;
const digits = { length: 64, classes: 10 } as const;

export const CASES: readonly Case[] = [
  operator('add 4', 'tiny', 'add', [[4], [4]], against('torch', 0.25, 1)),
  operator('forward+backward 4', 'tiny', 'tiny-backward', [[4], [4]], against('torch', 0.1, 1)),
  ...elementwise,
  ...squares,
  ...skinny,
  operator('conv3x3 32x64x28x28', 'convolution', 'conv3x3', [
    [32, 64, 28, 28],
    [64, 64, 3, 3],
  ]),
  training('MLP SGD', 'mlp', 'sgd', flat, digits, MLP_GOALS),
  training('MLP Adam', 'mlp', 'adam', flat, digits, MLP_GOALS),
  training('LeNet', 'lenet', 'sgd', images, digits, MODEL_GOALS),
  training('ResNet', 'resnet', 'sgd', { shape: [32, 3, 32, 32] }, { length: 32, classes: 10 }),
  training('LSTM', 'lstm', 'adam', { shape: [16, 32, 64] }, { length: 16, classes: 10 }),
  training(
    'transformer 1x64',
    'transformer',
    'adam',
    { shape: [1, 64], classes: 256 },
    { length: 64, classes: 256 },
    MODEL_GOALS,
  ),
  training(
    'transformer 8x64',
    'transformer',
    'adam',
    { shape: [8, 64], classes: 256 },
    { length: 512, classes: 256 },
    MODEL_GOALS,
  ),
];

/** The cases whose group, or part of whose name, is among `wanted`; all where nothing is wanted. */
export function selectCases(wanted: readonly string[], cases: readonly Case[] = CASES): readonly Case[] {
  if (wanted.length === 0) return cases;
  const unknown = wanted.filter((word) => !cases.some((one) => matches(one, word)));
  if (unknown.length > 0)
    throw new RangeError(`--cases: nothing is called ${unknown.join(', ')}; there are ${listed(cases)}`);
  return cases.filter((one) => wanted.some((word) => matches(one, word)));
}

const matches = ({ name, group }: Case, word: string): boolean =>
  group === word || name.toLowerCase().includes(word.toLowerCase());

const listed = (cases: readonly Case[]): string => cases.map(({ name }) => name).join(', ');
