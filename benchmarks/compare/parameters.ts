/** The parameters of the training cases' models, under PyTorch's names. */

export type ModelName = 'mlp' | 'lenet' | 'resnet' | 'lstm' | 'transformer';

/** A parameter is uniform in `base ± bound`, by the seed 101 + its place in the list. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly bound: number;
  readonly base: number;
}

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

export const PARAMETERS: Readonly<Record<ModelName, readonly ParameterSpec[]>> = {
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
