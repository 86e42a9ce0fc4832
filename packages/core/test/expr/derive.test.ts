import { cpu } from '@flambeau/backend-cpu';
import {
  grad,
  gradcheck,
  gradgradcheck,
  klDiv,
  onesLike,
  pointwise,
  registerBackend,
  type Tensor,
  tensor,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';

registerBackend(cpu());

const leaf = (values: number[]): Tensor => tensor(values, { dtype: 'float64', requiresGrad: true });

describe('the derivative of a select', () => {
  const guardedLog = pointwise('testGuardedLog', (x) => x.gt(0).select(x.log(), 0));

  it('is that of the branch taken, whatever the other one gives there', async () => {
    const x = leaf([0, -1, 2]);
    const [dx] = grad(guardedLog(x).sum(), [x], { createGraph: true });
    expect(await dx!.toArray()).toEqual([0, 0, 0.5]);
    const [ddx] = grad(dx!.sum(), [x]);
    expect(await ddx!.toArray()).toEqual([0, 0, -0.25]);
  });

  it('holds in nested branches and where both branches read one value', async () => {
    const nested = pointwise('testNested', (x, y) => {
      const root = x.sqrt();
      return x.gt(0).select(y.gt(1).select(root.mul(y), root), y.mul(x));
    });
    const x = leaf([4, 4, 0, -2]);
    const y = leaf([3, 0.5, 2, 3]);
    await gradcheck(nested, [leaf([4, 3, -2]), leaf([3, 0.5, 3])]);
    await gradgradcheck(nested, [leaf([4, 3, -2]), leaf([3, 0.5, 3])]);
    const [dx, dy] = grad(nested(x, y).sum(), [x, y]);
    expect(await dx!.toArray()).toEqual([0.75, 0.25, 2, 3]);
    expect(await dy!.toArray()).toEqual([2, 0, 0, -2]);
  });

  it('keeps NaN of a branch not taken out of the gradient of a gradient', async () => {
    const y = klDiv(leaf([-1, -2]), leaf([0.2, 0.3]), { reduction: 'sum' });
    const dy = onesLike(y).requiresGrad_();
    const x = leaf([-1, -2]);
    const target = leaf([0.2, 0.3]);
    const [, dtarget] = grad(klDiv(x, target, { reduction: 'sum' }), [x, target], {
      gradOutputs: [dy],
      createGraph: true,
    });
    const [ddy] = grad(dtarget!.sum(), [dy]);
    expect(Number.isFinite(await ddy!.item())).toBe(true);
  });
});
