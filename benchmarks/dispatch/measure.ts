import { webgpu } from '@flambeau/backend-webgpu';
import { noGrad, registerBackend, tensor } from 'flambeau';
import { bareLauncher } from './bare.ts';

/**
 * One process: launches of one tiny operator in turn by bare calls and by flambeau, `rounds` times. Prints the times of
 * every round in microseconds for each launch: of this thread until all were enqueued, and until the device was done. The
 * first is the thread's own time, as a software adapter computes on the same processors meanwhile.
 */

export interface Round {
  readonly enqueued: number;
  readonly done: number;
}

export type Measured = Readonly<Record<string, readonly Round[]>>;

const LAUNCHES = 1000;

/**
 * The clock of a thread's own time goes in steps of 4 ms and loses the last: a round enqueues so many thousands before it
 * looks at the clock again, and before it waits.
 */
const REPEATS = 20;

/** Node 23.9 and newer have it. */
interface ThreadClock {
  threadCpuUsage?(): { readonly user: number; readonly system: number };
}

/** What this thread has computed so far, in milliseconds. */
function ownTime(): number {
  const usage = (process as ThreadClock).threadCpuUsage?.();
  if (usage === undefined)
    throw new Error('this Node cannot measure one thread; give Node 23.9 or newer: --node PATH');
  return (usage.user + usage.system) / 1000;
}

async function main(rounds: number): Promise<void> {
  const backend = await webgpu();
  registerBackend(backend);
  const x = tensor([1, 2, 3, 4], { device: 'webgpu' });
  const repeat = (body: () => void) => (): void => {
    noGrad(() => {
      for (let i = 0; i < LAUNCHES; i++) body();
    });
  };
  const bare = bareLauncher(backend.gpuDevice);
  const ways: Readonly<Record<string, () => void>> = {
    bare: () => bare(LAUNCHES),
    'in place, x.add_(1)': repeat(() => x.add_(1)),
    'into a new tensor, x.add(1)': repeat(() => x.add(1).dispose()),
  };
  const measured: Record<string, Round[]> = {};
  // The first round compiles.
  for (let round = -1; round < rounds; round++) {
    for (const [name, launch] of Object.entries(ways)) {
      await backend.synchronize();
      const start = performance.now();
      const before = ownTime();
      for (let i = 0; i < REPEATS; i++) launch();
      const enqueued = ownTime() - before;
      await backend.synchronize();
      const done = performance.now() - start;
      if (round >= 0) (measured[name] ??= []).push({ enqueued: enqueued / REPEATS, done: done / REPEATS });
    }
  }
  console.log(JSON.stringify({ adapter: backend.name, measured }));
  backend.destroy();
}

await main(Number(process.argv[2]));
