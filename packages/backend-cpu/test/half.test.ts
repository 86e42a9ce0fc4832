import { describe, expect, it } from 'vitest';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../src/half.ts';
import { bfloat16, float16 } from './support.ts';

const formats = [
  { name: 'float16', decode: fromFloat16, encode: toFloat16, reference: float16, infinity: 0x7c00 },
  { name: 'bfloat16', decode: fromBfloat16, encode: toBfloat16, reference: bfloat16, infinity: 0x7f80 },
];

describe.each(formats)('$name', ({ decode, encode, reference, infinity }) => {
  const patterns = Array.from({ length: 65536 }, (_, bits) => bits);

  it('reads all 65,536 patterns', () => {
    expect(patterns.filter((bits) => !Object.is(decode(bits), reference(bits)))).toEqual([]);
  });

  it('gives every pattern back, and a NaN for a NaN', () => {
    const changed = patterns.filter((bits) => encode(decode(bits)) !== bits);
    expect(changed.every((bits) => (bits & 0x7fff) > infinity)).toBe(true);
    expect(changed.every((bits) => Number.isNaN(decode(encode(decode(bits)))))).toBe(true);
  });

  it('rounds what lies between two neighbours to the nearer one, halves to even', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < infinity; bits++) {
      const low = reference(bits);
      // Beyond the largest finite value the next step would be as wide as the last.
      const high = bits + 1 === infinity ? 2 * low - reference(bits - 1) : reference(bits + 1);
      const middle = (low + high) / 2;
      const even = (bits & 1) === 0 ? bits : bits + 1;
      // A float32 step to either side of the middle; where the middle is itself at float32's end there is none.
      const step = Math.max(middle * 2 ** -20, 2 ** -149);
      const apart = Math.fround(middle - step) < middle && Math.fround(middle + step) > middle;
      if (encode(middle) !== even || encode(-middle) !== (even | 0x8000)) wrong.push(bits);
      if (apart && (encode(middle - step) !== bits || encode(middle + step) !== bits + 1)) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it('keeps infinities and the sign of zero', () => {
    expect(encode(Number.POSITIVE_INFINITY)).toBe(infinity);
    expect(encode(Number.NEGATIVE_INFINITY)).toBe(infinity | 0x8000);
    expect(encode(3.4e38)).toBe(infinity === 0x7c00 ? infinity : encode(3.4e38));
    expect(encode(1e39)).toBe(infinity);
    expect(encode(-0)).toBe(0x8000);
    expect(decode(0x8000)).toBe(-0);
  });
});
