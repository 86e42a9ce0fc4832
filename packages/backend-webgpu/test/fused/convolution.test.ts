import { cpu } from '@flambeau/backend-cpu';
import {
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type Device,
  registerBackend,
  type Tensor,
  tensor,
} from '@flambeau/core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuOn } from '../support/device.ts';

const FORWARD = [conv1d, conv2d, conv3d];
const TRANSPOSED = [convTranspose1d, convTranspose2d, convTranspose3d];

interface Sample {
  readonly rank: number;
  readonly transposed: boolean;
  readonly images: number;
  readonly groups: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: readonly number[];
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly bias: boolean;
  readonly turned: boolean;
}

const numbers = (rank: number, min: number, max: number) =>
  fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank });

const samples: fc.Arbitrary<Sample> = fc.integer({ min: 1, max: 3 }).chain((rank) =>
  fc.record({
    rank: fc.constant(rank),
    transposed: fc.boolean(),
    images: fc.constantFrom(1, 2, 3, 8),
    groups: fc.integer({ min: 1, max: 3 }),
    inputs: fc.constantFrom(1, 3),
    outputs: fc.constantFrom(1, 10),
    kernel: numbers(rank, 1, 3),
    size: numbers(rank, 5, 9),
    stride: numbers(rank, 1, 3),
    padding: numbers(rank, 0, 1),
    dilation: numbers(rank, 1, 2),
    bias: fc.boolean(),
    turned: fc.boolean(),
  }),
);

const plane: Sample = {
  rank: 2,
  transposed: false,
  images: 3,
  groups: 2,
  inputs: 3,
  outputs: 10,
  kernel: [1, 1],
  size: [6, 7],
  stride: [1, 1],
  padding: [0, 0],
  dilation: [1, 1],
  bias: true,
  turned: false,
};
/** Windows of one element, also over one place; and strides that leave places without any tap. */
const PARTICULAR: readonly Sample[] = [
  plane,
  { ...plane, size: [1, 1] },
  { ...plane, images: 15, kernel: [3, 3], size: [5, 6] },
  { ...plane, kernel: [6, 7], turned: true },
  { ...plane, kernel: [3, 2], stride: [4, 3], dilation: [2, 2] },
  { ...plane, kernel: [1, 3], stride: [3, 2], size: [2, 9] },
];

/** Small integers, so that sums in any order are exact. */
function filled(shape: readonly number[], seed: number, device: Device): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length }, (_, i) => ((i * 7 + seed * 13) % 11) - 5);
  return tensor(values, { device }).reshape(shape);
}

/** The output and the gradients of everything that went in. */
async function results(sample: Sample, device: Device): Promise<ArrayLike<number>[]> {
  const { rank, groups, stride, padding, dilation } = sample;
  const inputs = sample.inputs * groups;
  const outputs = sample.outputs * groups;
  const weightShape = sample.transposed
    ? [inputs, sample.outputs, ...sample.kernel]
    : [outputs, sample.inputs, ...sample.kernel];
  const shape = [sample.images, inputs, ...sample.size];
  const x = sample.turned
    ? filled(shape.toReversed(), 1, device).permute(shape.map((_, i) => shape.length - 1 - i))
    : filled(shape, 1, device);
  const leaves = [x.detach().requiresGrad_(), filled(weightShape, 2, device).requiresGrad_()];
  if (sample.bias) leaves.push(filled([outputs], 3, device).requiresGrad_());
  const operator = (sample.transposed ? TRANSPOSED : FORWARD)[rank - 1]!;
  const y = operator(leaves[0]!, leaves[1]!, leaves[2], { stride, padding, dilation, groups });
  y.backward(filled(y.shape, 4, device));
  return Promise.all([y.data(), ...leaves.map((leaf) => leaf.grad!.data())]) as Promise<ArrayLike<number>[]>;
}

describeOn(anyDriver, 'fused convolutions', () => {
  beforeAll(async () => {
    registerBackend(cpu());
    registerBackend(await webgpuOn(anyDriver));
  });

  it('agree with the CPU, gradients too, for any geometry', { timeout: 180_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (sample) => {
        const [ours, theirs] = [await results(sample, 'webgpu'), await results(sample, 'cpu')];
        for (const [i, expected] of theirs.entries()) expect(ours[i], `result ${i}`).toEqual(expected);
      }),
      { numRuns: 40, seed: 20_260, examples: PARTICULAR.map((sample) => [sample] as [Sample]) },
    );
  });
});
