import { cpu } from '@flambeau/backend-cpu';
import { expect, test } from 'vitest';
import { type Device, memory, ones, registerBackend, zeros } from '../../src/index.ts';

const MIB = 2 ** 20;

test('dropped tensors do not gather in a loop that waits', async () => {
  const device = 'roomy:0' as Device;
  registerBackend({ ...cpu({ threads: 1 }), device });
  let last = zeros([1], { device });
  for (let i = 0; i < 3000; i++) {
    last = ones([256, 1024], { device }).add(last);
    if (i % 10 === 9) expect(await last.index(0, 0).item()).toBe(i + 1);
  }
  const use = memory.use(device);
  expect(use.peakByteLength).toBeLessThan(384 * MIB);
  expect(use.spilledByteLength).toBe(0);
  expect(use.reclaims).toBeGreaterThan(5);
});
