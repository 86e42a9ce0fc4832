import { type Figures, type Loop, type MemoryDevice, makeTraining, type Run } from './training.ts';

/** The same loop in a page, or in its worker: `flambeauRun(loop, steps)` on the page's global object. */

interface Call {
  readonly device: MemoryDevice;
  readonly loop: Loop;
  readonly steps: number;
}

type Answer = { readonly figures: Figures } | { readonly error: string };

/** What a page and a worker have of each other's globals, without the types of both. */
interface Scope {
  flambeauRun?: Run;
  onmessage: ((event: MessageEvent<Call>) => void) | null;
  postMessage(answer: Answer): void;
}

const scope = globalThis as unknown as Scope;

function answerMessages(): void {
  let made: Promise<Run> | undefined;
  scope.onmessage = async ({ data: { device, loop, steps } }) => {
    try {
      made ??= makeTraining(device);
      const run = await made;
      scope.postMessage({ figures: await run(loop, steps) });
    } catch (error) {
      scope.postMessage({ error: String(error) });
    }
  };
}

function inWorker(device: MemoryDevice): Run {
  const worker = new Worker(import.meta.url, { type: 'module' });
  return (loop, steps) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Answer>) =>
        'figures' in data ? resolve(data.figures) : reject(new Error(data.error));
      worker.onerror = ({ message }) => reject(new Error(message));
      const call: Call = { device, loop, steps };
      worker.postMessage(call);
    });
}

if (typeof document === 'undefined') answerMessages();
else {
  const query = new URLSearchParams(location.search);
  const device: MemoryDevice = query.get('device') === 'webgpu' ? 'webgpu' : 'cpu';
  scope.flambeauRun = query.has('worker') ? inWorker(device) : await makeTraining(device);
}
