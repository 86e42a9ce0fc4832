import { webgpu } from '@flambeau/backend-webgpu';
import { type Device, loadMnist, manualSeed, registerBackend } from 'flambeau';
import { drawCurve } from './curve.ts';
import { chancesOf, DigitNet } from './network.ts';
import { Pad } from './pad.ts';
import { accuracyOf, train } from './training.ts';

function element<T extends Element>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

const deviceChoice = element('device', HTMLSelectElement);
const trainButton = element('train', HTMLButtonElement);
const stopButton = element('stop', HTMLButtonElement);
const lossCanvas = element('loss', HTMLCanvasElement);
const status = element('status', HTMLParagraphElement);
const chanceList = element('chances', HTMLOListElement);
const prediction = element('prediction', HTMLOutputElement);
const tell = (text: string): void => {
  status.textContent = text;
};

const meters = Array.from({ length: 10 }, () => {
  const item = document.createElement('li');
  const meter = document.createElement('meter');
  item.append(meter);
  chanceList.append(item);
  return meter;
});

let model = new DigitNet();
const device = (): Device => deviceChoice.value as Device;

const pad = new Pad(element('digit', HTMLCanvasElement), () => void recognise().catch(fail));

async function recognise(): Promise<void> {
  const pixels = pad.pixels();
  if (pixels === undefined) return;
  const chances = await chancesOf(model, pixels, device());
  for (const [digit, meter] of meters.entries()) meter.value = chances[digit] ?? 0;
  const best = chances.indexOf(Math.max(...chances));
  prediction.textContent = `a ${best}, ${(100 * (chances[best] ?? 0)).toFixed(0)} %`;
}

function fail(error: unknown): void {
  tell(`error: ${error instanceof Error ? error.message : String(error)}`);
}

/** Offers WebGPU where the browser has it, and says why where it has not. */
async function offerWebGpu(): Promise<string> {
  try {
    const backend = registerBackend(await webgpu());
    deviceChoice.prepend(new Option('webgpu', 'webgpu', true, true));
    return backend.name;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function main(): Promise<void> {
  const offered = await offerWebGpu();
  const { train: images, test } = await loadMnist(new URL('./', document.baseURI), { flatten: true });
  tell(`${images.length} images are there. ${offered}`);
  trainButton.disabled = false;

  element('clear', HTMLButtonElement).addEventListener('click', () => pad.clear());
  let stop = new AbortController();
  stopButton.addEventListener('click', () => stop.abort());

  const run = async (): Promise<void> => {
    stop = new AbortController();
    trainButton.disabled = true;
    stopButton.disabled = false;
    const losses: number[] = [];
    const startMs = performance.now();
    try {
      manualSeed(0);
      model = new DigitNet().to(device());
      await train(model, images, device(), stop.signal, ({ step, steps, loss }) => {
        losses.push(loss);
        drawCurve(lossCanvas, losses);
        const perStepMs = (performance.now() - startMs) / step;
        tell(`step ${step} of ${steps}: loss ${loss.toFixed(3)}, ${perStepMs.toFixed(1)} ms a step`);
      });
      const accuracy = await accuracyOf(model, test, device());
      tell(`${status.textContent}; test accuracy ${(100 * accuracy).toFixed(1)} %`);
      await recognise();
    } finally {
      trainButton.disabled = false;
      stopButton.disabled = true;
    }
  };
  trainButton.addEventListener('click', () => void run().catch(fail));
}

main().catch(fail);
