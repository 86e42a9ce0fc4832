import { type ModelName, PARAMETERS, type ParameterSpec } from './parameters.ts';

/** What is measured: one table, read by every peer. */

export type Group = 'tiny' | 'elementwise' | 'product' | 'convolution' | 'selection' | 'training' | 'start';
export type PeerName = 'torch' | 'tfjs' | 'jax' | 'onnx-node' | 'onnx-web';

/**
 * What the operators compute; `tiny-backward` is the gradient of `((a*b+b)*a).sum()` by both, and what goes along a
 * dimension goes along the last one.
 */
export type OperatorName =
  | 'add'
  | 'relu'
  | 'exp'
  | 'gelu-tanh'
  | 'sum'
  | 'matmul'
  | 'conv3x3'
  | 'argmax'
  | 'embedding'
  | 'cumsum'
  | 'sort'
  | 'gather'
  | 'softmax'
  | 'softplus'
  | 'fmod'
  | 'amax'
  | 'tiny-backward';

/** A limit on the ratio of our time to a peer's, or to our own with one thread. */
export interface Goal {
  readonly against: PeerName | 'own 1 thread';
  readonly device: 'cpu' | 'webgpu';
  readonly threads: number;
  readonly atMost: number;
}

interface Common {
  readonly name: string;
  readonly group: Group;
  readonly goals: readonly Goal[];
}

/**
 * Operands are uniform in -1…1, the first by seed 1, the second by seed 2; of `embedding` that is rows of the first, of `gather`
 * places in its rows.
 */
export interface OperatorCase extends Common {
  readonly kind: 'operator';
  readonly operator: OperatorName;
  readonly shapes: readonly (readonly number[])[];
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
  /** One step of a fresh process is measured, from asking for the device until its loss is read. */
  readonly first: boolean;
}

export type Case = OperatorCase | TrainingCase;

/** Goals against one peer, for one number of threads. */
const against = (peer: Goal['against'], atMost: number | undefined, threads: number): readonly Goal[] =>
  atMost === undefined ? [] : [{ against: peer, device: 'cpu', threads, atMost }];

/** On WebGPU the faster of both peers counts: so each of them. */
const onGpu = (atMost: number): readonly Goal[] =>
  (['tfjs', 'jax'] as const).map((peer) => ({ against: peer, device: 'webgpu', threads: 1, atMost }));

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
  ...against('torch', 3.5, 1),
  ...against('tfjs', 0.65, 1),
  ...against('jax', 0.6, 1),
  ...against('own 1 thread', 0.56, 2),
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
    n < 256 ? [] : n < 512 ? PRODUCT_GOALS : [...PRODUCT_GOALS, ...onGpu(0.6)],
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
  first: false,
  goals,
});

const firstStep = (one: TrainingCase): TrainingCase => ({
  ...one,
  name: `${one.name}, first step`,
  group: 'start',
  first: true,
  goals: onGpu(0.5),
});

const MLP_GOALS: readonly Goal[] = [
  ...against('torch', 1.3, 2),
  ...against('tfjs', 0.25, 2),
  ...against('jax', 0.5, 2),
  ...onGpu(0.6),
];
const MODEL_GOALS: readonly Goal[] = [...against('torch', 2.5, 2), ...against('tfjs', 0.4, 2)];
const LENET_GOALS: readonly Goal[] = [...MODEL_GOALS, ...onGpu(0.6)];

const flat = { shape: [64, 784] } as const;
const images = { shape: [64, 1, 28, 28] } as const;
const digits = { length: 64, classes: 10 } as const;

const trainings: readonly TrainingCase[] = [
  training('MLP SGD', 'mlp', 'sgd', flat, digits, MLP_GOALS),
  training('MLP Adam', 'mlp', 'adam', flat, digits, MLP_GOALS),
  training('LeNet', 'lenet', 'sgd', images, digits, LENET_GOALS),
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

const STARTED = new Set(['MLP SGD', 'LeNet', 'transformer 1x64']);

export const CASES: readonly Case[] = [
  operator('add 4', 'tiny', 'add', [[4], [4]], against('torch', 0.25, 1)),
  operator('forward+backward 4', 'tiny', 'tiny-backward', [[4], [4]], against('torch', 0.1, 1)),
  ...elementwise,
  operator('softplus 1M', 'elementwise', 'softplus', [[SIZES['1M']]]),
  operator('fmod 1M', 'elementwise', 'fmod', [[SIZES['1M']], [SIZES['1M']]]),
  operator('amax 1024x1024', 'elementwise', 'amax', [[1024, 1024]]),
  operator('softmax 1024x1024', 'elementwise', 'softmax', [[1024, 1024]]),
  ...squares,
  ...skinny,
  operator('conv3x3 32x64x28x28', 'convolution', 'conv3x3', [
    [32, 64, 28, 28],
    [64, 64, 3, 3],
  ]),
  operator('argmax 1024x1024', 'selection', 'argmax', [[1024, 1024]]),
  operator('embedding 4096 of 10000x128', 'selection', 'embedding', [[10_000, 128], [4096]]),
  operator('cumsum 1024x1024', 'selection', 'cumsum', [[1024, 1024]]),
  operator('gather 1024x1024', 'selection', 'gather', [
    [1024, 1024],
    [1024, 1024],
  ]),
  operator('sort 1024x1024', 'selection', 'sort', [[1024, 1024]]),
  operator('sort 1M', 'selection', 'sort', [[1_048_576]]),
  ...trainings,
  ...trainings.filter(({ name }) => STARTED.has(name)).map(firstStep),
];

/** The cases whose group, name or, where no name is the same, part of a name is among `wanted`; all where nothing is. */
export function selectCases(wanted: readonly string[], cases: readonly Case[] = CASES): readonly Case[] {
  if (wanted.length === 0) return cases;
  const unknown = wanted.filter((word) => !cases.some(matching(word, cases)));
  if (unknown.length > 0)
    throw new RangeError(`--cases: nothing is called ${unknown.join(', ')}; there are ${listed(cases)}`);
  const tests = wanted.map((word) => matching(word, cases));
  return cases.filter((one) => tests.some((test) => test(one)));
}

function matching(word: string, cases: readonly Case[]): (one: Case) => boolean {
  const lower = word.toLowerCase();
  const names = cases.filter(({ name }) => name.toLowerCase() === lower);
  return (one) =>
    one.group === word || (names.length > 0 ? names.includes(one) : one.name.toLowerCase().includes(lower));
}

const listed = (cases: readonly Case[]): string => cases.map(({ name }) => name).join(', ');
