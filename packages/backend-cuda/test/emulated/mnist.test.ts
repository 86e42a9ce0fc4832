import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { emulatedEnvironment } from '../emulator/index.ts';
import { BUILD_MS, describeEmulated } from './suite.ts';

const main = fileURLToPath(new URL('../../../../examples/mnist/src/main.ts', import.meta.url));

describeEmulated('the MNIST example', () => {
  let environment: Readonly<Record<string, string>>;
  let folder: string;
  beforeAll(async () => {
    environment = await emulatedEnvironment();
    folder = await mkdtemp(join(tmpdir(), 'flambeau-mnist-'));
  }, BUILD_MS);
  afterAll(() => rm(folder, { recursive: true }));

  /** One epoch over a part of the images, as `npm run mnist` trains. */
  async function train(device: string): Promise<{ loss: number; accuracy: number; output: string }> {
    const options = { epochs: 1, limit: 1000, seed: 3, device, out: join(folder, `${device}.safetensors`) };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--conditions=source',
        '--import',
        'tsx',
        main,
        ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ],
      { env: { ...process.env, ...environment } },
    );
    const [, loss, accuracy] = /epoch 1 of 1: loss (\S+), test accuracy (\S+) %/.exec(stdout) ?? [];
    return { loss: Number(loss), accuracy: Number(accuracy), output: stdout };
  }

  it('trains to the loss of the CPU from the same seed', { timeout: 600_000 }, async () => {
    const [cuda, cpu] = [await train('cuda'), await train('cpu')];
    expect(cuda.output).toContain('sm_80 emulated on the CPU\n');
    expect(cuda.output).toContain('1000 images to train on, 1000 to test on, device cuda\n');
    expect(cpu.loss).toBeLessThan(1.5);
    expect(Math.abs(cuda.loss - cpu.loss)).toBeLessThan(1e-3);
    // One image in a thousand may lie on the border.
    expect(Math.abs(cuda.accuracy - cpu.accuracy)).toBeLessThanOrEqual(0.1);
  });
});
