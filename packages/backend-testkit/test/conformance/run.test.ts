import { cpu } from '@flambeau/backend-cpu';
import { hasDevice, registerBackend } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { conformanceCases, conformanceSummary, runConformance } from '../../src/index.ts';
import { alien } from '../alien/index.ts';

const SNAPSHOT = 'order: a read is a snapshot at the call';
const FIRST_OF_TIES = 'argReduce: NaN wins, the first of several';

/** A backend with one fault: of several NaNs it takes the last. */
function faulty(): Backend {
  const good = alien({ device: 'faulty' });
  return {
    ...good,
    kernels: {
      ...good.kernels,
      argReduce: (_mode, shape, output, input) => good.kernels.argReduce('min', shape, output, input),
    },
  };
}

describe('runConformance', () => {
  it('passes a good backend and leaves the registry as it was', async () => {
    const report = await runConformance(alien(), { filter: 'order' });
    expect(report.passed, conformanceSummary(report)).toBe(true);
    expect(report.results.map(({ name }) => name)).toContain(SNAPSHOT);
    expect(hasDevice('alien')).toBe(false);
  });

  it('finds a fault and says where it lies', async () => {
    const report = await runConformance(faulty(), { filter: 'argReduce: float32' });
    expect(report.passed).toBe(false);
    expect(conformanceSummary(report)).toMatch(
      /FAILED argReduce: float32 .*arg max of float32 \[.*\].*element 0 is \d, expected exactly \d/,
    );
  });

  it('takes a skip with its reason, and runs the case all the same', async () => {
    const skips = { 'argReduce: a long row': 'looks for the least' };
    const report = await runConformance(faulty(), { filter: 'argReduce: a long row', skips });
    expect(report.passed).toBe(true);
    expect(report.results).toMatchObject([{ status: 'skipped', reason: 'looks for the least' }]);
  });

  it('fails on a skip that would pass, and on one that names no case', async () => {
    const skips = { [SNAPSHOT]: 'of old', 'no such case': 'a slip' };
    const report = await runConformance(alien(), { filter: SNAPSHOT, skips });
    expect(report.passed).toBe(false);
    expect(conformanceSummary(report)).toMatch(/it is skipped \(of old\), and passes: take the skip away/);
    expect(conformanceSummary(report)).toMatch(/no such case: it is skipped, and there is no such case/);
  });

  it('says what does not apply', async () => {
    const report = await runConformance(alien({ dtypes: ['float32', 'int32', 'bool'] }), {
      filter: 'sort: ',
    });
    expect(report.passed, conformanceSummary(report)).toBe(true);
    expect(report.results.find(({ name }) => name.startsWith('sort: int64'))).toMatchObject({
      status: 'inapplicable',
      reason: 'it has no int64',
    });
  });

  it('runs no cases at all as a failure', async () => {
    expect((await runConformance(alien(), { filter: 'nothing has this name' })).passed).toBe(false);
  });

  it('refuses a device name that another backend has', async () => {
    registerBackend(cpu());
    await expect(runConformance(cpu({ compiler: 'closures' }))).rejects.toThrow(
      'another backend is registered as cpu',
    );
  });

  it('has a name for each case, and no two alike', () => {
    const names = conformanceCases().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain(FIRST_OF_TIES);
  });
});
