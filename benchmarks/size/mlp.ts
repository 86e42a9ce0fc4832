import { crossEntropy, tensor } from '@flambeau/core';
import { Linear, ReLU, Sequential } from '@flambeau/nn';
import { SGD } from '@flambeau/optim';

const model = new Sequential(new Linear(784, 128), new ReLU(), new Linear(128, 10));
const optimizer = new SGD(model.parameters(), { lr: 0.1 });

/** A training step of a small application, whose size in a page is measured: images and their classes in, the loss out. */
export function step(images: Float32Array, classes: Int32Array): Promise<number | boolean> {
  optimizer.zeroGrad();
  const loss = crossEntropy(model.forward(tensor(images).reshape([-1, 784])), tensor(classes));
  loss.backward();
  optimizer.step();
  return loss.item();
}
