import { describe, expect, it } from 'vitest';
import { difference, median, ratioOf } from '../compare/statistics.ts';

describe('median', () => {
  it('is the middle of an odd number of values, in whatever order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 9, 100])).toBe(10);
  });

  it('is the mean of the two middle ones of an even number', () => expect(median([8, 1, 2, 4])).toBe(3));

  it('leaves the values as they stood', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('refuses no values', () => expect(() => median([])).toThrow('median: there are no values'));
});

describe('ratioOf', () => {
  it('divides within a round, so that a slow round of the machine changes nothing', () => {
    // The second round ran on a machine ten times as slow; the medians alone would give 4/2 = 2, too, but not so here.
    expect(ratioOf([1, 30, 4], [2, 20, 10])).toEqual({ median: 0.5, lowest: 0.4, highest: 1.5 });
  });

  it('refuses rounds that are missing on one side', () =>
    expect(() => ratioOf([1, 2], [1])).toThrow('ratioOf: 2 rounds of ours against 1 of the peer'));
});

describe('difference', () => {
  it('compares with the largest magnitude', () => {
    expect(difference([1000, 0.001], [1000, 0.05], 1e-4)).toBeUndefined();
    expect(difference([1000, 0.001], [1000, 0.2], 1e-4)).toBe("value 1 of 2 is 0.001, the peer's 0.2");
    expect(difference([-1000, 0], [-1000, 0.2], 1e-4)).toContain('value 1 of 2');
  });

  it('finds NaN on either side', () => {
    expect(difference([1], [Number.NaN], 1e-4)).toContain('NaN');
    expect(difference([Number.NaN], [1], 1e-4)).toContain('NaN');
  });

  it('finds another number of values', () =>
    expect(difference([1, 2], [1], 1e-4)).toBe('2 values against 1'));

  it('takes zeros for equal', () => expect(difference([0, 0], [0, 0], 1e-4)).toBeUndefined());
});
