import { cpu } from '@flambeau/backend-cpu';
import { type DType, registerBackend } from '@flambeau/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileAhead } from '../emulator/ahead.ts';
import { emulatedCuda } from '../emulator/index.ts';
import { fusedCases } from '../kernels/fused-cases.ts';
import { runFused } from '../kernels/fused-run.ts';
import { rehearseFused } from './rehearsal.ts';
import { BUILD_MS, describeEmulated } from './suite.ts';

/** How far results may lie apart, as a share of the largest: those of halves by their own rounding and that of the parts. */
const SHARE: Partial<Record<DType, number>> = {
  float32: 2e-5,
  float64: 1e-12,
  float16: 6e-3,
  bfloat16: 5e-2,
};

const largest = (values: readonly number[]): number =>
  values.reduce((top, x) => (Number.isFinite(x) ? Math.max(top, Math.abs(x)) : top), 1);

describeEmulated('fused kernels', () => {
  beforeAll(async () => {
    // Products through our own kernels, and convolutions of halves too, as where cuBLAS is missing.
    const backend = await emulatedCuda({ blas: 'off' });
    registerBackend(backend);
    registerBackend(cpu());
    await compileAhead(await rehearseFused(backend, ({ dtypes }) => dtypes));
  }, BUILD_MS);

  describe.each(fusedCases)('$name', (fused) => {
    it.each(fused.dtypes)('gives what the parts give on the CPU in %s', (dtype) => {
      const got = runFused(fused, 'cuda', dtype);
      const expected = runFused(fused, 'cpu', dtype);
      expect([...got.kernels]).toEqual(expect.arrayContaining([...fused.kernels]));
      expect(got.values.map((list) => list.length)).toEqual(expected.values.map((list) => list.length));
      for (const [k, list] of got.values.entries()) {
        const reference = expected.values[k]!;
        const allowed = SHARE[dtype]! * largest(reference);
        const apart = list.reduce((worst, x, i) => Math.max(worst, Math.abs(x - reference[i]!)), 0);
        expect(apart, `values ${k}`).toBeLessThanOrEqual(allowed);
      }
    });
  });
});
