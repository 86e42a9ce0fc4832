import { cpu } from '@flambeau/backend-cpu';
import {
  AutogradError,
  conv2d,
  convTranspose2d,
  gradgradcheck,
  linear,
  matmul,
  memory,
  noGrad,
  ones,
  rand,
  registerBackend,
  type Tensor,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';

registerBackend(cpu());

const leaf = (shape: number[]): Tensor => ones(shape).requiresGrad_();

/** Products of a value, which a layer before may have made, with a weight. */
const products: readonly [string, number[], number[], (x: Tensor, weight: Tensor) => Tensor][] = [
  ['matmul', [6, 4], [4, 5], matmul],
  ['matmul of vectors', [20], [20], matmul],
  ['matmul of a batch with one matrix', [2, 6, 4], [4, 5], matmul],
  ['linear', [6, 4], [5, 4], linear],
  ['conv2d', [2, 2, 5, 4], [3, 2, 3, 3], conv2d],
  ['convTranspose2d', [2, 2, 5, 4], [2, 3, 3, 3], convTranspose2d],
];

describe.each(products)('%s', (_name, xShape, weightShape, product) => {
  it('keeps no input alive for a weight that is frozen', () => {
    const weight = ones(weightShape);
    const made = leaf(xShape);
    const before = memory.use('cpu').byteLength;
    const x = made.mul(2);
    const y = product(x, weight);
    x.dispose();
    const loss = y.sum();
    y.dispose();
    // What is left is the sum of a few bytes.
    expect(memory.use('cpu').byteLength - before).toBe(0);
    loss.backward();
    const again = leaf(xShape);
    product(again.mul(2), leaf(weightShape)).sum().backward();
    expect(made.grad!.toArraySync()).toEqual(again.grad!.toArraySync());
  });

  it('lets a weight change before backward where the input wants no gradient', () => {
    const weight = leaf(weightShape);
    const loss = product(ones(xShape), weight).sum();
    noGrad(() => weight.mul_(3));
    loss.backward();
    const again = leaf(weightShape);
    product(ones(xShape), again).sum().backward();
    expect(weight.grad!.toArraySync()).toEqual(again.grad!.toArraySync());
  });

  it('refuses a change of what the gradient reads', () => {
    const weight = leaf(weightShape);
    const loss = product(leaf(xShape), weight).sum();
    noGrad(() => weight.mul_(3));
    expect(() => loss.backward()).toThrow(AutogradError);
  });

  it('has gradients of gradients where one side is frozen', async () => {
    const options = { dtype: 'float64' } as const;
    const [x, weight] = [rand(xShape, options), rand(weightShape, options)];
    await gradgradcheck((input) => product(input.square(), weight).mean().square(), [x.requiresGrad_()]);
  });
});
