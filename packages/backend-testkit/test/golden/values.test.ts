import { describe, expect, it } from 'vitest';
import { packFiles, readList, unpackFiles } from '../../src/golden/archive.ts';
import { type Json, parseCases } from '../../src/golden/case.ts';
import { compare } from '../../src/golden/compare.ts';
import { decodeTensor, layOut } from '../../src/golden/elements.ts';
import type { ElementArray } from '../../src/golden/framework.ts';

const encode = (elements: ElementArray | Uint16Array): string =>
  btoa(String.fromCharCode(...new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength)));

const json = (dtype: string, shape: number[], elements: ElementArray | Uint16Array, rest: object = {}) =>
  ({ $: 'tensor', dtype, shape, b64: encode(elements), ...rest }) as Record<string, Json>;

/** As much of a tensor as comparing asks for. */
const tensor = (dtype: string, shape: number[], elements: ElementArray) => ({
  dtype,
  shape,
  data: async () => elements,
});

const tight = () => ({ rtol: 1e-4, atol: 1e-5 });

describe('decoding', () => {
  it('widens narrow floats', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0xfc00, 0x7e00, 0x0001);
    expect([...decodeTensor(json('float16', [6], bits)).elements]).toEqual([
      1,
      -2,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      2 ** -24,
    ]);
    expect([...decodeTensor(json('bfloat16', [2], Uint16Array.of(0x3f80, 0xc040))).elements]).toEqual([
      1, -3,
    ]);
  });

  it('keeps int64 exact', () => {
    const { elements } = decodeTensor(json('int64', [1], BigInt64Array.of(2n ** 62n + 1n)));
    expect(elements).toEqual(BigInt64Array.of(2n ** 62n + 1n));
  });

  it.each([
    ['another length', json('float32', [3], Float32Array.of(1, 2))],
    ['an unknown dtype', json('float31', [1], Float32Array.of(1))],
    ['a negative size', json('float32', [-1], Float32Array.of())],
    ['strides of another rank', json('float32', [1], Float32Array.of(1), { strides: [1, 1] })],
  ])('refuses %s', (_, value) => {
    expect(() => decodeTensor(value)).toThrow(TypeError);
  });

  it('lays elements out at their strides, with NaN between them', () => {
    const raw = decodeTensor(json('float32', [2, 2], Float32Array.of(1, 2, 3, 4)));
    expect([...layOut(raw, [1, 2], raw.elements)]).toEqual([1, 3, 2, 4]);
    expect([...layOut(raw, [3, 1], raw.elements)]).toEqual([1, 2, Number.NaN, 3, 4]);
    const same = decodeTensor(json('int64', [3], BigInt64Array.of(7n, 7n, 7n)));
    expect(layOut(same, [0], same.elements)).toEqual(BigInt64Array.of(7n));
  });

  it('tells the whole float from the integer', () => {
    const file = parseCases('{"op":"f","cases":[{"args":[2.0,2,-1.0,"a, 2.0]"],"kwargs":{"p":3.0}}]}');
    const float = (v: number) => ({ $: 'float', v });
    expect(file.kind).toBe('operator');
    expect(file.content).toMatchObject({
      cases: [{ args: [float(2), 2, float(-1), 'a, 2.0]'], kwargs: { p: float(3) } }],
    });
  });

  it('tells the kinds of files apart', () => {
    expect(parseCases('{"module":"Linear","cases":[]}').kind).toBe('module');
    expect(parseCases('{"optimizer":"SGD","objective":"","cases":[]}').kind).toBe('optimiser');
    expect(parseCases('{"lr0":0.1,"momentum0":0.9,"schedulers":{}}').kind).toBe('schedulers');
    expect(() => parseCases('{"cases":[]}')).toThrow(/not a file of reference cases/);
  });
});

describe('comparing', () => {
  const floats = json('float32', [2], Float32Array.of(1, 2));

  it('allows rounding and says by how much a result is off', async () => {
    expect(await compare('out', tensor('float32', [2], Float32Array.of(1.00005, 2)), floats, tight)).toEqual(
      [],
    );
    const [difference] = await compare('out', tensor('float32', [2], Float32Array.of(1, 2.5)), floats, tight);
    expect(difference).toBe(
      'out: max abs error 0.500 at [1]: got 2.5, expected 2; 1 of 2 elements differ (allowed 0.00001 + 0.0001 * |expected|)',
    );
  });

  it('wants the dtype, except among integers', async () => {
    const integers = json('int64', [1], BigInt64Array.of(3n));
    expect(await compare('out', tensor('int32', [1], Int32Array.of(3)), integers, tight)).toEqual([]);
    expect(await compare('out', tensor('float32', [1], Float32Array.of(3)), integers, tight)).toEqual([
      'out: dtype float32, expected int64',
    ]);
    expect(await compare('out', tensor('float64', [2], Float64Array.of(1, 2)), floats, tight)).toHaveLength(
      1,
    );
    const flags = json('bool', [1], Uint8Array.of(1));
    expect(await compare('out', tensor('uint8', [1], Uint8Array.of(1)), flags, tight)).toHaveLength(1);
  });

  it('wants the shape', async () => {
    expect(await compare('out', tensor('float32', [1, 2], Float32Array.of(1, 2)), floats, tight)).toEqual([
      'out: shape [1, 2], expected [2]',
    ]);
  });

  it('takes NaN for NaN and an infinity for itself only', async () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    const special = json('float32', [3], Float32Array.of(nan, inf, -inf));
    const got = (...values: number[]) =>
      compare('out', tensor('float32', [3], Float32Array.of(...values)), special, tight);
    expect(await got(nan, inf, -inf)).toEqual([]);
    expect(await got(0, inf, -inf)).toHaveLength(1);
    expect(await got(nan, -inf, -inf)).toHaveLength(1);
    expect(await got(nan, 3e38, -inf)).toHaveLength(1);
    const finite = json('float32', [1], Float32Array.of(1));
    expect(await compare('out', tensor('float32', [1], Float32Array.of(nan)), finite, tight)).toHaveLength(1);
  });

  it('compares integers exactly, beyond doubles too', async () => {
    const big = json('int64', [1], BigInt64Array.of(2n ** 60n));
    expect(await compare('out', tensor('int64', [1], BigInt64Array.of(2n ** 60n)), big, tight)).toEqual([]);
    expect(
      await compare('out', tensor('int64', [1], BigInt64Array.of(2n ** 60n + 1n)), big, tight),
    ).toHaveLength(1);
  });

  it('compares lists and plain values', async () => {
    const one = tensor('float32', [2], Float32Array.of(1, 2));
    expect(await compare('out', [one, true, 3], [floats, true, 3], tight)).toEqual([]);
    expect(await compare('out', [one], [floats, floats], tight)).toEqual(['out: 1 results, expected 2']);
    expect(await compare('out', one, [floats], tight)).toEqual([
      'out: got a tensor float32 [2], expected a list of 1',
    ]);
    expect(await compare('out', false, true, tight)).toHaveLength(1);
    expect(await compare('out', undefined, null, tight)).toEqual([]);
    expect(await compare('out', Number.NaN, { $: 'float', v: 'nan' }, tight)).toEqual([]);
  });
});

describe('archives and lists', () => {
  it('come back as they were', () => {
    const files = new Map([
      ['add', '{"op":"add","value":2.0}'],
      ['__getitem__', '[]'],
    ]);
    expect(unpackFiles(packFiles(files))).toEqual(files);
    expect(() => packFiles(new Map([['add', '{\n}']]))).toThrow(SyntaxError);
  });

  it('read names with and without .json', () => {
    expect(readList('add\nmul.json\n\n# all\nsub # or not\n')).toEqual(['add', 'mul', 'sub']);
  });
});
