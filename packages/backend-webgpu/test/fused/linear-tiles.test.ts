import { cpu } from '@flambeau/backend-cpu';
import { registerBackend } from '@flambeau/core';
import { beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuAsOnGpu } from '../support/device.ts';
import { linearAgrees } from '../support/linear.ts';

describeOn(anyDriver, 'products as GPUs compute them, in tiles,', () => {
  beforeAll(async () => {
    registerBackend(cpu());
    const backend = await webgpuAsOnGpu(anyDriver);
    expect(backend.software).toBe(false);
    registerBackend(backend);
  });

  it('agree with the CPU for any layout, size and dtype', { timeout: 180_000 }, () => linearAgrees(25));
});
