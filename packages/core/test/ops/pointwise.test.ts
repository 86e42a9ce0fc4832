import { cpu } from '@flambeau/backend-cpu';
import * as core from '@flambeau/core';
import { registerBackend, type Tensor, tensor, zeros } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { refuses, untyped } from './refusals.ts';

registerBackend(cpu());

const x = tensor([1, 2, 3]);
const int = tensor([1, 2, 3], { dtype: 'int32' });
const bool = tensor([true, false, true]);

describe('options', () => {
  refuses([
    [
      () => core.div(x, 2, untyped({ rounding: 'floor' })),
      'ArgumentError',
      'div: unknown option rounding; known options: roundingMode',
    ],
    [
      () => core.div(x, 2, untyped({ roundingMode: 'up' })),
      'ArgumentError',
      "div: roundingMode must be 'floor', 'trunc' or null, got \"up\"",
    ],
    [() => core.clamp(x, {}), 'ArgumentError', 'clamp: give a bound: { min }, { max } or both'],
    [
      () => core.clamp(x, untyped({ low: 0 })),
      'ArgumentError',
      'clamp: unknown option low; known options: min, max',
    ],
    [() => core.round(x, { decimals: 1.5 }), 'ArgumentError', 'round: decimals must be an integer, got 1.5'],
    [
      () => core.gelu(x, untyped({ approximate: 'erf' })),
      'ArgumentError',
      "gelu: approximate must be 'none' or 'tanh', got \"erf\"",
    ],
    [() => core.celu(x, { alpha: 0 }), 'ArgumentError', 'celu: alpha must not be 0'],
    [
      () => core.add(x, 1, untyped({ beta: 2 })),
      'ArgumentError',
      'add: unknown option beta; known options: alpha',
    ],
    [
      () => core.softplus(x, untyped({ beta: '1' })),
      'ArgumentError',
      'softplus: option beta must be a number, got "1"',
    ],
    [
      () => core.isclose(x, x, untyped({ equalNaN: true })),
      'ArgumentError',
      'isclose: unknown option equalNaN; did you mean equalNan?',
    ],
  ]);
});

describe('dtypes', () => {
  refuses([
    [
      () => core.sub(bool, bool),
      'DTypeError',
      'sub: bool is not supported; use logicalXor, or logicalNot for the inverse',
    ],
    [() => core.neg(bool), 'DTypeError', 'neg: bool is not supported; use logicalNot'],
    [
      () => core.bitwiseAnd(x, int),
      'DTypeError',
      "bitwiseAnd: float32 is not supported; bits belong to integers and booleans; use logicalAnd and its like, or convert: to({ dtype: 'int32' })",
    ],
    [
      () => core.lerp(int, int, 1),
      'DTypeError',
      "lerp: int32 is not supported; convert it to a floating dtype first: to({ dtype: 'float32' })",
    ],
    [
      () => core.silu(int),
      'DTypeError',
      "silu: int32 is not supported; convert it to a floating dtype first: to({ dtype: 'float32' })",
    ],
    [() => core.floor(bool), 'DTypeError', 'floor: bool is not supported; it has nothing to round'],
    [
      () => core.pow(int, -1),
      'ArgumentError',
      "pow: integers to negative integer powers are no integers; convert first: to({ dtype: 'float32' }); x is int32, the exponent -1",
    ],
    [
      () => core.add(int, int, { alpha: 0.5 }),
      'ArgumentError',
      'add: alpha must be an integer where the tensors are of integers, got 0.5',
    ],
    [
      () => core.where(untyped(x), x, 0),
      'DTypeError',
      'where: condition must be bool, got float32; compare it: ne(condition, 0)',
    ],
    [
      () => core.maskedFill(x, int, 0),
      'DTypeError',
      'maskedFill: mask must be bool, got int32; compare it: ne(mask, 0)',
    ],
  ]);
});

describe('operands', () => {
  refuses([
    [
      () => core.add(x, zeros([2, 2])),
      'ShapeError',
      'add: shapes [3] and [2, 2] do not broadcast: dim 1 has 3 against 2',
    ],
    [
      () => core.mul(x, untyped([1, 2, 3])),
      'ArgumentError',
      'mul: an operand must be a tensor or a number, got [1, 2, 3]; make a tensor of it: tensor([…])',
    ],
    [
      () => core.fill(x, tensor([1, 2])),
      'ShapeError',
      'fill: value must be a number or a tensor without dimensions, got shape [2]',
    ],
    [
      () => core.maskedFill(x, bool, tensor([1])),
      'ShapeError',
      'maskedFill: value must be a number or a tensor without dimensions, got shape [1]',
    ],
    [
      () => core.prelu(zeros([2, 3]), zeros([2])),
      'ShapeError',
      'prelu: weight must hold one value or one for each of 3 channels; weight is [2], x is [2, 3]',
    ],
    [() => core.glu(x), 'ShapeError', 'glu: dim -1 must have an even size to be halved; x is [3]'],
    [() => core.glu(zeros([])), 'ShapeError', 'glu: a tensor without dimensions has none to walk along'],
  ]);
});

describe('an in-place form', () => {
  it('has the options of the operator, and the gradient of what it picks', async () => {
    const x = tensor([-3, 4], { dtype: 'float64', requiresGrad: true });
    const y = core.clone(x);
    expect(y.clamp_({ min: -1 })).toBe(y);
    expect(await y.toArray()).toEqual([-1, 4]);
    y.sum().backward();
    expect(await x.grad!.toArray()).toEqual([0, 1]);
    expect(await tensor([7, -7]).div_(2, { roundingMode: 'floor' }).toArray()).toEqual([3, -4]);
    expect(await tensor([0.126]).round_({ decimals: 2 }).toArray()).toEqual([expect.closeTo(0.13)]);
  });

  it('keeps what a gradient reads before it is written over', async () => {
    const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
    const y = core.mul(x, 1);
    y.sin_();
    y.sum().backward();
    expect(await x.grad!.toArray()).toEqual([Math.cos(1), Math.cos(2)]);
  });

  refuses([
    [
      () => int.clone().div_(2),
      'DTypeError',
      "div_: the result is float32, which a int32 tensor cannot hold; convert it first: to({ dtype: 'float32' })",
    ],
    [
      () => x.clone().add_(zeros([2, 3])),
      'ShapeError',
      'add_: the result has shape [2, 3], which does not fit into [3]',
    ],
  ]);
});

describe('values that are easily got wrong', () => {
  const of = async (result: Tensor): Promise<unknown> => result.toArray();

  it('clamp with crossed bounds gives the upper one; NaN spreads, also of a bound', async () => {
    expect(await of(core.clamp(tensor([-5, 0.5, 5]), { min: 1, max: 0 }))).toEqual([0, 0, 0]);
    expect(await of(core.clamp(tensor([Number.NaN, 1]), { min: 2 }))).toEqual([Number.NaN, 2]);
    expect(await of(core.clamp(tensor([1]), { max: Number.NaN }))).toEqual([Number.NaN]);
    expect(core.clamp(int, { min: 1.5 }).dtype).toBe('float32');
  });

  it('masks broadcast with what they fill, and the dtype stays', async () => {
    const filled = core.maskedFill(int, tensor([[true], [false]]), 2.7);
    expect(filled.dtype).toBe('int32');
    expect(await of(filled)).toEqual([
      [2, 2, 2],
      [1, 2, 3],
    ]);
    expect(await of(core.maskedFill(bool, bool, 0))).toEqual([false, false, false]);
  });

  it('nanToNum knows the largest number of each dtype', async () => {
    const wild = tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expect(await of(core.nanToNum(wild))).toEqual([0, 3.4028234663852886e38, -3.4028234663852886e38]);
    expect(await of(core.nanToNum(wild.to({ dtype: 'float16' })))).toEqual([0, 65504, -65504]);
    expect(await of(core.nanToNum(int))).toEqual([1, 2, 3]);
  });

  it('the gradient reaches every operand that was broadcast, in its shape and dtype', async () => {
    const column = tensor([[1], [2]], { dtype: 'float64', requiresGrad: true });
    const row = tensor([3, 4, 5], { dtype: 'float32', requiresGrad: true });
    core.mul(column, row).sum().backward();
    expect(await of(column.grad!)).toEqual([[12], [12]]);
    expect(await of(row.grad!)).toEqual([3, 3, 3]);
    expect(row.grad!.dtype).toBe('float32');
  });

  it('fill gives the sum of the gradient to the value, and none to what it covered', async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const value = tensor(3, { requiresGrad: true });
    core.fill(x, value).sum().backward();
    expect(await of(x.grad!)).toEqual([0, 0]);
    expect(await value.grad!.item()).toBe(2);
  });

  it('where takes numbers on both sides, and only the values that it chose', async () => {
    const x = tensor([0, 4], { dtype: 'float64', requiresGrad: true });
    core.where(core.gt(x, 0), core.sqrt(x), 0).sum().backward();
    expect(Number.isNaN(((await of(x.grad!)) as number[])[0])).toBe(true);
    expect(await of(core.where(bool, 1, 0))).toEqual([1, 0, 1]);
    const [places] = await core.where(bool);
    expect(await of(places!)).toEqual([0, 2]);
  });

  it('bits of bool are truths', async () => {
    expect(await of(core.bitwiseNot(bool))).toEqual([false, true, false]);
    expect(await of(core.bitwiseXor(bool, true))).toEqual([false, true, false]);
  });
});

describe('gates', () => {
  it('shut far below 0, and their gradients are 0 there', () => {
    const far = tensor([-200, -1e5, 200]).requiresGrad_();
    const gates = [core.silu, (v: Tensor) => core.gelu(v, { approximate: 'tanh' })];
    for (const gate of gates) {
      const y = gate(far);
      expect([...(y.dataSync() as Float32Array)].map((v) => v + 0)).toEqual([0, 0, 200]);
      const [dx] = core.grad(y.sum(), [far]);
      expect([...(dx!.dataSync() as Float32Array)].map((v) => v + 0)).toEqual([0, 0, 1]);
    }
    const halves = tensor([3, -200]).requiresGrad_();
    const [dx] = core.grad(core.glu(halves).sum(), [halves]);
    expect([...(dx!.dataSync() as Float32Array)].map((v) => v + 0)).toEqual([0, 0]);
  });
});
