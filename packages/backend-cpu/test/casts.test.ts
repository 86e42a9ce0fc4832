import type { DType } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import {
  apply,
  BACKEND_DTYPES,
  backends,
  bfloat16,
  float16,
  identity,
  program,
  type Value,
} from './support.ts';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const cast = (from: DType, to: DType) => program([from], to, (s) => s.cast(s.input(0, from), to));

describe.each(backends)('casts by %s', (name, backend) => {
  const run = (from: DType, to: DType, values: readonly Value[]): Value[] =>
    apply(backend, cast(from, to), [values]);

  it('floats to integers drop the fraction', () => {
    for (const to of ['int8', 'int16', 'int32'] as const) {
      expect(run('float32', to, [1.9, -1.9, 0.5, -0.5, 100])).toEqual([1, -1, 0, 0, 100]);
    }
    expect(run('float64', 'int64', [1.9, -1.9, 2 ** 53, -(2 ** 62)])).toEqual([
      1n,
      -1n,
      2n ** 53n,
      -(2n ** 62n),
    ]);
    expect(run('float32', 'int8', [300, -130])).toEqual([44, 126]);
    expect(run('float32', 'uint8', [300, -1, 255])).toEqual([44, 255, 255]);
  });

  it('floats become int64, and int64 floats, near and far from where floats have gaps', () => {
    const near = [1.5, -1.5, 2 ** 51 - 0.5, 0.5 - 2 ** 51, -0, 2 ** 32 + 0.75, -(2 ** 31), -0.5];
    const far = [2 ** 51, -(2 ** 51) - 1, 2 ** 52 + 1, 2 ** 63 - 1024, -(2 ** 63), 2 ** 53 + 2, 7, -9];
    for (const values of [
      near,
      far,
      [...near, ...far],
      [1.5, 2 ** 60, -1.5, 3],
      [2 ** 51 + 1, 2, 2 ** 52 + 1, -3],
    ]) {
      const whole = values.map((v) => BigInt(Math.trunc(v)));
      expect(run('float64', 'int64', values)).toEqual(whole);
      const floats = values.map((v) => Math.trunc(v) + 0);
      expect(run('int64', 'float64', whole)).toEqual(floats);
      expect(run('int64', 'float32', whole)).toEqual(floats.map(Math.fround));
    }
    // The nearest float32 is not that of the nearest float64, by way of which JavaScript goes.
    const twice = [2n ** 60n + 2n ** 36n + 1n, -(2n ** 60n) - 2n ** 36n - 1n];
    if (name.startsWith('WebAssembly'))
      expect(run('int64', 'float32', twice)).toEqual([2 ** 60 + 2 ** 37, -(2 ** 60) - 2 ** 37]);
    const odd = [2n ** 53n + 1n, 2n ** 53n + 3n, -(2n ** 63n), 2n ** 63n - 1n, -1n, 2n ** 62n + 1n];
    expect(run('int64', 'float64', odd)).toEqual(odd.map(Number));
  });

  it('NaN and what is out of range give some integer', () => {
    const values = [nan, inf, -inf, 1e20, -1e300];
    for (const to of ['int8', 'int16', 'int32', 'uint8'] as const) {
      for (const value of run('float64', to, values)) expect(value).toSatisfy(Number.isInteger);
    }
    expect(run('float64', 'int64', values)).toEqual(values.map(() => -(2n ** 63n)));
  });

  it('all that is not zero is true', () => {
    expect(run('float32', 'bool', [nan, 0, -0, 0.1, -inf])).toEqual([true, false, false, true, true]);
    expect(run('int64', 'bool', [0n, 2n ** 40n])).toEqual([false, true]);
    expect(run('int8', 'bool', [0, -1])).toEqual([false, true]);
    for (const to of BACKEND_DTYPES) {
      if (to === 'bool') continue;
      const [zero, one] = to === 'int64' ? [0n, 1n] : [0, 1];
      expect(run('bool', to, [false, true])).toEqual([zero, one]);
    }
  });

  it('integers wrap when they narrow and are exact when they widen', () => {
    expect(run('int32', 'int8', [127, 128, -129, 256])).toEqual([127, -128, 127, 0]);
    expect(run('int32', 'uint8', [-1, 256, 300])).toEqual([255, 0, 44]);
    expect(run('int32', 'int16', [40000, -40000])).toEqual([-25536, 25536]);
    expect(run('int64', 'int32', [2n ** 31n, -(2n ** 63n), 2n ** 40n + 7n])).toEqual([-(2 ** 31), 0, 7]);
    expect(run('int64', 'uint8', [-1n, 511n])).toEqual([255, 255]);
    expect(run('int32', 'int64', [-5, 2 ** 31 - 1])).toEqual([-5n, 2n ** 31n - 1n]);
    expect(run('uint8', 'int64', [200])).toEqual([200n]);
  });

  it('integers become the nearest float', () => {
    expect(run('int64', 'float64', [2n ** 53n + 1n, -3n])).toEqual([2 ** 53, -3]);
    expect(run('int32', 'float32', [16777217, -16777219])).toEqual([16777216, -16777220]);
    expect(run('int32', 'float16', [2049, 70000])).toEqual([2048, inf]);
    expect(run('int32', 'bfloat16', [257, 259])).toEqual([256, 260]);
  });

  it('float64 becomes float32 and halves by rounding', () => {
    expect(run('float64', 'float32', [0.1, 1e39, nan])).toEqual([Math.fround(0.1), inf, nan]);
    expect(run('float64', 'float16', [0.1, 65519, 65520, 2 ** -25, 2 ** -24])).toEqual([
      float16(0x2e66),
      65504,
      inf,
      0,
      2 ** -24,
    ]);
    expect(run('float32', 'bfloat16', [0.1, -3.39e38])).toEqual([bfloat16(0x3dcd), bfloat16(0xff7f)]);
    expect(run('float16', 'float64', [0.5, -65504, nan])).toEqual([0.5, -65504, nan]);
  });

  it('a cast in the middle of a program rounds there', () => {
    const through = (type: DType) =>
      program(['float64'], 'float64', (s) => s.cast(s.cast(s.input(0, 'float64'), type), 'float64'));
    expect(apply(backend, through('float32'), [[0.1]])).toEqual([Math.fround(0.1)]);
    expect(apply(backend, through('float16'), [[0.1]])).toEqual([float16(0x2e66)]);
    expect(apply(backend, through('bfloat16'), [[0.1]])).toEqual([bfloat16(0x3dcd)]);
    expect(apply(backend, through('int32'), [[-2.7]])).toEqual([-2]);
  });

  it('halves are computed in float32 and rounded where they are stored', () => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const third = program([dtype], dtype, (s) => {
        const x = s.cast(s.input(0, dtype), 'float32');
        s.cast(s.binary('div', x, s.literal(3, 'float32')), dtype);
      });
      const nearest = dtype === 'float16' ? float16(0x3555) : bfloat16(0x3eab);
      expect(apply(backend, third, [[1, 0, inf, nan]])).toEqual([nearest, 0, inf, nan]);
    }
  });

  it('every dtype passes through unchanged', () => {
    for (const dtype of BACKEND_DTYPES) {
      const values: Value[] =
        dtype === 'bool' ? [true, false] : dtype === 'int64' ? [0n, 77n, -(2n ** 63n)] : [0, 1, 77];
      expect(apply(backend, identity(dtype), [values])).toEqual(values);
    }
  });

  it('a float32 literal or parameter is a float32', () => {
    const equal = program(['float32'], 'bool', (s) =>
      s.binary('eq', s.input(0, 'float32'), s.literal(0.1, 'float32')),
    );
    expect(apply(backend, equal, [[0.1, 0.2]])).toEqual([true, false]);
    const given = program(
      ['float32'],
      'bool',
      (s) => s.binary('eq', s.input(0, 'float32'), s.parameter(0, 'float32')),
      1,
    );
    expect(apply(backend, given, [[0.1, 0.2]], [0.1])).toEqual([true, false]);
  });

  it('parameters take the type of their step', () => {
    const give = (type: DType, value: number | bigint): Value =>
      apply(
        backend,
        program([], type, (s) => s.parameter(0, type), 1),
        [],
        [value],
      )[0]!;
    expect(give('float64', 0.1)).toBe(0.1);
    expect(give('float64', 3n)).toBe(3);
    expect(give('int32', 2n ** 31n)).toBe(-(2 ** 31));
    expect(give('int32', 3.7)).toBe(3);
    expect(give('int8', 200)).toBe(-56);
    expect(give('uint8', -1)).toBe(255);
    expect(give('int64', 2 ** 53)).toBe(2n ** 53n);
    expect(give('int64', 2n ** 64n + 5n)).toBe(5n);
    expect(give('int64', nan)).toBe(-(2n ** 63n));
    expect(give('bool', 0n)).toBe(false);
    expect(give('bool', 2)).toBe(true);
    const word = program([], 'int64', (s) => s.cast(s.parameter(0, 'uint32'), 'int64'), 1);
    expect(apply(backend, word, [], [-1])).toEqual([2n ** 32n - 1n]);
    expect(apply(backend, word, [], [2n ** 40n + 3n])).toEqual([3n]);
  });

  it('literals take every type', () => {
    const give = (type: DType, value: number | boolean): Value =>
      apply(
        backend,
        program([], type, (s) => s.literal(value, type)),
        [],
      )[0]!;
    expect(give('float64', -0)).toBe(-0);
    expect(give('float64', -inf)).toBe(-inf);
    expect(give('float32', nan)).toBe(nan);
    expect(give('float32', 0.1)).toBe(Math.fround(0.1));
    expect(give('float16', 0.1)).toBe(float16(0x2e66));
    expect(give('int64', -3)).toBe(-3n);
    expect(give('int8', -128)).toBe(-128);
    expect(give('int16', 40000)).toBe(-25536);
    expect(give('uint8', 256)).toBe(0);
    expect(give('bool', true)).toBe(true);
    expect(give('int32', true)).toBe(1);
  });
});
