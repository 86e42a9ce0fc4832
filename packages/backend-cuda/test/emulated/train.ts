import { parentPort } from 'node:worker_threads';
import { manualSeed, nn, optim, randn, registerBackend } from 'flambeau';
import { emulatedCuda } from '../emulator/index.ts';

/** Some steps of a small network on the device named, from one seed: the losses. */
export async function train(device: 'cpu' | 'cuda'): Promise<number[]> {
  manualSeed(7);
  const model = new nn.Sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 1));
  const inputs = randn([16, 6]);
  const targets = inputs.mul(inputs).sum(1, { keepdim: true });
  model.to(device);
  const [x, y] = [inputs.to(device), targets.to(device)];
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
  const losses: number[] = [];
  for (let step = 0; step < 5; step++) {
    optimizer.zeroGrad();
    const loss = model.forward(x).sub(y).pow(2).mean();
    loss.backward();
    optimizer.step();
    losses.push(Number(await loss.item()));
  }
  return losses;
}

// As a worker, or as a process of its own: tells its losses.
if (parentPort !== null) {
  registerBackend(await emulatedCuda());
  parentPort.postMessage(await train('cuda'));
} else if (process.argv[2] === 'tell') {
  registerBackend(await emulatedCuda());
  process.stdout.write(`${JSON.stringify(await train('cuda'))}\n`);
}
