import { type Figures, type Loop, makeTraining } from './training.ts';

/** The same loop in a page, or in its worker: `flambeauRun(loop, steps)` on the page's global object. */

interface Call {
  readonly loop: Loop;
  readonly steps: number;
}

type Answer = { readonly figures: Figures } | { readonly error: string };
type Run = (loop: Loop, steps: number) => Promise<Figures>;

/** What a page and a worker have of each other's globals, without the types of both. */
interface Scope {
  flambeauRun?: Run;
  onmessage: ((event: MessageEvent<Call>) => void) | null;
  postMessage(answer: Answer): void;
}

const scope = globalThis as unknown as Scope;

function answerMessages(): void {
  const run = makeTraining();
  scope.onmessage = async ({ data: { loop, steps } }) => {
    try {
      scope.postMessage({ figures: await run(loop, steps) });
    } catch (error) {
      scope.postMessage({ error: String(error) });
    }
  };
}

function inWorker(): Run {
  const worker = new Worker(import.meta.url, { type: 'module' });
  return (loop, steps) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Answer>) =>
        'figures' in data ? resolve(data.figures) : reject(new Error(data.error));
      worker.onerror = ({ message }) => reject(new Error(message));
      const call: Call = { loop, steps };
      worker.postMessage(call);
    });
}

if (typeof document === 'undefined') answerMessages();
else scope.flambeauRun = location.search === '?worker' ? inWorker() : makeTraining();
