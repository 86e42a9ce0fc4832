import { type Device, nn, noGrad, type Tensor, tensor } from 'flambeau';

/** 784 pixels in, a score for each of the ten digits out. */
export class DigitNet extends nn.Module {
  hidden = new nn.Linear(28 * 28, 128);
  output = new nn.Linear(128, 10);

  forward(images: Tensor): Tensor {
    return this.output.forward(this.hidden.forward(images).relu());
  }
}

/** How likely each digit is, by the network, for one image of 28 by 28 values from 0 to 1. */
export async function chancesOf(model: DigitNet, pixels: Float32Array, device: Device): Promise<number[]> {
  const chances = noGrad(() => {
    const image = tensor(pixels, { device })
      .reshape([1, 28 * 28])
      .sub(0.1307)
      .div(0.3081);
    return model.forward(image).softmax(1);
  });
  return Array.from(await chances.data(), Number);
}
