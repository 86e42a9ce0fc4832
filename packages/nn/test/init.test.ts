import { empty, Generator, manualSeed, matmul, type Tensor, tensor, zeros } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import {
  Bilinear,
  Conv2d,
  ConvTranspose2d,
  Embedding,
  init,
  Linear,
  MultiheadAttention,
  PReLU,
} from '../src/index.ts';
import { messageOf, values } from './setup.ts';

const generator = new Generator(7);

function moments(x: Tensor): { mean: number; std: number; min: number; max: number } {
  const list = values(x);
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  const std = Math.sqrt(list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length);
  return { mean, std, min: Math.min(...list), max: Math.max(...list) };
}

/** Mean, deviation and bounds of a uniform distribution in `±bound`. */
function expectUniform(x: Tensor, bound: number): void {
  const { mean, std, min, max } = moments(x);
  expect(Math.abs(mean)).toBeLessThan(0.1 * bound);
  expect(std / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
  expect(min).toBeGreaterThanOrEqual(-bound * (1 + 1e-6));
  expect(max).toBeLessThanOrEqual(bound * (1 + 1e-6));
  expect(max).toBeGreaterThan(0.9 * bound);
}

function expectNormal(x: Tensor, std: number, mean = 0): void {
  const found = moments(x);
  expect(Math.abs(found.mean - mean)).toBeLessThan(0.1 * std);
  expect(found.std / std).toBeCloseTo(1, 1);
}

describe('init', () => {
  it('fills in place, unrecorded, and returns the tensor', () => {
    const w = zeros([2, 2], { requiresGrad: true });
    expect(init.constant_(w, 3)).toBe(w);
    expect([values(w), w.requiresGrad, w.isLeaf]).toEqual([[3, 3, 3, 3], true, true]);
    expect(values(init.ones_(w))).toEqual([1, 1, 1, 1]);
    expect(values(init.zeros_(w))).toEqual([0, 0, 0, 0]);
    expect(init.eye_(empty([2, 3])).toArraySync()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
  });

  it('draws by bounds and by deviation, positional or by name', () => {
    const w = empty([50, 40]);
    expectUniform(init.uniform_(w, -2, 2, { generator }), 2);
    expectUniform(init.uniform_(w, { a: -2, b: 2, generator }), 2);
    expectNormal(init.normal_(w, 1, 0.5, { generator }), 0.5, 1);
    expectNormal(init.normal_(w, { std: 0.02, generator }), 0.02);
  });

  it('scales by the fans', () => {
    const w = empty([30, 20, 3, 3]);
    const [fanIn, fanOut] = [180, 270];
    expectUniform(init.xavierUniform_(w, { gain: 2, generator }), 2 * Math.sqrt(6 / (fanIn + fanOut)));
    expectNormal(init.xavierNormal_(w, { generator }), Math.sqrt(2 / (fanIn + fanOut)));
    expectUniform(init.kaimingUniform_(w, { nonlinearity: 'relu', generator }), Math.sqrt(6 / fanIn));
    expectUniform(init.kaimingUniform_(w, { a: Math.sqrt(5), generator }), 1 / Math.sqrt(fanIn));
    expectNormal(
      init.kaimingNormal_(w, { mode: 'fan_out', nonlinearity: 'relu', generator }),
      Math.sqrt(2 / fanOut),
    );
    expectNormal(
      init.kaimingNormal_(w, { mode: 'fanOut', nonlinearity: 'tanh', generator }),
      5 / 3 / Math.sqrt(fanOut),
    );
  });

  it('knows the gains', () => {
    expect(init.calculateGain('relu')).toBe(Math.SQRT2);
    expect(init.calculateGain('leakyRelu', 0.2)).toBeCloseTo(Math.sqrt(2 / 1.04), 12);
    expect(init.calculateGain('leaky_relu')).toBeCloseTo(Math.sqrt(2 / 1.0001), 12);
    expect(init.calculateGain('conv_transpose2d')).toBe(1);
    expect(messageOf(() => init.calculateGain('swish' as never))).toBe(
      'calculateGain: unknown nonlinearity "swish"; known: linear, conv1d … convTranspose3d, sigmoid, tanh, relu, leakyRelu, selu',
    );
  });

  it('truncates the normal distribution by its own shape', () => {
    const w = empty([100, 100]);
    const { mean, std, min, max } = moments(init.truncNormal_(w, { generator }));
    expect(Math.abs(mean)).toBeLessThan(0.05);
    // The deviation of a standard normal cut at ±2.
    expect(std).toBeCloseTo(0.8796, 1);
    expect([min >= -2, max <= 2, max > 1.9]).toEqual([true, true, true]);
    // Far in a tail, where nearly all mass lies at the nearer bound.
    const tail = moments(init.truncNormal_(w, { a: 6, b: 10, generator }));
    expect(tail.mean).toBeCloseTo(6.158, 1);
    expect(tail.min).toBeGreaterThanOrEqual(6);
    const shifted = moments(init.truncNormal_(w, { mean: 3, std: 0.1, a: 2.9, b: 3.3, generator }));
    expect(shifted.mean).toBeCloseTo(3.029, 2);
    expect(messageOf(() => init.truncNormal_(w, { a: 1, b: 0 }))).toBe(
      'truncNormal_: a must lie below b and std above 0, got a 1, b 0, std 1',
    );
  });

  it.each([
    [4, 9],
    [9, 4],
    [6, 6],
  ])('makes rows or columns of [%i, %i] orthonormal', (rows, columns) => {
    const w = init.orthogonal_(empty([rows, columns]), { gain: 2, generator });
    const gram = rows <= columns ? matmul(w, w.transpose(0, 1)) : matmul(w.transpose(0, 1), w);
    const n = Math.min(rows, columns);
    const grid = gram.toArraySync() as number[][];
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) expect(grid[i]![j]).toBeCloseTo(i === j ? 4 : 0, 4);
    expect(init.orthogonal_(empty([3, 2, 2]), { generator }).shape).toEqual([3, 2, 2]);
  });

  it('dirac_ passes channels on, each group by itself', () => {
    const w = init.dirac_(empty([4, 2, 3]), { groups: 2 });
    expect(w.toArraySync()).toEqual([
      [
        [0, 1, 0],
        [0, 0, 0],
      ],
      [
        [0, 0, 0],
        [0, 1, 0],
      ],
      [
        [0, 1, 0],
        [0, 0, 0],
      ],
      [
        [0, 0, 0],
        [0, 1, 0],
      ],
    ]);
  });

  it('sparse_ zeroes the same share of every column', () => {
    const w = init.sparse_(empty([10, 6]), 0.25, { generator });
    const grid = w.toArraySync() as number[][];
    for (let j = 0; j < 6; j++) expect(grid.filter((row) => row[j] === 0).length).toBe(3);
  });

  it('is repeated by the same seed', () => {
    const draw = (): number[] => values(init.kaimingNormal_(empty([3, 3]), { generator: new Generator(1) }));
    expect(draw()).toEqual(draw());
    manualSeed(3);
    const a = values(new Linear(3, 3).weight);
    manualSeed(3);
    expect(values(new Linear(3, 3).weight)).toEqual(a);
  });

  it('refuses what has no fans', () => {
    expect(messageOf(() => init.xavierUniform_(zeros([3])))).toBe(
      'xavierUniform_: a weight has two dimensions or more, [out, in, ...]; got [3]',
    );
    expect(messageOf(() => init.eye_(zeros([3])))).toBe('eye_: it fills a matrix, got [3]');
    expect(messageOf(() => init.zeros_(3 as never))).toBe('zeros_: it fills a tensor, got 3');
    expect(messageOf(() => init.uniform_(tensor([1n])))).toContain('uniform_: random values are floating');
    expect(messageOf(() => init.kaimingNormal_(zeros([2, 2]), { mode: 'fan' as never }))).toBe(
      "kaimingNormal_: the mode is 'fanIn' or 'fanOut', got \"fan\"",
    );
  });
});

describe('how layers start', () => {
  it('Linear, convolutions and Bilinear: uniform by their inputs', () => {
    const linear = new Linear(100, 50);
    expectUniform(linear.weight, 0.1);
    expect(moments(linear.bias!).max).toBeLessThanOrEqual(0.1);
    const conv = new Conv2d(16, 32, 3, { groups: 4 });
    expectUniform(conv.weight, 1 / Math.sqrt(36));
    expect(moments(conv.bias!).max).toBeLessThanOrEqual(1 / 6);
    expectUniform(new ConvTranspose2d(16, 32, 3).weight, 1 / Math.sqrt(288));
    expectUniform(new Bilinear(25, 10, 10).weight, 0.2);
  });

  it('Embedding: normal, with zeros in the padding row', () => {
    const table = new Embedding(50, 40, { paddingIdx: -1 });
    expectNormal(table.weight, 1);
    expect(values(table.weight).slice(-40)).toEqual(new Array(40).fill(0));
    expect(table.paddingIdx).toBe(49);
  });

  it('MultiheadAttention: Xavier, biases zero', () => {
    const attention = new MultiheadAttention(32, 4, { addBiasKv: true });
    expectUniform(attention.inProjWeight!, Math.sqrt(6 / 128));
    expect(moments(attention.inProjBias!).max).toBe(0);
    expect(moments(attention.outProj.bias!).max).toBe(0);
    expect(moments(attention.biasK!).std).toBeGreaterThan(0);
  });

  it('PReLU: its init', () => {
    expect(values(new PReLU({ init: 0.5, numParameters: 2 }).weight)).toEqual([0.5, 0.5]);
  });
});
