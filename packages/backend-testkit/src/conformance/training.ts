import { add, type Device, matmul, mean, mul, noGrad, relu, square, sub, type Tensor } from '@flambeau/core';
import { Maker } from '../samples/maker.ts';
import { type ConformanceCase, ensure } from './case.ts';
import { compareValues } from './compare.ts';

const STEPS = 40;
const RATE = 0.1;

/**
 * Trains a network of two layers on random data by plain gradient descent, and gives the loss of each step. What a
 * step makes is disposed, so that memory stays flat.
 */
export async function trainNetwork(device: Device, afterStep: () => void = () => {}): Promise<number[]> {
  const make = new Maker('training', { device });
  const x = make.fixed([32, 6], -1, 1);
  const target = make.fixed([32, 2], -1, 1);
  const parameters = [
    make.x([6, 16], -0.6, 0.6),
    make.x([16], -0.1, 0.1),
    make.x([16, 2], -0.4, 0.4),
    make.x([2], -0.1, 0.1),
  ];
  const [w1, b1, w2, b2] = parameters as [Tensor, Tensor, Tensor, Tensor];
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const made: Tensor[] = [];
    const keep = (tensor: Tensor): Tensor => {
      made.push(tensor);
      return tensor;
    };
    const hidden = keep(relu(keep(add(keep(matmul(x, w1)), b1))));
    const output = keep(add(keep(matmul(hidden, w2)), b2));
    const loss = keep(mean(keep(square(keep(sub(output, target))))));
    loss.backward();
    noGrad(() => {
      for (const parameter of parameters) {
        parameter.sub_(keep(mul(parameter.grad!, RATE)));
        keep(parameter.grad!);
        parameter.grad = null;
      }
    });
    losses.push(Number(await loss.item()));
    for (const tensor of made) tensor.dispose();
    afterStep();
  }
  for (const tensor of [x, target, ...parameters]) tensor.dispose();
  return losses;
}

export const trainingCases: readonly ConformanceCase[] = [
  {
    name: 'training: the loss of a small network falls, as on the reference device',
    run: async ({ device, reference }) => {
      const losses = await trainNetwork(device);
      const [first, last] = [losses[0]!, losses.at(-1)!];
      ensure(losses.every(Number.isFinite), `the losses are not all finite: ${losses.join(', ')}`);
      ensure(last < first * 0.8, `the loss fell from ${first} to ${last} only`);
      if (reference === undefined) return;
      compareValues('losses', losses, await trainNetwork(reference), { rtol: 1e-3, atol: 1e-4 });
    },
  },
];
