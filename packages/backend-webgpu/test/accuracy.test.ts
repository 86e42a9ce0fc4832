import type { WebGpuBackend } from '@flambeau/backend-webgpu';
import * as core from '@flambeau/core';
import { type Device, registerBackend, type Tensor, tensor } from '@flambeau/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuOn } from './support/device.ts';

const device: Device = 'webgpu';

/** How many steps of float32 lie between a result and the exact one. */
function stepsApart(got: number, exact: number): number {
  if (Number.isNaN(exact)) return Number.isNaN(got) ? 0 : Number.POSITIVE_INFINITY;
  if (got === Math.fround(exact)) return 0;
  const step = 2 ** Math.max(-149, Math.floor(Math.log2(Math.abs(exact))) - 23);
  return Math.abs(got - exact) / step;
}

const grid = (low: number, high: number, count = 4001): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(low + ((high - low) * i) / (count - 1)));
const powers = (low: number, high: number): number[] => grid(low, high).map((x) => Math.fround(2 ** x));

const EDGES = [
  0,
  -0,
  1,
  -1,
  2 ** -149,
  2 ** -126,
  3.4028234663852886e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];

interface Case {
  readonly name: string;
  readonly exact: (x: number) => number;
  readonly given: readonly number[];
  readonly steps: number;
}

const CASES: readonly Case[] = [
  { name: 'exp', exact: Math.exp, given: grid(-86, 88.7), steps: 3 },
  { name: 'exp2', exact: (x) => 2 ** x, given: grid(-125, 127.9), steps: 4 },
  { name: 'expm1', exact: Math.expm1, given: [...grid(-2, 2), ...grid(-30, 80)], steps: 4 },
  { name: 'log', exact: Math.log, given: [...powers(-126, 127), ...grid(0.5, 2)], steps: 3 },
  { name: 'log2', exact: Math.log2, given: [...powers(-126, 127), ...grid(0.6, 1.7)], steps: 4 },
  { name: 'log10', exact: Math.log10, given: [...powers(-126, 127), ...grid(0.6, 1.7)], steps: 4 },
  { name: 'log1p', exact: Math.log1p, given: [...grid(-0.9, 3), ...powers(-20, 100)], steps: 4 },
  { name: 'sin', exact: Math.sin, given: [...grid(-1.5, 1.5), ...powers(-3, 12)], steps: 1000 },
  { name: 'cos', exact: Math.cos, given: [...grid(-1.5, 1.5), ...powers(-3, 12)], steps: 1000 },
  { name: 'tan', exact: Math.tan, given: grid(-1.4, 1.4), steps: 5 },
  { name: 'asin', exact: Math.asin, given: grid(-1, 1), steps: 4 },
  { name: 'acos', exact: Math.acos, given: grid(-0.99, 0.99), steps: 8 },
  { name: 'atan', exact: Math.atan, given: [...grid(-5, 5), ...powers(-20, 60)], steps: 4 },
  { name: 'sinh', exact: Math.sinh, given: [...grid(-4, 4), ...grid(-88, 88)], steps: 6 },
  { name: 'cosh', exact: Math.cosh, given: grid(-88, 88), steps: 6 },
  { name: 'tanh', exact: Math.tanh, given: [...grid(-12, 12), ...powers(-30, 4)], steps: 4 },
];

type Unary = (x: Tensor) => Tensor;

describeOn(anyDriver, 'scalar functions', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webgpuOn(anyDriver);
    registerBackend(backend);
  });
  afterAll(() => backend.destroy());

  const results = async (name: string, given: readonly number[]): Promise<number[]> => {
    // Each name is an operator of one tensor.
    const operator = Reflect.get(core, name) as Unary;
    return (await operator(tensor(given, { device })).toArray()) as number[];
  };

  it.each(CASES)('$name is within $steps steps of float32', async ({ name, exact, given, steps }) => {
    const got = await results(name, given);
    const worst = given.reduce(
      (most, x, i) => {
        const apart = stepsApart(got[i]!, exact(x));
        return apart > most.apart ? { x, apart } : most;
      },
      { x: 0, apart: 0 },
    );
    expect(worst.apart, `${name}(${worst.x})`).toBeLessThanOrEqual(steps);
  });

  it.each(CASES)('$name at its edges is what JavaScript gives', async ({ name, exact }) => {
    const got = await results(name, EDGES);
    const wrong = EDGES.flatMap((x, i) => {
      const expected = Math.fround(exact(x));
      const same =
        Object.is(got[i]! + 0, expected + 0) || Math.abs(got[i]! - expected) <= 1e-6 * Math.abs(expected);
      // Devices may take numbers below 2^-126 for 0.
      return same || (Math.abs(expected) < 2 ** -125 && got[i] === 0)
        ? []
        : [`${name}(${x}) is ${got[i]}, not ${expected}`];
    });
    expect(wrong).toEqual([]);
  });

  it('sine and cosine are right for angles of any size', async () => {
    const given = [8192, 12345.678, 1e5, 3e6, 1e9, 123456789012, 1e20, 3e38, -1e5, -7e11].map(Math.fround);
    for (const [name, exact] of [
      ['sin', Math.sin],
      ['cos', Math.cos],
    ] as const) {
      const got = await results(name, given);
      for (const [i, x] of given.entries()) expect(got[i]!, `${name}(${x})`).toBeCloseTo(exact(x), 6);
    }
  });

  it('powers and remainders keep what is exact', async () => {
    const a = [2, 3, -3, 10, 7.5, -7.5, 1e30, 5.5, 2, 1e38, 0.1];
    const b = [10, 4, 3, -2, 2, 2, 0.3, -2, -1.5, 3, 0.03];
    const [x, y] = [tensor(a, { device }), tensor(b, { device })];
    const powers = (await core.pow(x, y).toArray()) as number[];
    for (const [i, base] of a.entries()) {
      const exact = Math.fround(Math.fround(base) ** Math.fround(b[i]!));
      expect(stepsApart(powers[i]!, exact), `${base} ** ${b[i]}`).toBeLessThanOrEqual(8);
    }
    const rests = (await core.fmod(x, y).toArray()) as number[];
    for (const [i, left] of a.entries())
      expect(rests[i], `${left} % ${b[i]}`).toBe(Math.fround(Math.fround(left) % Math.fround(b[i]!)));
  });

  it('a quotient just below a whole number is not rounded up to it, and one that is whole stays so', async () => {
    // -0.25 / -0.001 is 249.99999 in float32, but 250 times 0.001 rounds to 0.25.
    const [a, b] = [
      [-0.25, 6, 250, 1e30],
      [-0.001, 3, 0.5, 1e29],
    ];
    const quotients = core.div(tensor(a, { device }), tensor(b, { device }), { roundingMode: 'trunc' });
    const exact = a!.map((x, i) => Math.trunc(Math.fround(Math.fround(x) / Math.fround(b![i]!))));
    expect(await quotients.toArray()).toEqual(exact);
  });
});
