import { cpu } from '@flambeau/backend-cpu';
import {
  type ConformanceContext,
  conformanceCases,
  conformanceContext,
  runCase,
} from '@flambeau/backend-testkit';
import { registerBackend } from '@flambeau/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rehearseCases, rehearseFused } from '../emulated/rehearsal.ts';
import { BUILD_MS, describeEmulated } from '../emulated/suite.ts';
import { compileAhead } from '../emulator/ahead.ts';
import { emulatedCuda } from '../emulator/index.ts';
import { fusedCases } from '../kernels/fused-cases.ts';
import { runFused } from '../kernels/fused-run.ts';

/** What compares the required kernels with results known beforehand; the other cases launch the same kernels. */
const cases = conformanceCases().filter(({ name }) =>
  /^(pointwise|reduce|argReduce|scan|sort|gather|scatter|matmul)/.test(name),
);

describeEmulated('in check mode', () => {
  describe.each([1, 2])('in random order %i', (seed) => {
    let context: ConformanceContext;
    let leave = (): void => {};

    beforeAll(async () => {
      registerBackend(cpu());
      // Every tensor by itself, so that bounds are known; products by our own kernels.
      const how = { check: true, order: 'random', seed } as const;
      const backend = await emulatedCuda({ blas: 'off', memory: 'exact' }, how);
      await compileAhead(
        [
          ...(await rehearseCases(backend, cases)),
          ...(await rehearseFused(backend, ({ dtypes }) => dtypes.slice(0, 1))),
        ],
        how,
      );
      const entered = conformanceContext(backend);
      ({ context } = entered);
      leave = () => {
        entered.release();
        backend.close();
      };
    }, BUILD_MS);
    afterAll(() => leave());

    it.each(cases)('$name', { timeout: 600_000 }, async (conformanceCase) => {
      const { status, reason } = await runCase(conformanceCase, context);
      expect(status, reason).not.toBe('failed');
    });

    it.each(fusedCases)('$name', { timeout: 600_000 }, (fused) => {
      // Every kernel ends with the read of its results, which tells what check mode found.
      const { kernels } = runFused(fused, 'cuda', fused.dtypes[0]!);
      expect([...kernels]).toEqual(expect.arrayContaining([...fused.kernels]));
    });
  });
});
