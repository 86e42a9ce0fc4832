import { cpu } from '@flambeau/backend-cpu';
import { registerBackend } from '@flambeau/core';
import { beforeAll, expect, it } from 'vitest';
import type { CudaBackend } from '../../src/index.ts';
import { goldenFiles, rehearseGolden, runGolden } from '../device/golden.ts';
import { BUILD_MS, describeEmulated } from '../emulated/suite.ts';
import { compileAhead } from '../emulator/ahead.ts';
import { emulatedCuda } from '../emulator/index.ts';

describeEmulated("PyTorch's cases of tier 1 on the CUDA backend", () => {
  const files = goldenFiles();
  let backend: CudaBackend;
  beforeAll(async () => {
    registerBackend(cpu());
    backend = await emulatedCuda();
    await compileAhead(await rehearseGolden(backend, files));
    registerBackend(backend);
  }, BUILD_MS);

  it.each(files)('$suite: $name', { timeout: 600_000 }, async (file) => {
    const { cases, failures } = await runGolden(file, backend);
    expect(failures.map(({ label, reasons }) => `${label}: ${reasons[0]}`)).toEqual([]);
    expect(cases).toBeGreaterThan(0);
  });
});
