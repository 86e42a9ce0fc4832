import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The example as a process of its own, as `npm run mnist` starts it. */
const run = (...args: string[]): Promise<Run> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=source', '--import', 'tsx', main, ...args],
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mnist-example-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the MNIST example', () => {
  it('trains, saves, loads and draws', { timeout: 120_000 }, async () => {
    const file = join(folder, 'models', 'model.safetensors');
    const args = [
      '--limit',
      '3000',
      '--epochs',
      '2',
      '--batch-size',
      '50',
      '--lr',
      '0.005',
      '--seed',
      '1',
      '--out',
      file,
    ];
    const { code, stdout, stderr } = await run(...args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('MNIST: 3000 images to train on, 3000 to test on, device cpu\n');
    expect(stdout).toContain('epoch 1 of 2: 30 of 60 batches, loss ');
    const rates = [...stdout.matchAll(/test accuracy (\d+\.\d\d) %/g)].map((match) => Number(match[1]));
    expect(rates.length).toBe(4);
    expect(rates[1]).toBeGreaterThan(85);
    expect(rates.slice(2)).toEqual([rates[1], rates[1]]);
    expect(stdout).toMatch(/^7: model says \d \(\d+\.\d %\) +2: model says \d/m);
    expect(stdout).toMatch(/ in \d+\.\d s, peak memory \d+ MiB\n$/);
    // 784 x 128 and 128 x 10 weights, their biases, and the header.
    expect((await stat(file)).size).toBeGreaterThan(4 * (785 * 128 + 129 * 10));
  });

  it.each([
    [
      ['--epochs', 'many'],
      "error: option '--epochs <count>' argument 'many' is invalid. It must be an integer of 1 or more.",
    ],
    [['--batch-size', '-8'], "argument '-8' is invalid. It must be an integer of 1 or more."],
    [
      ['--lr', '-0.1'],
      "error: option '--lr <rate>' argument '-0.1' is invalid. It must be a number above 0.",
    ],
    [
      ['--device', 'tpu'],
      "argument 'tpu' is invalid. No backend is registered for it; there are cpu, webgpu and cuda.",
    ],
    [['--epoch', '1'], "error: unknown option '--epoch' (Did you mean --epochs?)"],
    [['--limit', '10', '--epochs', '1', '--out', '/dev/null/x'], 'error: '],
  ])('refuses %j in one line', { timeout: 60_000 }, async (args, text) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(text);
    expect(stderr.trimEnd().split('\n').length).toBe(1);
  });
});
