import { cpu } from '@flambeau/backend-cpu';
import {
  AutogradError,
  arange,
  grad,
  noGrad,
  ones,
  registerBackend,
  type Tensor,
  tensor,
  unbind,
  zeros,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';

registerBackend(cpu());

/** Every expected number here was computed by PyTorch 2.13. */
const leaf = (values: number[] | number[][]): Tensor => tensor(values, { requiresGrad: true });
const values = (x: Tensor | null): unknown => x?.toArraySync();
const square = (x: Tensor): Tensor => x.mul(x);

describe('in-place operators through views', () => {
  it('rebase the base', () => {
    const x = leaf([1, 2, 3, 4]);
    const b = x.mul(2);
    b.narrow(0, 1, 2).mul_(10);
    square(b).sum().backward();
    expect(values(b)).toEqual([2, 40, 60, 8]);
    expect(values(x.grad)).toEqual([8, 1600, 2400, 32]);
  });

  it('reach sibling views made before', () => {
    const x = leaf([1, 2, 3, 4]);
    const b = x.mul(2);
    const v = b.narrow(0, 1, 2);
    const w = b.narrow(0, 2, 2);
    v.mul_(10);
    square(w).sum().backward();
    expect(values(w)).toEqual([60, 8]);
    expect(values(x.grad)).toEqual([0, 0, 2400, 32]);
  });

  it('on the base reach views', () => {
    const x = leaf([1, 2, 3, 4]);
    const b = x.mul(2);
    const v = b.narrow(0, 1, 2);
    b.mul_(x);
    square(v).sum().backward();
    expect(values(x.grad)).toEqual([0, 128, 432, 0]);
  });

  it('carry a gradient into a base that had none', () => {
    const b = zeros([4]);
    const w = leaf([5, 6]);
    b.narrow(0, 1, 2).copy_(w.mul(w));
    expect(b.requiresGrad).toBe(true);
    b.mul(tensor([1, 2, 3, 4]))
      .sum()
      .backward();
    expect(values(w.grad)).toEqual([20, 36]);
  });

  it('let a view require a gradient once its base does', () => {
    const b = zeros([4]);
    const v = b.narrow(0, 1, 2);
    const w = leaf([1, 2, 3, 4]);
    b.add_(w);
    expect(v.requiresGrad).toBe(true);
    v.sum().backward();
    expect(values(w.grad)).toEqual([0, 1, 1, 0]);
  });

  it('work on views of views with other strides', () => {
    const x = leaf([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    const b = x.mul(1);
    b.transpose(0, 1).narrow(0, 1, 2).exp_();
    b.mul(arange(6).reshape([2, 3]))
      .sum()
      .backward();
    const got = x.grad!.dataSync();
    for (const [i, value] of [
      0, 2.7182817459106445, 14.778112411499023, 3, 218.39259338378906, 742.0657958984375,
    ].entries()) {
      expect(got[i]).toBeCloseTo(value, 3);
    }
  });

  it('reach a transposed sibling', () => {
    const x = arange(1, 9, { dtype: 'float32', requiresGrad: true });
    const v = x.mul(1).view([2, 4]);
    const w = v.transpose(0, 1);
    v.select(0, 0).mul_(2);
    w.select(0, 0).mul(3).sum().backward();
    expect(values(x.grad)).toEqual([6, 0, 0, 0, 3, 0, 0, 0]);
  });

  it('can be differentiated twice', () => {
    const x = leaf([1, 2, 3]);
    const b = x.mul(x);
    b.narrow(0, 0, 2).mul_(x.narrow(0, 1, 2));
    const [g] = grad(square(b).sum(), [x], { createGraph: true });
    expect(values(g!)).toEqual([16, 292, 204]);
    g!.sum().backward();
    expect(values(x.grad)).toEqual([64, 642, 332]);
  });

  it('stop the gradient of what they overwrite', () => {
    const x = leaf([1, 2, 3]);
    const y = x.mul(2);
    y.select(0, 1).fill_(0);
    y.sum().backward();
    expect(values(x.grad)).toEqual([2, 0, 2]);
  });
});

describe('in-place operators that are refused', () => {
  it('on one of several views that one operator made', () => {
    const x = ones([2, 2], { requiresGrad: true });
    const [first] = unbind(x.mul(1), 0);
    expect(() => first!.mul_(2)).toThrow(/mul_: this is one of several views that unbind made/);
  });

  it('on a view made inside noGrad', () => {
    const y = leaf([1, 1, 1]).mul(2);
    const v = noGrad(() => y.narrow(0, 0, 2));
    expect(() => v.mul_(2)).toThrow(/mul_: this view was made inside noGrad/);
  });

  it('on a leaf that requires a gradient, and on a view of one', () => {
    const x = leaf([1, 1, 1]);
    expect(() => x.add_(1)).toThrow(
      'add_: a leaf that requires grad cannot be changed in place while a graph is recorded; wrap the update in noGrad(() => …)',
    );
    expect(() => x.narrow(0, 0, 1).add_(1)).toThrow(
      'add_: a view of a leaf that requires grad cannot be changed in place',
    );
    noGrad(() => x.narrow(0, 0, 1).add_(1));
    expect(values(x)).toEqual([2, 1, 1]);
  });

  it('on memory that overlaps itself', () => {
    expect(() => ones([1, 3]).expand([2, 3]).add_(1)).toThrow(
      /add_: several elements of the tensor share one place in memory/,
    );
  });

  it('when a saved value was changed: the operator and the change are named', () => {
    const y = leaf([2, 3]).mul(1);
    y.mul_(y);
    expect(() => y.sum().backward()).toThrow(
      /backward of mul: a value it needs, float32 \[2\], was changed in place by mul_ \(it is at version 1, saved at version 0\)/,
    );
    const z = leaf([1, 2]).exp();
    z.detach().zero_();
    expect(() => z.sum().backward()).toThrow(AutogradError);
  });

  it('when the result does not fit', () => {
    expect(() => zeros([2]).add_(zeros([3, 2]))).toThrow(
      'add_: the result has shape [3, 2], which does not fit into [2]',
    );
    expect(() => zeros([2], { dtype: 'int32' }).add_(0.5)).toThrow(
      /add_: the result is float32, which a int32 tensor cannot hold/,
    );
  });
});

describe('in-place operators', () => {
  it('save their output anew', () => {
    const x = leaf([-1, 2]);
    x.mul(1).sigmoid_().sum().backward();
    const got = x.grad!.dataSync();
    expect(got[0]).toBeCloseTo(0.1966119408607483, 6);
    expect(got[1]).toBeCloseTo(0.10499362647533417, 6);
  });

  it('leave hooks on the value that was there', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const seen: unknown[] = [];
    y.registerHook((gradient) => {
      seen.push(values(gradient));
    });
    y.mul_(3);
    y.sum().backward();
    expect(seen).toEqual([[3, 3]]);
    expect(values(x.grad)).toEqual([6, 6]);
  });

  it('read operands that overlap the target as they were', () => {
    const x = tensor([1, 2, 3, 4]);
    x.narrow(0, 1, 3).copy_(x.narrow(0, 0, 3));
    expect(values(x)).toEqual([1, 1, 2, 3]);
  });
});
