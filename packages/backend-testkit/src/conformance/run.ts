import { type Device, hasDevice, registerBackend, unregisterBackend } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { argReduceCases } from './arg-reduce.ts';
import { type ConformanceCase, type ConformanceContext, ConformanceFailure } from './case.ts';
import { castCases } from './casts.ts';
import { floatingCases } from './floating.ts';
import { indexedCases } from './indexed.ts';
import { integerCases } from './integers.ts';
import { matmulCases } from './matmul.ts';
import { memoryCases } from './memory.ts';
import { operatorCases } from './operators.ts';
import { orderingCases } from './ordering.ts';
import { pointwiseCases } from './pointwise.ts';
import { reduceCases } from './reduce.ts';
import { scanCases } from './scan.ts';
import { sortCases } from './sort.ts';
import { trainingCases } from './training.ts';
import { updateCases } from './updates.ts';

/** Every case, in the order in which a new backend is best written: memory, kernels, operators, training. */
export const conformanceCases = (): readonly ConformanceCase[] => [
  ...memoryCases,
  ...pointwiseCases,
  ...floatingCases,
  ...integerCases,
  ...castCases,
  ...reduceCases,
  ...argReduceCases,
  ...scanCases,
  ...matmulCases,
  ...indexedCases,
  ...sortCases,
  ...orderingCases,
  ...updateCases,
  ...operatorCases(),
  ...trainingCases,
];

export interface ConformanceOptions {
  /** Runs only cases whose name begins with this text, or for which the function gives true. */
  readonly filter?: string | ((name: string) => boolean);
  /** Names of cases that the backend is known to fail, each with the reason. One that would pass fails the run. */
  readonly skips?: Readonly<Record<string, string>>;
  /** A registered device known to be right, with which operators are compared. Default: `cpu`, where it is registered and another. */
  readonly reference?: Device;
  /** Told of each case as it ends. */
  readonly onCase?: (result: CaseResult) => void;
}

export interface CaseResult {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped' | 'inapplicable';
  /** Why it failed, was skipped, or says nothing about the backend; empty where it passed. */
  readonly reason: string;
  readonly elapsedMs: number;
}

export interface ConformanceReport {
  readonly device: string;
  readonly passed: boolean;
  readonly results: readonly CaseResult[];
}

/** Registers the backend and says what its cases are run on; `release` takes it away where it was not there before. */
export function conformanceContext(
  backend: Backend,
  reference?: Device,
): { readonly context: ConformanceContext; release(): void } {
  const wasThere = hasDevice(backend.device);
  const registered = registerBackend(backend);
  if (registered !== backend) {
    throw new ConformanceFailure(
      `another backend is registered as ${backend.device}; run the suite on that one`,
    );
  }
  const device = backend.device as Device;
  const standard: Device | undefined = hasDevice('cpu') && device !== 'cpu' ? 'cpu' : undefined;
  return {
    context: { backend, device, reference: reference ?? standard },
    release: () => {
      if (!wasThere) unregisterBackend(backend.device);
    },
  };
}

/** Runs one case. A skipped one is run too: when it passes, the skip is out of date, and that is a failure. */
export async function runCase(
  conformanceCase: ConformanceCase,
  context: ConformanceContext,
  skip?: string,
): Promise<CaseResult> {
  const { name } = conformanceCase;
  const start = performance.now();
  const result = (status: CaseResult['status'], reason: string): CaseResult => ({
    name,
    status,
    reason,
    elapsedMs: performance.now() - start,
  });
  const inapplicable = conformanceCase.inapplicable?.(context);
  if (inapplicable !== undefined) return result('inapplicable', inapplicable);
  try {
    await conformanceCase.run(context);
  } catch (error) {
    if (skip !== undefined) return result('skipped', skip);
    return result('failed', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
  if (skip === undefined) return result('passed', '');
  return result('failed', `it is skipped (${skip}), and passes: take the skip away`);
}

/**
 * Runs the conformance suite on a backend.
 *
 * @example
 * registerBackend(cpu());
 * const report = await runConformance(mine(), { filter: 'sort' });
 * console.log(conformanceSummary(report));
 */
export async function runConformance(
  backend: Backend,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const { filter = '', skips = {}, onCase } = options;
  const wanted = typeof filter === 'string' ? (name: string) => name.startsWith(filter) : filter;
  const cases = conformanceCases();
  const results: CaseResult[] = [];
  for (const name of Object.keys(skips)) {
    if (cases.some((known) => known.name === name)) continue;
    results.push({
      name,
      status: 'failed',
      reason: 'it is skipped, and there is no such case',
      elapsedMs: 0,
    });
  }
  const { context, release } = conformanceContext(backend, options.reference);
  try {
    for (const conformanceCase of cases) {
      if (!wanted(conformanceCase.name)) continue;
      const result = await runCase(conformanceCase, context, skips[conformanceCase.name]);
      results.push(result);
      onCase?.(result);
    }
  } finally {
    release();
  }
  const passed = results.length > 0 && results.every(({ status }) => status !== 'failed');
  return { device: backend.device, passed, results };
}

/** A report as text: a line for each case that failed or was skipped, and a line of counts. */
export function conformanceSummary({ device, results }: ConformanceReport): string {
  const count = (status: CaseResult['status']): number =>
    results.filter((result) => result.status === status).length;
  const lines = results
    .filter(({ status }) => status === 'failed' || status === 'skipped')
    .map(({ name, status, reason }) => `${status.toUpperCase()} ${name}: ${reason}`);
  const counts = `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped, ${count('inapplicable')} do not apply`;
  return [...lines, `conformance of ${device}: ${counts}`].join('\n');
}
