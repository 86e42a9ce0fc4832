import { expect, it } from 'vitest';
import { type Found, judge, showFound } from '../memory/judgement.ts';

const MIB = 2 ** 20;
const found = (more: Partial<Found>): Found => ({
  place: 'Node',
  browser: false,
  loop: 'async',
  steps: 100,
  elapsedMs: 1000,
  reclaims: 3,
  reclaimMs: 50,
  spilledByteLength: 0,
  lastLoss: 1,
  aboveByteLength: 384 * MIB,
  ...more,
});
const missed = (...runs: Partial<Found>[]): readonly string[] => judge(runs.map(found)).at(-1)!.missed;

it('bounds memory and the time of reclaiming', () => {
  expect(missed({})).toEqual([]);
  expect(missed({ aboveByteLength: 385 * MIB })).toEqual(['more than 384 MiB above what lives']);
  expect(missed({ reclaimMs: 51 })).toEqual(['reclaiming takes more than 5 %']);
  expect(missed({ lastLoss: Number.NaN })).toEqual(['the loss is not finite']);
});

it('bounds a browser’s loop that never waits by the time of one that does', () => {
  const page = { place: 'page', browser: true } as const;
  const sync = { ...page, loop: 'sync', aboveByteLength: 2000 * MIB } as const;
  expect(missed(page, { ...sync, elapsedMs: 1600 })).toEqual([]);
  expect(missed(page, { ...sync, elapsedMs: 1601 })).toEqual(["more than 1.6 times the async loop's time"]);
  expect(missed(page, { ...page, loop: 'tidy', elapsedMs: 1001 })).toEqual([
    "more than 1 times the async loop's time",
  ]);
  expect(missed({ ...page, place: 'worker' }, { ...sync, elapsedMs: 5000 })).toEqual([]);
});

it('bounds what a GPU holds, and the Node process beside it', () => {
  const device = { deviceAboveByteLength: 256 * MIB, aboveByteLength: 256 * MIB, reclaimMs: 900 } as const;
  expect(missed(device)).toEqual([]);
  expect(missed({ ...device, deviceAboveByteLength: 257 * MIB })).toEqual([
    'more than 256 MiB of device memory above what lives',
  ]);
  const large = { ...device, aboveByteLength: 257 * MIB };
  expect(missed(large)).toEqual(['the process grew by more than 256 MiB']);
  expect(missed({ ...large, browser: true })).toEqual([]);
});

it('shows a line for each run', () => {
  expect(showFound(judge([found({ lastLoss: Number.POSITIVE_INFINITY })])).split('\n')).toEqual([
    'place  loop   MiB above  device MiB  ms a step  reclaims   share  spilled MiB',
    'Node   async        384                 10.000         3  5.00 %            0  the loss is not finite',
  ]);
});
