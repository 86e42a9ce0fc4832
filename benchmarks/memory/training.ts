import { DataLoader, fromArray, memory, nn, optim, type Tensor, TensorDataset, tidy } from 'flambeau';
import { classes, uniform } from '../compare/data.ts';

/** The loop whose memory is measured: an MLP 784-128-10 at batch 64, written as any program writes it. */

export type Loop = 'async' | 'sync' | 'tidy';

const BATCH = 64;
const BATCHES = 16;

export interface Figures {
  readonly steps: number;
  readonly elapsedMs: number;
  readonly reclaims: number;
  readonly reclaimMs: number;
  readonly spilledByteLength: number;
  readonly lastLoss: number;
}

export function makeTraining(): (loop: Loop, steps: number) => Promise<Figures> {
  const images = fromArray(uniform(1, BATCHES * BATCH * 784), [BATCHES * BATCH, 784]);
  const labels = fromArray(classes(2, BATCHES * BATCH, 10), [BATCHES * BATCH]);
  const model = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });

  const step = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  };
  const batch = (i: number): [Tensor, Tensor] => {
    const start = (i % BATCHES) * BATCH;
    return [images.narrow(0, start, BATCH), labels.narrow(0, start, BATCH)];
  };

  const loops: Readonly<Record<Loop, (steps: number) => Promise<number> | number>> = {
    async async(steps) {
      const loader = new DataLoader(new TensorDataset(images, labels), { batchSize: BATCH });
      let last = 0;
      for (let done = 0; done < steps; ) {
        for await (const [x, y] of loader) {
          last = Number(await step(x, y).item());
          done += 1;
          if (done === steps) break;
        }
      }
      return last;
    },
    sync(steps) {
      let last = 0;
      for (let i = 0; i < steps; i++) last = Number(step(...batch(i)).itemSync());
      return last;
    },
    tidy(steps) {
      let last = 0;
      for (let i = 0; i < steps; i++) last = tidy(() => Number(step(...batch(i)).itemSync()));
      return last;
    },
  };

  return async (loop, steps) => {
    const before = memory.use('cpu');
    const start = performance.now();
    const lastLoss = await loops[loop](steps);
    const elapsedMs = performance.now() - start;
    const { reclaims, reclaimMs, spilledByteLength } = memory.use('cpu');
    return {
      steps,
      elapsedMs,
      lastLoss,
      spilledByteLength,
      reclaims: reclaims - before.reclaims,
      reclaimMs: reclaimMs - before.reclaimMs,
    };
  };
}
