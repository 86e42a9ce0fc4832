import { describe, expect, it } from 'vitest';
import { recordKernels } from '../../tools/kernel-calls.ts';
import { findNvcc, occupancy, reportKernels } from '../../tools/kernel-report.ts';

const nvcc = await findNvcc();
const { sources, launches, unreached } = recordKernels();

describe('the kernels of ordinary use', () => {
  it('are all of the backend: none of its table is left without a call', () => {
    expect(unreached).toEqual([]);
  });

  it('are asked for with arguments and grids that CUDA takes', () => {
    expect(sources.length).toBeGreaterThan(200);
    for (const { key, grid, block, sharedBytes, argumentCount } of launches) {
      const threads = block[0] * block[1] * block[2];
      expect(threads % 32 === 0 && threads <= 1024, `${key}: ${threads} threads`).toBe(true);
      expect(grid[1] <= 65535 && grid[2] <= 65535 && grid.every((n) => n >= 1), `${key}: grid ${grid}`).toBe(
        true,
      );
      expect(sharedBytes, key).toBeLessThanOrEqual(49152);
      // Parameters have 4 KiB.
      expect(argumentCount, key).toBeLessThanOrEqual(512);
    }
  });

  describe.skipIf(nvcc === undefined)(
    `by ${nvcc ?? 'nvcc, which IS NOT INSTALLED: nothing is known of spills'}`,
    () => {
      it.each(['sm_80', 'sm_90'])(
        'compile for %s without spills',
        async (arch) => {
          const reports = await reportKernels(sources, arch);
          expect(reports.length).toBe(sources.length);
          expect(reports.filter(({ spillBytes }) => spillBytes > 0)).toEqual([]);
        },
        600_000,
      );
    },
  );
});

describe('occupancy', () => {
  const report = { key: '', arch: 'sm_90', registers: 32, sharedBytes: 0, spillBytes: 0 };

  it('is whole where registers and shared memory leave room for all threads', () => {
    expect(occupancy(report, 256)).toBe(1);
  });

  it('is bounded by registers', () => {
    expect(occupancy({ ...report, registers: 128 }, 256)).toBe(0.25);
  });

  it('is bounded by shared memory', () => {
    expect(occupancy(report, 256, 100 * 1024)).toBe(0.25);
  });

  it('is bounded by the number of blocks', () => {
    expect(occupancy(report, 32)).toBe(0.5);
  });
});
