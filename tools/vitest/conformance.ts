import {
  type ConformanceCase,
  type ConformanceContext,
  conformanceCases,
  runCase,
} from '@flambeau/backend-testkit';
import { beforeAll, expect, it } from 'vitest';

/** Whether a case compares operators, which takes a reference and the longer part of the time. */
export const comparesOperators = (name: string): boolean => name.startsWith('operator:');

interface SuiteOptions {
  /** Which cases, by name; all by default. */
  readonly wanted?: (name: string) => boolean;
  /** How long a case may take, and how long `open`, in milliseconds. */
  readonly timeout?: number;
}

/** One test for each case of the conformance suite. `open` makes what they run on, and is told which they are. */
export function testCases(
  open: (cases: readonly ConformanceCase[]) => ConformanceContext | Promise<ConformanceContext>,
  { wanted = () => true, timeout = 180_000 }: SuiteOptions = {},
): void {
  const cases = conformanceCases().filter(({ name }) => wanted(name));
  let context: ConformanceContext;
  beforeAll(async () => {
    context = await open(cases);
  }, timeout);
  it.each(cases)('$name', { timeout }, async (conformanceCase) => {
    const { status, reason } = await runCase(conformanceCase, context);
    expect(status, reason).not.toBe('failed');
  });
}
