import { webgpu } from '@flambeau/backend-webgpu';
import {
  DataLoader,
  fromArray,
  memory,
  nn,
  optim,
  registerBackend,
  type Tensor,
  TensorDataset,
  tidy,
} from 'flambeau';
import { classes, uniform } from '../compare/data.ts';

/** The loop whose memory is measured: an MLP trained with SGD, written as any program writes it. */

export type Loop = 'async' | 'sync' | 'tidy';
/** What this benchmark measures; CUDA's runs are its tests'. */
export type MemoryDevice = 'cpu' | 'webgpu';

const BATCHES = 16;
/** Of a step on a software adapter, 20,000 must end within minutes. */
const SIZES: Readonly<Record<MemoryDevice, { readonly batch: number; readonly hidden: number }>> = {
  cpu: { batch: 64, hidden: 128 },
  webgpu: { batch: 16, hidden: 32 },
};

export interface Figures {
  readonly steps: number;
  readonly elapsedMs: number;
  readonly reclaims: number;
  readonly reclaimMs: number;
  readonly spilledByteLength: number;
  readonly lastLoss: number;
  /** On WebGPU: the most that its buffers ever held, less what they held when only model and data were there. */
  readonly deviceAboveByteLength?: number;
  /** What the device runs on, where it says so. */
  readonly adapter?: string;
}

export type Run = (loop: Loop, steps: number) => Promise<Figures>;

/** A loop's figures are those of the call, but for the device's peak, which is that of all calls. */
export async function makeTraining(device: MemoryDevice): Promise<Run> {
  const backend = device === 'webgpu' ? await webgpu() : undefined;
  if (backend !== undefined) registerBackend(backend);
  const loops = loopsOn(device);
  const livePeak = backend?.memory.peak ?? 0;
  return async (loop, steps) => {
    const before = memory.use(device);
    const start = performance.now();
    const lastLoss = await loops[loop](steps);
    const elapsedMs = performance.now() - start;
    const { reclaims, reclaimMs, spilledByteLength } = memory.use(device);
    return {
      steps,
      elapsedMs,
      lastLoss,
      spilledByteLength,
      reclaims: reclaims - before.reclaims,
      reclaimMs: reclaimMs - before.reclaimMs,
      ...(backend && { deviceAboveByteLength: backend.memory.peak - livePeak, adapter: backend.name }),
    };
  };
}

type Loops = Readonly<Record<Loop, (steps: number) => Promise<number> | number>>;

function loopsOn(device: MemoryDevice): Loops {
  const { batch: size, hidden } = SIZES[device];
  const images = fromArray(uniform(1, BATCHES * size * 784), [BATCHES * size, 784], { device });
  const labels = fromArray(classes(2, BATCHES * size, 10), [BATCHES * size], { device });
  const model = new nn.Sequential(new nn.Linear(784, hidden), new nn.ReLU(), new nn.Linear(hidden, 10));
  const optimizer = new optim.SGD(model.to(device).parameters(), { lr: 0.01 });

  const step = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  };
  const batch = (i: number): [Tensor, Tensor] => {
    const start = (i % BATCHES) * size;
    return [images.narrow(0, start, size), labels.narrow(0, start, size)];
  };

  return {
    async async(steps) {
      const loader = new DataLoader(new TensorDataset(images, labels), { batchSize: size });
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
}
