import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { beforeAll, expect, it } from 'vitest';
import { emulatedLibraries } from '../emulator/index.ts';
import { BUILD_MS, describeEmulated } from './suite.ts';
import { train } from './train.ts';

const script = fileURLToPath(new URL('./train.ts', import.meta.url));
const execArgv = ['--conditions=source', '--import', 'tsx'];

async function inWorker(): Promise<number[]> {
  // A worker does not take tsx from its options, so it registers it by itself.
  const start =
    "import('tsx/esm/api').then(({ register }) => { register(); return import(require('node:worker_threads').workerData); })";
  const worker = new Worker(start, {
    eval: true,
    workerData: new URL('./train.ts', import.meta.url).href,
    execArgv: ['--conditions=source'],
  });
  const [losses] = (await once(worker, 'message')) as [number[]];
  await worker.terminate();
  return losses;
}

async function inProcess(): Promise<number[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [...execArgv, script, 'tell']);
  return JSON.parse(stdout) as number[];
}

describeEmulated('several at once', () => {
  beforeAll(async () => {
    await emulatedLibraries();
  }, BUILD_MS);

  it('two processes and four worker threads train to the losses of the CPU', async () => {
    const expected = await train('cpu');
    const all = await Promise.all([inProcess(), inProcess(), inWorker(), inWorker(), inWorker(), inWorker()]);
    expect(expected[4]!).toBeLessThan(expected[0]!);
    for (const losses of all)
      losses.forEach((loss, i) => {
        expect(Math.abs(loss - expected[i]!)).toBeLessThan(1e-4 * Math.abs(expected[i]!));
      });
  }, 600_000);
});
