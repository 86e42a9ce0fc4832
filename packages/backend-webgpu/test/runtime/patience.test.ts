import { describe, expect, it } from 'vitest';
import { patiently } from '../../src/host/patience.ts';

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Turns of the event loop while `pending` is waited for. */
async function turnsDuring(pending: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await pending;
  isDone = true;
  return turns;
}

describe('waiting for a software adapter', () => {
  it('leaves the processors to it', async () => {
    // Without sleeping, a turn takes a few microseconds.
    expect(await turnsDuring(patiently(after(100)))).toBeLessThan(1000);
  });

  it('ends with what is waited for', async () => {
    expect(await patiently(Promise.resolve(3))).toBe(3);
    await expect(patiently(Promise.reject(new RangeError('lost')))).rejects.toThrow('lost');
  });

  it('sleeps no more once nobody waits', async () => {
    await Promise.all([patiently(after(5)), patiently(after(10))]);
    expect(await turnsDuring(after(100))).toBeGreaterThan(1000);
  });
});
