import type { DType } from '@flambeau/core/backend';
import { BACKEND_DTYPES } from '@flambeau/core/backend';
import type { ConformanceCase } from './case.ts';
import { compareValues } from './compare.ts';
import { bfloat16, bfloat16Bits, FLOATING, float16, float16Bits, type Value } from './elements.ts';
import { apply, expression } from './expression.ts';
import { benchCase } from './memory.ts';
import { needs } from './pointwise.ts';

/** From one dtype to another, whole numbers that both hold. */
const casts = BACKEND_DTYPES.map((from) =>
  benchCase(
    `arithmetic: casts of ${from}`,
    async (bench) => {
      for (const to of BACKEND_DTYPES) {
        if (!bench.backend.limits.dtypes.includes(to)) continue;
        const cast = expression('cast', (x) => x!.cast(to), [from], to);
        const numbers =
          from === 'bool'
            ? [0, 1]
            : from === 'uint8'
              ? [0, 1, 5, 100]
              : [0, 1, 5, 100, ...(to === 'uint8' ? [] : [-1, -7, -100])];
        const given: Value[] = numbers.map((x) => as(from, x));
        compareValues(
          `${from} to ${to}`,
          await apply(bench, cast, [given]),
          numbers.map((x) => as(to, x)),
        );
        if (!FLOATING.includes(from) || FLOATING.includes(to)) continue;
        const fractions =
          to === 'uint8' || to === 'bool' ? [0.5, 1.75, 3.25] : [0.5, 1.75, -0.5, -1.75, 3.25];
        const cut = fractions.map((x) => as(to, to === 'bool' ? x : Math.trunc(x)));
        compareValues(`fractions of ${from} to ${to}`, await apply(bench, cast, [fractions]), cut);
      }
    },
    needs(from),
  ),
);

const as = (dtype: DType, x: number): Value =>
  dtype === 'bool' ? x !== 0 : dtype === 'int64' ? BigInt(x) : x;

const halves = (['float16', 'bfloat16'] as const).map((dtype) =>
  benchCase(
    `arithmetic: float32 is rounded to the nearest ${dtype}, halves to even`,
    async (bench) => {
      const decode = dtype === 'float16' ? float16 : bfloat16;
      const infinity = dtype === 'float16' ? 0x7c00 : 0x7f80;
      const patterns = Array.from({ length: 1200 }, (_, i) => (i * 53) % infinity);
      const exact = patterns.map(decode);
      const between = patterns.map((bits) => (decode(bits) + decode(Math.min(bits + 1, infinity - 1))) / 2);
      const near = between.flatMap((x) => [x, x * (1 + 2 ** -20), x * (1 - 2 ** -20)]);
      const largest = decode(infinity - 1);
      const given = [...exact, ...near, largest * 1.0001, largest * 2, Number.POSITIVE_INFINITY].map(
        Math.fround,
      );
      const signed = [...given, ...given.map((x) => -x), Number.NaN];
      const narrow = expression('cast', (x) => x!.cast(dtype), ['float32'], dtype);
      const bits = dtype === 'float16' ? float16Bits : bfloat16Bits;
      compareValues(
        `float32 to ${dtype}`,
        await apply(bench, narrow, [signed]),
        signed.map((x) => decode(bits(x))),
      );
      const all = Array.from({ length: 65536 }, (_, i) => decode(i));
      const widen = expression('cast', (x) => x!.cast('float32'), [dtype], 'float32');
      const numbers = all.filter((x) => !Number.isNaN(x));
      compareValues(`${dtype} to float32`, await apply(bench, widen, [numbers]), numbers);
    },
    needs(dtype),
  ),
);

export const castCases: readonly ConformanceCase[] = [...casts, ...halves];
