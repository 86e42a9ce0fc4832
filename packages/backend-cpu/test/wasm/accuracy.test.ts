import type { DType, UnaryIntrinsic } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { cpu } from '../../src/index.ts';
import { apply, program } from '../support.ts';
import { EXACT, type Exact, exactAtan2, exactPow, ulpsOff } from './exact.ts';

const backends = [
  ['fused', cpu({ wasmFrom: 1 })],
  ['apart', cpu({ wasmFrom: 1, relaxedSimd: 'off' })],
] as const;

const COUNT = 250;
const FORMAT = { float32: [24, -149, 2 ** 128], float64: [53, -1074, Number.POSITIVE_INFINITY] } as const;
type Float = keyof typeof FORMAT;

let state = 1;
/** Numbers in [0, 1), the same every time. */
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  const high = state;
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return high / 2 ** 32 + state / 2 ** 64;
}

type Range = readonly [low: number, high: number];
const between = ([low, high]: Range): number => low + (high - low) * random();
/** Numbers of either sign whose exponents are spread evenly. */
const spread = ([low, high]: Range, positive = false): number =>
  (positive || random() < 0.5 ? 1 : -1) * 2 ** between([low, high]);

/**
 * The largest error of each function in ulps, float32 and float64, as the documentation states it, and where it was
 * measured: over an interval, and over exponents of 2.
 */
const FUNCTIONS: Readonly<
  Record<
    keyof typeof EXACT,
    {
      readonly ulps: Range;
      readonly over: Readonly<Record<Float, Range>>;
      readonly exponents: Range;
      readonly positive?: true;
    }
  >
> = {
  exp: { ulps: [1, 1], over: { float32: [-103, 88.7], float64: [-744, 709] }, exponents: [-60, 6] },
  exp2: { ulps: [0.6, 1], over: { float32: [-149, 127.9], float64: [-1074, 1023] }, exponents: [-60, 6] },
  expm1: { ulps: [1.8, 1.7], over: { float32: [-20, 88.7], float64: [-40, 709] }, exponents: [-100, 6] },
  log: {
    ulps: [0.8, 0.9],
    over: { float32: [0.3, 3], float64: [0.3, 3] },
    exponents: [-149, 127],
    positive: true,
  },
  log2: {
    ulps: [0.6, 1.5],
    over: { float32: [0.3, 3], float64: [0.3, 3] },
    exponents: [-149, 127],
    positive: true,
  },
  log10: {
    ulps: [0.6, 1.7],
    over: { float32: [0.3, 3], float64: [0.3, 3] },
    exponents: [-149, 127],
    positive: true,
  },
  log1p: { ulps: [1.5, 1.5], over: { float32: [-0.9, 3], float64: [-0.9, 3] }, exponents: [-100, -1] },
  sin: { ulps: [1.4, 1], over: { float32: [-200, 200], float64: [-5e5, 5e5] }, exponents: [-60, 6] },
  cos: { ulps: [1.4, 1], over: { float32: [-200, 200], float64: [-5e5, 5e5] }, exponents: [-60, 6] },
  tan: { ulps: [0.6, 2], over: { float32: [-5e5, 5e5], float64: [-5e5, 5e5] }, exponents: [-60, 6] },
  asin: { ulps: [0.6, 1], over: { float32: [-1, 1], float64: [-1, 1] }, exponents: [-60, -0.01] },
  acos: { ulps: [0.6, 1.1], over: { float32: [-1, 1], float64: [-1, 1] }, exponents: [-60, -0.01] },
  atan: { ulps: [1.9, 1], over: { float32: [-5, 5], float64: [-5, 5] }, exponents: [-60, 60] },
  sinh: { ulps: [0.6, 2], over: { float32: [-88, 88], float64: [-300, 300] }, exponents: [-60, 6] },
  cosh: { ulps: [0.6, 1.5], over: { float32: [-88, 88], float64: [-300, 300] }, exponents: [-60, 6] },
  tanh: { ulps: [1.9, 2], over: { float32: [-9, 9], float64: [-20, 20] }, exponents: [-60, 4] },
};

const rounded = (type: Float, x: number): number => (type === 'float32' ? Math.fround(x) : x);

function worst(type: Float, got: readonly unknown[], exact: readonly Exact[]): number {
  const [digits, least] = FORMAT[type];
  return got.reduce((most: number, y, i) => Math.max(most, ulpsOff(Number(y), exact[i]!, digits, least)), 0);
}

describe.each(backends)('approximations, products and sums %s', (_name, backend) => {
  it.each(Object.keys(EXACT) as (keyof typeof EXACT)[])('%s is as near as stated', (op) => {
    const { ulps, over, exponents, positive } = FUNCTIONS[op];
    for (const [i, type] of (['float32', 'float64'] as const).entries()) {
      const x = Array.from({ length: COUNT }, (_, k) =>
        rounded(type, k % 2 === 0 ? between(over[type]) : spread(exponents, positive)),
      );
      const f = program([type], type, (s) => s.unary(op as UnaryIntrinsic, s.input(0, type)));
      const error = worst(type, apply(backend, f, [x]), x.map(EXACT[op]));
      expect(error, `${op} of ${type}`).toBeLessThanOrEqual(ulps[i]!);
    }
  });

  it.each(['float32', 'float64'] as const)('pow and atan2 of %s', (type) => {
    const two = (op: 'pow' | 'atan2') =>
      program([type, type], type, (s) => s.binary(op, s.input(0, type), s.input(1, type)));
    const x = Array.from({ length: COUNT }, () => rounded(type, spread([-10, 10], true)));
    const y = x.map(() => rounded(type, between(type === 'float32' ? [-12, 12] : [-70, 70])));
    const bases = x.map((base, i) => exactPow(base, y[i]!));
    expect(worst(type, apply(backend, two('pow'), [x, y]), bases)).toBeLessThanOrEqual(1);
    const across = x.map((v, i) => (i % 2 === 0 ? v : -v));
    const angles = y.map((v, i) => exactAtan2(v, across[i]!));
    const off = worst(type, apply(backend, two('atan2'), [y, across]), angles);
    expect(off).toBeLessThanOrEqual(type === 'float32' ? 1.9 : 1.6);
  });

  it('denormals, infinities, NaN and the ends of ranges', () => {
    const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: low } = Number;
    // Beyond what float32 takes itself, beside what lies within it.
    const FAR = [201, -5e5, 1e10, 2 ** 127, 0.5, inf, low, nan].map(Math.fround);
    const ARC = Math.fround(Math.PI / 2);
    const edges: readonly [UnaryIntrinsic, DType, number[], number[]][] = [
      ['exp', 'float32', [88.8, -105, inf, low, nan], [inf, 0, inf, 0, nan]],
      ['exp', 'float64', [709.8, -746, inf, low, nan], [inf, 0, inf, 0, nan]],
      ['exp2', 'float32', [-149, 127, 128, -151, -1], [2 ** -149, 2 ** 127, inf, 0, 0.5]],
      ['exp2', 'float64', [-1074, 1023, 1024, -1076, 10], [2 ** -1074, 2 ** 1023, inf, 0, 1024]],
      ['expm1', 'float64', [710, low, -0, 2 ** -1074, nan], [inf, -1, -0, 2 ** -1074, nan]],
      ['log', 'float32', [0, -0, -1, inf, nan], [low, low, nan, inf, nan]],
      ['log', 'float64', [0, -0, -(2 ** -1074), inf, nan], [low, low, nan, inf, nan]],
      ['log1p', 'float32', [-1, -0, 2 ** -149, inf, -2], [low, -0, 2 ** -149, inf, nan]],
      ['log2', 'float64', [2 ** -1074, 8, 2 ** 1023, 0, -1], [-1074, 3, 1023, low, nan]],
      ['log10', 'float64', [1e-5, 1000, 1, inf, low], [-5, 3, 0, inf, nan]],
      ['log1p', 'float64', [-1, -0, 2 ** -1074, inf, -2], [low, -0, 2 ** -1074, inf, nan]],
      ['sin', 'float64', [1e22, inf, -0, 2 ** -1074, nan], [Math.sin(1e22), nan, -0, 2 ** -1074, nan]],
      ['cos', 'float64', [1e22, low, 0, 2 ** -1074, nan], [Math.cos(1e22), nan, 1, 1, nan]],
      ['sin', 'float32', FAR, FAR.map((x) => Math.fround(Math.sin(x)))],
      ['cos', 'float32', FAR, FAR.map((x) => Math.fround(Math.cos(x)))],
      ['sin', 'float32', [0, -0, 2 ** -149, nan, inf], [0, -0, 2 ** -149, nan, nan]],
      ['cos', 'float32', [0, -0, 2 ** -149, nan], [1, 1, 1, nan]],
      ['asin', 'float64', [1, -1, 1.5, -0, nan], [Math.PI / 2, -Math.PI / 2, nan, -0, nan]],
      ['acos', 'float64', [1, -1, 1.5, 0, nan], [0, Math.PI, nan, Math.PI / 2, nan]],
      ['atan', 'float64', [inf, low, -0, 2 ** -1074, nan], [Math.PI / 2, -Math.PI / 2, -0, 2 ** -1074, nan]],
      ['atan', 'float32', [inf, -0, 2 ** -149, -(2 ** 127), nan], [ARC, -0, 2 ** -149, -ARC, nan]],
      ['tanh', 'float32', [inf, low, -0, 2 ** -149, nan], [1, -1, -0, 2 ** -149, nan]],
      ['sinh', 'float64', [inf, low, -0, 711, nan], [inf, low, -0, inf, nan]],
    ];
    for (const [op, type, x, y] of edges) {
      const f = program([type], type, (s) => s.unary(op, s.input(0, type)));
      expect(apply(backend, f, [x]), `${op} of ${type}`).toEqual(y);
    }
  });
});
