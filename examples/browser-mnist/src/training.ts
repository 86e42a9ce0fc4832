import { DataLoader, type Device, type MnistDataset, nn, noGrad, optim, Subset } from 'flambeau';
import type { DigitNet } from './network.ts';

/** How often the loss is read: a read waits for the device. */
const READ_EVERY = 5;

export interface Progress {
  readonly step: number;
  readonly steps: number;
  /** The mean loss of the steps since the last report. */
  readonly loss: number;
}

/** Trains for one epoch or until it is stopped, and tells how it goes. */
export async function train(
  model: DigitNet,
  digits: MnistDataset,
  device: Device,
  signal: AbortSignal,
  report: (progress: Progress) => void,
): Promise<void> {
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.002 });
  const loader = new DataLoader(digits, { batchSize: 64, shuffle: true, device });
  let step = 0;
  for await (const [images, labels] of loader) {
    if (signal.aborted) return;
    optimizer.zeroGrad();
    const loss = criterion.forward(model.forward(images), labels);
    loss.backward();
    optimizer.step();
    step += 1;
    if (step % READ_EVERY === 0 || step === loader.length)
      report({ step, steps: loader.length, loss: Number(await loss.item()) });
  }
}

/** Which share of the first images of the test set the model recognises. */
export async function accuracyOf(model: DigitNet, digits: MnistDataset, device: Device): Promise<number> {
  const some = new Subset(
    digits,
    Array.from({ length: 2000 }, (_, i) => i),
  );
  let right = 0;
  for await (const [images, labels] of new DataLoader(some, { batchSize: 500, device })) {
    const hits = noGrad(() => model.forward(images).argmax(1).eq(labels).sum());
    right += Number(await hits.item());
  }
  return right / some.length;
}
