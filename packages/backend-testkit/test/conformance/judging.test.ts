import { describe, expect, it } from 'vitest';
import { compareValues } from '../../src/conformance/compare.ts';
import { ConformanceFailure, withoutJudging } from '../../src/index.ts';

const differ = (): void => compareValues('x', [1], [2]);

describe('withoutJudging', () => {
  it('lets cases go on, and judges again afterwards', async () => {
    expect(differ).toThrow(ConformanceFailure);
    await withoutJudging(async () => expect(differ).not.toThrow());
    expect(differ).toThrow(ConformanceFailure);
  });

  it('judges again where the body throws', async () => {
    const thrown = withoutJudging(() => Promise.reject(new Error('mine')));
    await expect(thrown).rejects.toThrow('mine');
    expect(differ).toThrow(ConformanceFailure);
  });
});
