import { cpu } from '@flambeau/backend-cpu';
import { registerBackend, type Tensor, tensor } from '@flambeau/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipGradNorm, clipGradValue } from '../src/index.ts';

registerBackend(cpu());

function withGrad(grad: number[]): Tensor {
  const x = tensor(grad, { requiresGrad: true });
  x.grad = tensor(grad);
  return x;
}
const gradOf = (x: Tensor): number[] => Array.from(x.grad!.dataSync(), Number);

describe('clipGradNorm', () => {
  it('scales all gradients together and returns the norm that they had', () => {
    const params = [withGrad([3, 0]), withGrad([0, 4]), tensor([1], { requiresGrad: true })];
    const norm = clipGradNorm(params, 1);
    expect([norm.shape, norm.itemSync()]).toEqual([[], 5]);
    expect(gradOf(params[0]!)[0]).toBeCloseTo(0.6, 5);
    expect(gradOf(params[1]!)[1]).toBeCloseTo(0.8, 5);
  });

  it('leaves gradients alone that are short enough', () => {
    const x = withGrad([0.3, 0.4]);
    expect(clipGradNorm([x], 1).itemSync()).toBeCloseTo(0.5, 6);
    expect(gradOf(x)).toEqual([0.3, 0.4].map(Math.fround));
  });

  it.each([
    [1, 7],
    [Number.POSITIVE_INFINITY, 4],
    [3, (27 + 64) ** (1 / 3)],
  ])('knows the norm of order %f', (normType, expected) => {
    expect(clipGradNorm(withGrad([3, -4]), 1, { normType }).itemSync()).toBeCloseTo(expected, 5);
  });

  it('bounds the norm, whatever the gradients', () => {
    const gradients = fc.array(
      fc.array(fc.float({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 5 }),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    fc.assert(
      fc.property(gradients, fc.float({ min: Math.fround(0.01), max: 10, noNaN: true }), (grads, maxNorm) => {
        const params = grads.map(withGrad);
        clipGradNorm(params, maxNorm);
        expect(Math.hypot(...params.flatMap(gradOf))).toBeLessThanOrEqual(maxNorm * (1 + 1e-5));
      }),
      { numRuns: 50 },
    );
  });

  it('gives 0 where there are no gradients', () => {
    expect(clipGradNorm([tensor([1], { requiresGrad: true })], 1).itemSync()).toBe(0);
  });

  it('throws on a norm that is not finite only where asked to', () => {
    const x = withGrad([Number.NaN, 1]);
    expect(() => clipGradNorm([x], 1, { errorIfNonfinite: true })).toThrow(
      'clipGradNorm: the total norm of order 2 of the gradients is NaN, so they cannot be clipped',
    );
    expect(gradOf(x)).toEqual([Number.NaN, 1]);
    expect(clipGradNorm([x], 1).itemSync()).toBeNaN();
    expect(gradOf(x)).toEqual([Number.NaN, Number.NaN]);
  });

  it('reads nothing on the host', () => {
    const x = withGrad([3, 4]);
    const { backend } = x.entry;
    const { readSync } = backend;
    backend.readSync = () => {
      throw new Error('read');
    };
    try {
      clipGradNorm([x], 1);
      clipGradValue([x], 1);
    } finally {
      backend.readSync = readSync!;
    }
  });

  it('refuses wrong arguments', () => {
    const x = withGrad([1]);
    expect(() => clipGradNorm([x], -1)).toThrow(
      'clipGradNorm: maxNorm must be a number of 0 or more, got -1',
    );
    expect(() => clipGradNorm([x], 1, { normtype: 1 } as object)).toThrow('did you mean normType?');
    expect(() => clipGradNorm([3 as unknown as Tensor], 1)).toThrow(
      'clipGradNorm: parameters must be tensors, got 3',
    );
  });
});

describe('clipGradValue', () => {
  it('confines every element', () => {
    const x = withGrad([-3, 0.25, 3, Number.NaN]);
    clipGradValue(x, 0.5);
    expect(gradOf(x)).toEqual([-0.5, 0.25, 0.5, Number.NaN]);
    expect(() => clipGradValue(x, -1)).toThrow(
      'clipGradValue: clipValue must be a number of 0 or more, got -1',
    );
  });
});
