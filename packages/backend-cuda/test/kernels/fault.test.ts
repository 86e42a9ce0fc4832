import { describe, expect, it } from 'vitest';
import { faultCode, faultOf } from '../../src/fault.ts';

const words = (...values: number[]): Int32Array => Int32Array.from(values);

describe('faults that kernels leave', () => {
  it('are none where the first word is 0', () => {
    expect(faultOf(words(0, 7, 0, 3, 0))).toBeUndefined();
  });

  it('name the operator, the index and the size', () => {
    expect(faultOf(words(faultCode('gather'), -1, -1, 3, 0))?.message).toBe(
      'gather: index -1 is out of range for size 3',
    );
    expect(faultOf(words(faultCode('scatter'), 1, 256, 3, 0))?.data).toEqual({
      index: 2n ** 40n + 1n,
      size: 3n,
    });
  });

  it('name the operator that divided by zero', () => {
    expect(faultOf(words(faultCode('remainder'), 0, 0, 0, 0))?.message).toBe(
      'remainder: integer division by zero',
    );
  });
});
