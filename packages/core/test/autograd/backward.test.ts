import { cpu } from '@flambeau/backend-cpu';
import {
  customOp,
  enableGrad,
  grad,
  isGradEnabled,
  manualSeed,
  noGrad,
  ones,
  randn,
  registerBackend,
  scope,
  setDetectAnomaly,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/core';
import { afterEach, describe, expect, it } from 'vitest';

registerBackend(cpu());

const leaf = (values: number | number[]): Tensor => tensor(values, { requiresGrad: true });
const values = (x: Tensor | null): unknown => x?.toArraySync();

describe('backward', () => {
  it('adds to what is there', () => {
    const x = leaf([1, 2]);
    x.mul(3).sum().backward();
    x.mul(4).sum().backward();
    expect(values(x.grad)).toEqual([7, 7]);
  });

  it('gives two leaves that receive the same gradient memory of their own', () => {
    const a = leaf([1, 2]);
    const b = leaf([3, 4]);
    a.add(b).sum().backward();
    noGrad(() => a.grad!.mul_(5));
    expect(values(b.grad)).toEqual([1, 1]);
  });

  it('copies a gradient that the user gave', () => {
    const x = leaf([1, 2]);
    const dy = ones([2]);
    x.clone().backward(dy);
    noGrad(() => x.grad!.mul_(5));
    expect(values(dy)).toEqual([1, 1]);
  });

  it('undoes broadcasting and conversion', () => {
    const x = tensor([[1], [2]], { requiresGrad: true });
    const y = tensor(3, { dtype: 'float64', requiresGrad: true });
    x.mul(tensor([1, 2, 3]))
      .mul(y.to({ dtype: 'float32' }))
      .sum()
      .backward();
    expect(values(x.grad)).toEqual([[18], [18]]);
    expect(y.grad!.dtype).toBe('float64');
    expect(values(y.grad)).toBe(18);
  });

  it('visits a node once although many paths lead there', () => {
    let x = leaf(1);
    const start = x;
    for (let i = 0; i < 60; i++) x = x.add(x);
    x.backward();
    expect(values(start.grad)).toBe(2 ** 60);
  });

  it('adds up parts of one tensor that overlap, with and without recording, and leaves what others hold alone', () => {
    const parts = (x: Tensor): Tensor[] => [
      ...x.unbind(1),
      x.narrow(0, 1, 2).flatten(),
      x.diagonal(),
      x.t().select(0, 2),
      x.narrow(1, 0, 3).t().narrow(0, 1, 2).flatten(),
    ];
    const total = (x: Tensor): Tensor =>
      parts(x)
        .map((part, i) =>
          part
            .mul(part)
            .mul(i + 1)
            .sum(),
        )
        .reduce((sum, one) => sum.add(one));
    const x = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ],
      { requiresGrad: true },
    );
    // The sum of squares counts each element as often as parts have it, by their weights.
    const weights = [
      [1 + 5, 2 + 7, 3 + 6 + 7],
      [1 + 4, 2 + 4 + 5 + 7, 3 + 4 + 6 + 7],
      [1 + 4, 2 + 4 + 7, 3 + 4 + 5 + 6 + 7],
    ];
    const expected = weights.map((row, i) => row.map((weight, k) => 2 * weight * (3 * i + k + 1)));
    total(x).backward();
    expect(values(x.grad)).toEqual(expected);
    expect(values(grad(total(x), [x], { createGraph: true })[0]!)).toEqual(expected);
    // Both hold the gradient that came first, and parts come to one of them.
    const [a, b] = [ones([3]), ones([3])].map((one) => one.requiresGrad_().mul(1)) as [Tensor, Tensor];
    const [da, db] = grad(a.select(0, 0).mul(5).add(a.add(b).sum()), [a, b]);
    expect([values(da!), values(db!)]).toEqual([
      [6, 1, 1],
      [1, 1, 1],
    ]);
  });

  it('goes through graphs deeper than any call stack', () => {
    const x = leaf(1);
    let y = x.mul(1);
    for (let i = 0; i < 50_000; i++) y = y.add(0);
    y.backward();
    expect(values(x.grad)).toBe(1);
  });

  it('works twice where nothing was saved, as in PyTorch', () => {
    const x = leaf([1, 2]);
    const y = x.add(1).sum();
    y.backward();
    y.backward();
    expect(values(x.grad)).toEqual([2, 2]);
  });

  it('refuses to go twice through a graph that was given free', () => {
    const y = leaf([1, 2]).exp().sum();
    y.backward();
    expect(() => y.backward()).toThrow(
      'backward of exp: the graph was already used by a backward, which gave its saved values free; pass { retainGraph: true } to the first backward, or compute the loss again',
    );
  });

  it('goes twice with retainGraph', () => {
    const x = leaf(2);
    const y = x.mul(x);
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(values(x.grad)).toBe(8);
  });

  it('records itself with createGraph', () => {
    const x = leaf(3);
    x.mul(x).mul(x).backward(null, { createGraph: true });
    const first = x.grad!;
    expect(values(first)).toBe(27);
    x.grad = null;
    first.backward();
    expect(values(x.grad)).toBe(18);
  });

  it('names what is wrong', () => {
    expect(() => zeros([2]).backward()).toThrow(
      'backward: the tensor needs no gradient and was not made from one that does',
    );
    expect(() => leaf([1, 2]).mul(2).backward()).toThrow(
      'backward: a gradient can be made up only for a tensor of one element, and this one has shape [2]; reduce it first, e.g. y.sum().backward(), or give the gradient',
    );
    expect(() =>
      leaf([1, 2])
        .mul(2)
        .backward(ones([3])),
    ).toThrow('backward: the gradient has shape [3], the tensor [2]');
    expect(() => leaf(1).backward({ retainGraph: true } as never)).toThrow(
      'backward: the gradient must be a tensor or null, got an object of Object; options come after it: y.backward(null, { retainGraph: true })',
    );
    expect(() => leaf(1).backward(null, { retaingraph: true } as never)).toThrow(
      'backward: unknown option retaingraph; did you mean retainGraph?',
    );
  });
});

describe('an exception in the middle of backward', () => {
  it('changes no leaf', () => {
    const fail = customOp('fail', {
      forward: (_context, x: Tensor) => x.mul(1),
      backward: (): Tensor => {
        throw new RangeError('no gradient today');
      },
    });
    const a = leaf([1, 2]);
    const b = leaf([3, 4]);
    const loss = a
      .mul(2)
      .add(fail(b.mul(3)))
      .sum();
    expect(() => loss.backward()).toThrow('no gradient today');
    expect(a.grad).toBeNull();
    expect(b.grad).toBeNull();
    a.mul(2).sum().backward();
    expect(values(a.grad)).toEqual([2, 2]);
  });
});

describe('hooks', () => {
  it('see and replace gradients, in order, and can be taken off', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const seen: unknown[] = [];
    const off = y.registerHook((gradient) => gradient.mul(10));
    y.registerHook((gradient) => {
      seen.push(values(gradient));
    });
    const z = y.sum();
    z.backward(null, { retainGraph: true });
    expect(seen).toEqual([[10, 10]]);
    expect(values(x.grad)).toEqual([20, 20]);
    off();
    x.grad = null;
    z.backward();
    expect(values(x.grad)).toEqual([2, 2]);
  });

  it('on a leaf see the whole sum once', () => {
    const x = leaf([1, 2]);
    const seen: unknown[] = [];
    x.registerHook((gradient) => {
      seen.push(values(gradient));
    });
    x.mul(2).add(x.mul(3)).sum().backward();
    expect(seen).toEqual([[5, 5]]);
  });

  it('keep the gradient that they were shown', () => {
    const x = leaf([1, 2]);
    let kept: Tensor | undefined;
    const y = x.mul(2);
    y.registerHook((gradient) => {
      kept = gradient;
    });
    y.mul(3).sum().backward();
    expect(kept!.disposed).toBe(false);
    expect(values(kept!)).toEqual([3, 3]);
  });

  it('are refused where no gradient comes', () => {
    expect(() => zeros([2]).registerHook(() => {})).toThrow(
      'registerHook: the tensor needs no gradient; call requiresGrad_() first',
    );
    const x = leaf([1, 2]);
    x.registerHook(() => ones([3]));
    expect(() => x.sum().backward()).toThrow('a gradient hook returned [3] for a gradient of [2]');
  });

  it('retainGrad keeps the gradient of a tensor that is no leaf', () => {
    const y = leaf([1, 2]).mul(2);
    y.retainGrad();
    y.mul(y).sum().backward();
    expect(values(y.grad)).toEqual([4, 8]);
  });
});

describe('grad', () => {
  it('leaves grad alone and reaches inner tensors', () => {
    const x = leaf([1, 2]);
    const y = x.mul(3);
    const [dy, dx] = grad(y.mul(y).sum(), [y, x]);
    expect(values(dy!)).toEqual([6, 12]);
    expect(values(dx!)).toEqual([18, 36]);
    expect(x.grad).toBeNull();
  });

  it('names an input that takes no part', () => {
    const x = leaf([1, 2]);
    const other = leaf(1);
    expect(() => grad(x.sum(), [other])).toThrow(
      'grad: the outputs do not depend on input 0; pass { allowUnused: true } to get null for it',
    );
    expect(grad(x.sum(), [other], { allowUnused: true })).toEqual([null]);
    expect(() => grad(x.sum(), [zeros([1])])).toThrow('grad: input 0 needs no gradient');
  });
});

describe('noGrad', () => {
  it('records nothing, also when wrapped or left by an exception', () => {
    const x = leaf([1]);
    expect(noGrad(() => x.mul(2)).requiresGrad).toBe(false);
    expect(noGrad(() => enableGrad(() => x.mul(2))).requiresGrad).toBe(true);
    const twice = noGrad.wrap((t: Tensor) => t.mul(2));
    expect(twice(x).requiresGrad).toBe(false);
    expect(() =>
      noGrad(() => {
        throw new RangeError('x');
      }),
    ).toThrow('x');
    expect(isGradEnabled()).toBe(true);
  });

  it('refuses a promise and shows the form for each batch', () => {
    // @ts-expect-error: the types refuse it too
    expect(() => noGrad(async () => 1)).toThrow(
      /noGrad takes a synchronous function, but this one returned a promise/,
    );
  });
});

describe('memory', () => {
  it('the graph keeps a storage whose handle was disposed', () => {
    const x = leaf([2, 3]);
    const y = x.mul(2);
    const z = y.mul(y);
    y.dispose();
    z.sum().backward();
    expect(values(x.grad)).toEqual([16, 24]);
    expect(() => y.add(1)).toThrow('add: a tensor was used after dispose(); its shape was [2]');
  });

  it('scope drops what it made and spares what it returns', () => {
    let inner: Tensor | undefined;
    const outer = scope(() => {
      inner = ones([2]);
      return inner.add(1);
    });
    expect(inner!.disposed).toBe(true);
    expect(values(outer)).toEqual([2, 2]);
  });
});

describe('customOp', () => {
  const cube = customOp('cube', {
    forward(context, x: Tensor) {
      context.save(x);
      return x.mul(x).mul(x);
    },
    backward: ({ saved: [x] }, dy) => dy!.mul(x!.mul(x!)).mul(3),
  });

  it('has the gradient that it says, twice', () => {
    const x = leaf(2);
    const [g] = grad(cube(x), [x], { createGraph: true });
    expect(values(g!)).toBe(12);
    g!.backward();
    expect(values(x.grad)).toBe(12);
  });

  it('notices that a saved value was changed', () => {
    const x = leaf([2]).mul(1);
    const y = cube(x);
    x.add_(1);
    expect(() => y.sum().backward()).toThrow(/backward of cube: a value it needs/);
  });

  it('must give one gradient for each tensor', () => {
    const wrong = customOp('wrong', {
      forward: (_c, a: Tensor, b: Tensor) => a.add(b),
      backward: (_c, dy) => dy,
    });
    expect(() => wrong(leaf(1), leaf(2)).backward()).toThrow(
      'backward of wrong: it returned 1 gradients for 2 tensors',
    );
  });
});

describe('anomaly mode', () => {
  afterEach(() => setDetectAnomaly(false));

  it('names the forward line and the NaN', () => {
    setDetectAnomaly(true);
    const x = leaf([0, 1]);
    const y = x.div(x).sum();
    expect(() => y.backward()).toThrow(
      /backward of div: the gradient of input \d holds NaN; the forward operator was called at:\n.*backward\.test\.ts/s,
    );
  });
});

it('is repeatable from a seed', () => {
  manualSeed(7);
  const a = randn([5]).toArraySync();
  manualSeed(7);
  expect(randn([5]).toArraySync()).toEqual(a);
});
