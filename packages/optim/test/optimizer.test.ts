import { cpu } from '@flambeau/backend-cpu';
import {
  isGradEnabled,
  manualSeed,
  noGrad,
  ones,
  randn,
  registerBackend,
  scope,
  setKernelInterceptor,
  type Tensor,
  tensor,
} from '@flambeau/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  ASGD,
  NAdam,
  Optimizer,
  type OptimizerStateDict,
  type Params,
  RAdam,
  RMSprop,
  Rprop,
  SGD,
} from '../src/index.ts';

registerBackend(cpu());

type AnyOptimizer = Optimizer<{ lr?: number }, object>;
type Maker = (params: Tensor[], options?: object) => AnyOptimizer;

// Each class takes its own options; the table gives them by name.
const make = (Class: new (params: Tensor[], options?: never) => unknown): Maker =>
  ((params, options = {}) => new Class(params, options as never)) as Maker;

const optimizers: readonly [name: string, maker: Maker, options: object][] = [
  ['SGD', make(SGD), { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }],
  ['Adam', make(Adam), { lr: 0.1, amsgrad: true, weightDecay: 0.01 }],
  ['AdamW', make(AdamW), { lr: 0.1 }],
  ['RMSprop', make(RMSprop), { lr: 0.1, centered: true, momentum: 0.5 }],
  ['Adagrad', make(Adagrad), { lr: 0.1, lrDecay: 0.1, initialAccumulatorValue: 0.1 }],
  ['Adadelta', make(Adadelta), { rho: 0.8 }],
  ['Adamax', make(Adamax), { lr: 0.1 }],
  ['NAdam', make(NAdam), { lr: 0.1, decoupledWeightDecay: true, weightDecay: 0.1 }],
  ['RAdam', make(RAdam), { lr: 0.1 }],
  ['ASGD', make(ASGD), { lr: 0.1, t0: 2 }],
  ['Rprop', make(Rprop), {}],
];

const leaf = (values: number | number[]): Tensor => tensor(values, { requiresGrad: true });
const values = (x: Tensor | null | undefined): unknown => x?.toArraySync();

/** One step towards a target, with its squares as the loss. */
function train(optimizer: AnyOptimizer, params: readonly Tensor[], steps: number): void {
  for (let i = 0; i < steps; i++) {
    optimizer.zeroGrad();
    for (const x of params) x.sub(3).square().sum().backward();
    optimizer.step();
  }
}

describe.each(optimizers)('%s', (name, maker, options) => {
  it('goes down', () => {
    const x = leaf([1, -2, 5]);
    const loss = (): number => x.sub(3).square().sum().itemSync() as number;
    const before = loss();
    train(maker([x], options), [x], 20);
    expect(loss()).toBeLessThan(before);
  });

  it('goes on exactly from a saved state, also one that went through JSON in its numbers', () => {
    const run = (stop: boolean): unknown => {
      const params = [leaf([1, -2]), leaf(0.5)];
      let optimizer = maker(params, options);
      train(optimizer, params, 4);
      if (stop) {
        const saved = optimizer.stateDict();
        optimizer = maker(params, { ...options, lr: 0.5 });
        optimizer.loadStateDict({ ...saved, param_groups: JSON.parse(JSON.stringify(saved.param_groups)) });
      }
      train(optimizer, params, 4);
      return params.map(values);
    };
    expect(run(true)).toEqual(run(false));
  });

  it('has its own copies of a loaded state', () => {
    const [x, y] = [leaf([1, 2]), leaf([1, 2])];
    const [first, second] = [maker([x], options), maker([y], options)];
    train(first, [x], 2);
    second.loadStateDict(first.stateDict());
    const before = tensorsOf(first.stateDict()).map(values);
    train(second, [y], 2);
    expect(tensorsOf(first.stateDict()).map(values)).toEqual(before);
  });

  it('leaves parameters without a gradient alone', () => {
    const [x, y] = [leaf([1, 2]), leaf([1, 2])];
    const optimizer = maker([x, y], options);
    train(optimizer, [x], 1);
    expect(values(y)).toEqual([1, 2]);
    expect(optimizer.state.has(y)).toBe(false);
  });

  it('compiles nothing when the learning rate changes', () => {
    const x = leaf([1, 2]);
    const optimizer = maker([x], options);
    train(optimizer, [x], 8);
    const programs = programsOf(() => train(optimizer, [x], 1));
    optimizer.paramGroups[0]!.lr = 0.0123;
    expect(programsOf(() => train(optimizer, [x], 1))).toEqual(programs);
  });

  it('refuses a learning rate that is none', () => {
    for (const lr of [-1, Number.NaN, '0.1']) {
      expect(() => maker([leaf(1)], { lr })).toThrow(`${name}: lr must be a number of 0 or more, got `);
    }
    expect(() => maker([leaf(1)], { learningRate: 1 })).toThrow(`${name}: unknown option learningRate; `);
  });

  it('keeps its state, and nothing else, in a scope', () => {
    const x = leaf([1, 2]);
    const optimizer = maker([x], options);
    scope(() => train(optimizer, [x], 1));
    expect(tensorsOf(optimizer.stateDict()).every((state) => !state.disposed)).toBe(true);
    train(optimizer, [x], 1);
  });
});

function tensorsOf({ state }: OptimizerStateDict): Tensor[] {
  return Object.values(state).flatMap((entry) =>
    Object.values(entry).filter((value) => typeof value === 'object'),
  );
}

/** The keys of the programs that run in `body`. */
function programsOf(body: () => void): string[] {
  const keys = new Set<string>();
  setKernelInterceptor(({ kernel, args }, launch) => {
    if (kernel === 'pointwise' || kernel === 'update') keys.add((args[0] as { key: string }).key);
    launch();
  });
  try {
    body();
  } finally {
    setKernelInterceptor(null);
  }
  return [...keys].sort();
}

describe('groups', () => {
  it('have options of their own, and the optimiser those of the rest', () => {
    const [x, y] = [leaf([1]), leaf([1])];
    const optimizer = new SGD([{ params: [x] }, { params: y, lr: 1 }], { lr: 0.1 });
    x.mul(1).sum().backward();
    y.mul(1).sum().backward();
    optimizer.step();
    expect(optimizer.paramGroups.map(({ lr, momentum }) => [lr, momentum])).toEqual([
      [0.1, 0],
      [1, 0],
    ]);
    expect(values(x)).toEqual([Math.fround(0.9)]);
    expect(values(y)).toEqual([0]);
  });

  it('can be added later', () => {
    const optimizer = new Adam([leaf(1)]);
    optimizer.addParamGroup({ params: [leaf(2), leaf(3)], betas: [0.5, 0.5] });
    expect(optimizer.paramGroups.map(({ params, betas }) => [params.length, betas])).toEqual([
      [1, [0.9, 0.999]],
      [2, [0.5, 0.5]],
    ]);
  });

  it('take any iterable of parameters', () => {
    const params = new Set([leaf(1), leaf(2)]);
    expect(new SGD(params.values()).paramGroups[0]!.params.length).toBe(2);
  });

  it.each<[unknown, string]>([
    [[], 'SGD: there are no parameters to optimise; pass model.parameters()'],
    [leaf(1), 'SGD: parameters come as a list, e.g. model.parameters(), got a tensor'],
    [undefined, 'SGD: parameters come as a list, e.g. model.parameters(), got undefined'],
    [[leaf(1), 2], 'SGD: only tensors can be optimised, got 2'],
    [[3], 'SGD: options must be an object'],
    [[leaf([1]).mul(2)], 'SGD: a parameter must be a leaf, but this one, [1], was computed from others'],
    [[{ params: [leaf(1)], learningrate: 1 }], 'SGD: unknown option learningrate'],
    [[{ params: [leaf(1)], lr: -1 }], 'SGD: lr must be a number of 0 or more, got -1'],
  ])('refuse %o', (params, text) => {
    expect(() => new SGD(params as Tensor[])).toThrow(text);
  });

  it('refuse a parameter that is given twice', () => {
    const x = leaf([1, 2]);
    const text = 'SGD: a parameter of shape [2] is given twice; each can be in one group, once';
    expect(() => new SGD([x, x])).toThrow(text);
    expect(() => new SGD([{ params: [x] }, { params: [x] }])).toThrow(text);
  });
});

describe('options out of range', () => {
  const x = leaf(1);
  it.each<[Maker, object, string]>([
    [make(SGD), { momentum: -1 }, 'SGD: momentum must be a number of 0 or more, got -1'],
    [make(SGD), { weightDecay: -1 }, 'SGD: weightDecay must be a number of 0 or more, got -1'],
    [make(SGD), { nesterov: 'yes' }, 'SGD: nesterov must be true or false, got "yes"'],
    [
      make(SGD),
      { nesterov: true },
      'SGD: nesterov needs a momentum and no dampening, got momentum 0 and dampening 0',
    ],
    [make(SGD), { nesterov: true, momentum: 0.9, dampening: 0.1 }, 'got momentum 0.9 and dampening 0.1'],
    [
      make(Adam),
      { betas: [0.9, 1] },
      'Adam: betas must be two numbers of 0 or more and below 1, got [0.9, 1]',
    ],
    [make(Adam), { betas: 0.9 }, 'Adam: betas must be two numbers of 0 or more and below 1, got 0.9'],
    [make(AdamW), { eps: -1 }, 'AdamW: eps must be a number of 0 or more, got -1'],
    [make(RMSprop), { alpha: -1 }, 'RMSprop: alpha must be a number of 0 or more, got -1'],
    [make(Adadelta), { rho: 1.5 }, 'Adadelta: rho must be a number of 0..1, got 1.5'],
    [make(Adagrad), { lrDecay: -1 }, 'Adagrad: lrDecay must be a number of 0 or more, got -1'],
    [make(NAdam), { momentumDecay: -1 }, 'NAdam: momentumDecay must be a number of 0 or more, got -1'],
    [
      make(Rprop),
      { etas: [1.1, 1.2] },
      'Rprop: etas must be a number of (0, 1) and one above 1, got [1.1, 1.2]',
    ],
    [
      make(Rprop),
      { stepSizes: [2, 1] },
      'Rprop: stepSizes must be the smallest and the largest step, got [2, 1]',
    ],
    [make(ASGD), { t0: 'never' }, 'ASGD: t0 must be a number, got "never"'],
  ])('%# are refused', (maker, options, text) => {
    expect(() => maker([x], options)).toThrow(text);
  });
});

describe('step', () => {
  it('returns what the closure returns, which runs with gradients', () => {
    const x = leaf([2]);
    const optimizer = new SGD([x], { lr: 0.1 });
    const loss = noGrad(() =>
      optimizer.step(() => {
        optimizer.zeroGrad();
        expect(isGradEnabled()).toBe(true);
        const loss = x.square().sum();
        loss.backward();
        return loss;
      }),
    );
    expect(loss.itemSync()).toBe(4);
    expect(values(x)).toEqual([Math.fround(1.6)]);
    expect(optimizer.step()).toBe(undefined);
  });

  it('changes nothing when a gradient does not fit', () => {
    const [x, y] = [leaf([1, 2]), leaf([1, 2])];
    const optimizer = new SGD([x, y], { lr: 1 });
    x.grad = tensor([1, 1]);
    y.grad = tensor([1, 1, 1]);
    expect(() => optimizer.step()).toThrow('SGD: a parameter of shape [2] has a gradient of shape [3]');
    expect(values(x)).toEqual([1, 2]);
    y.grad = ones([2], { device: 'meta' });
    expect(() => optimizer.step()).toThrow(
      'SGD: a parameter on cpu has its gradient on meta; call zeroGrad() after moving a model',
    );
  });

  it('works on parameters that lie with gaps, have no dimensions or no elements', () => {
    const base = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const column = base.select(1, 1).requiresGrad_();
    const params = [column, leaf(1), leaf([])];
    const optimizer = new Adam(params, { lr: 0.5 });
    train(optimizer, params, 1);
    const moved = [
      [1, 2.5],
      [3, 3.5],
      [5, 5.5],
    ].flat();
    base.flatten().toArraySync();
    expect(Array.from(base.dataSync(), Number).every((value, i) => Math.abs(value - moved[i]!) < 1e-5)).toBe(
      true,
    );
    expect(values(params[1])).toBeCloseTo(1.5, 5);
  });

  it('keeps half-precision parameters in their dtype', () => {
    const x = tensor([1, 2], { dtype: 'float16', requiresGrad: true });
    const optimizer = new Adam([x], { lr: 0.1 });
    train(optimizer, [x], 2);
    expect(x.dtype).toBe('float16');
    expect(tensorsOf(optimizer.stateDict()).map(({ dtype }) => dtype)).toEqual(['float16', 'float16']);
  });
});

describe('zeroGrad', () => {
  it('lets go of gradients, or fills them with zeros where they are', () => {
    const x = leaf([1, 2]);
    const optimizer = new SGD([x]);
    x.square().sum().backward();
    const { grad } = x;
    optimizer.zeroGrad({ setToNone: false });
    expect(x.grad).toBe(grad);
    expect(values(grad)).toEqual([0, 0]);
    optimizer.zeroGrad();
    expect(x.grad).toBe(null);
    expect(() => optimizer.zeroGrad({ setToNon: true } as object)).toThrow(
      'unknown option setToNon; did you mean setToNone?',
    );
  });

  it('does not write over a gradient that was recorded', () => {
    const x = leaf([1, 2]);
    const optimizer = new SGD([x]);
    x.square().sum().backward(null, { createGraph: true });
    const { grad } = x;
    optimizer.zeroGrad({ setToNone: false });
    expect(values(grad)).toEqual([2, 4]);
    expect(values(x.grad)).toEqual([0, 0]);
  });
});

describe('state dicts', () => {
  it('have the keys of PyTorch', () => {
    const params = [leaf([1, 2]), leaf(1)];
    const optimizer = new Adam(params, { amsgrad: true });
    train(optimizer, [params[0]!], 2);
    const { state, param_groups } = optimizer.stateDict();
    expect(Object.keys(state)).toEqual(['0']);
    expect(Object.keys(state[0]!)).toEqual(['step', 'exp_avg', 'exp_avg_sq', 'max_exp_avg_sq']);
    expect(state[0]!.step).toBe(2);
    expect(param_groups).toEqual([
      {
        params: [0, 1],
        lr: 1e-3,
        betas: [0.9, 0.999],
        eps: 1e-8,
        weight_decay: 0,
        amsgrad: true,
        maximize: false,
        decoupled_weight_decay: false,
      },
    ]);
  });

  it('come from PyTorch too: counts as tensors, options that choose its ways of computing', () => {
    const x = leaf([1, 2]);
    const optimizer = new Adam([x]);
    optimizer.loadStateDict({
      state: {
        0: { step: tensor(7), exp_avg: tensor([1, 2]), exp_avg_sq: tensor([3, 4], { dtype: 'float64' }) },
      },
      param_groups: [
        {
          params: [0],
          lr: 0.5,
          betas: [0.8, 0.9],
          foreach: null,
          capturable: false,
          differentiable: false,
          fused: null,
        },
      ],
    });
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.5, betas: [0.8, 0.9], eps: 1e-8 });
    expect(optimizer.state.get(x)).toMatchObject({ step: 7, expAvgSq: { dtype: 'float32' } });
  });

  const fitting = (): OptimizerStateDict => ({
    state: { 0: { step: 1, exp_avg: tensor([1, 2]), exp_avg_sq: tensor([3, 4]) } },
    param_groups: [{ params: [0], lr: 0.5 }],
  });
  it.each<[string, (saved: OptimizerStateDict) => void]>([
    [
      "Adam.loadStateDict: the saved groups have [2] parameters, this optimiser's have [1]",
      ({ param_groups }) => param_groups[0]!.params.push(1),
    ],
    [
      'Adam.loadStateDict: the saved group has the option momentum',
      ({ param_groups }) => (param_groups[0]!.momentum = 1),
    ],
    ['Adam: lr must be a number of 0 or more, got -1', ({ param_groups }) => (param_groups[0]!.lr = -1)],
    [
      'Adam.loadStateDict: the saved state has momentum_buffer',
      ({ state }) => (state[0]!.momentum_buffer = 1),
    ],
    ['Adam.loadStateDict: the saved state lacks exp_avg', ({ state }) => delete state[0]!.exp_avg],
    ['Adam.loadStateDict: the saved exp_avg must be a tensor, got 1', ({ state }) => (state[0]!.exp_avg = 1)],
    [
      'Adam.loadStateDict: the saved exp_avg is [3], its parameter is [2]',
      ({ state }) => (state[0]!.exp_avg = tensor([1, 2, 3])),
    ],
    ['Adam.loadStateDict: the saved step must be a number', ({ state }) => (state[0]!.step = tensor([1, 2]))],
  ])('that do not fit change nothing: %s', (text, damage) => {
    const x = leaf([1, 2]);
    const optimizer = new Adam([x]);
    train(optimizer, [x], 1);
    const before = JSON.stringify([optimizer.paramGroups, [...optimizer.state.values()]]);
    const saved = fitting();
    damage(saved);
    expect(() => optimizer.loadStateDict(saved)).toThrow(text);
    expect(JSON.stringify([optimizer.paramGroups, [...optimizer.state.values()]])).toBe(before);
    optimizer.loadStateDict(fitting());
    expect(optimizer.state.get(x)?.step).toBe(1);
  });
});

describe('a rule of one’s own', () => {
  class Signs extends Optimizer<{ lr?: number }> {
    constructor(params: Params<{ lr?: number }>, options: { lr?: number } = {}) {
      super('Signs', params, options, { lr: 0.5 });
    }
    protected override update(x: Tensor, gradient: Tensor, _state: object, { lr }: { lr: number }): void {
      x.sub_(gradient.sign().mul(lr));
    }
  }

  it('is a class with an update', () => {
    const x = leaf([1, -1]);
    const optimizer = new Signs([x]);
    x.square().sum().backward();
    optimizer.step();
    expect(values(x)).toEqual([0.5, -0.5]);
    expect(optimizer.stateDict()).toEqual({ state: {}, param_groups: [{ params: [0], lr: 0.5 }] });
  });
});

describe('a step over many parameters', () => {
  const shapes = [[40, 3], [3], [10], [1], []];
  const withGradients = (): Tensor[] =>
    shapes.map((shape) => {
      const x = randn(shape).requiresGrad_();
      x.grad = randn(shape);
      return x;
    });

  /** The kernels that `body` calls, and how many rows each of the updates has. */
  function launchesOf(body: () => void): (string | number)[] {
    const launches: (string | number)[] = [];
    setKernelInterceptor(({ kernel, args }, launch) => {
      launches.push(kernel === 'update' ? (args[1] as unknown[]).length : kernel);
      launch();
    });
    try {
      body();
    } finally {
      setKernelInterceptor(null);
    }
    return launches;
  }

  it.each(optimizers)('is one call: %s', (_name, maker, options) => {
    const optimizer = maker(withGradients(), options);
    optimizer.step();
    expect(launchesOf(() => optimizer.step())).toEqual([shapes.length]);
    expect(launchesOf(() => optimizer.step())).toEqual([shapes.length]);
  });

  it('is the same as steps of optimisers of one parameter each', () => {
    for (const [, maker, options] of optimizers) {
      for (const maximize of [false, true]) {
        manualSeed(3);
        const [together, apart] = [withGradients(), withGradients()];
        noGrad(() => {
          for (const [i, x] of apart.entries()) {
            x.copy_(together[i]!);
            x.grad!.copy_(together[i]!.grad!);
          }
        });
        const given = { ...options, maximize };
        const whole = maker(together, given);
        const single = apart.map((x) => maker([x], given));
        for (let i = 0; i < 3; i++) {
          whole.step();
          for (const optimizer of single) optimizer.step();
        }
        expect(together.map(values)).toEqual(apart.map(values));
      }
    }
  });

  it('takes parameters that have been stepped more often in a call of their own', () => {
    const params = withGradients();
    const optimizer = new Adam(params);
    const { grad } = params[0]!;
    params[0]!.grad = null;
    optimizer.step();
    params[0]!.grad = grad;
    expect(launchesOf(() => optimizer.step())).toContain(shapes.length - 1);
  });

  it('takes parameters that are parts of one memory in turn', () => {
    const memory = randn([12]);
    const [first, second] = [memory.narrow(0, 0, 8), memory.narrow(0, 4, 8)];
    const [copy] = [memory.clone()];
    const parts = [copy.narrow(0, 0, 8), copy.narrow(0, 4, 8)];
    for (const x of [first, second, ...parts]) x.grad = ones([8]);
    new SGD([first, second], { lr: 0.1 }).step();
    for (const x of parts) new SGD([x], { lr: 0.1 }).step();
    expect(values(memory)).toEqual(values(copy));
    expect(values(memory.sub(copy).abs().sum())).toBe(0);
  });

  it('changes nothing later that an update that threw had asked for', () => {
    class Failing extends SGD {
      protected override update(...args: Parameters<SGD['update']>): void {
        super.update(...args);
        if (args[0].ndim === 1) throw new RangeError('no');
      }
    }
    const params = withGradients();
    const before = values(params[0]);
    const optimizer = new Failing(params);
    expect(() => optimizer.step()).toThrow(RangeError);
    for (const x of params) x.grad = null;
    optimizer.step();
    expect(values(params[0])).toEqual(before);
  });
});

describe('maximize', () => {
  it('is minimising the negative', () => {
    const options = fc.record({
      lr: fc.double({ min: 0.01, max: 1, noNaN: true }),
      weightDecay: fc.constantFrom(0, 0.1),
    });
    fc.assert(
      fc.property(options, fc.nat(optimizers.length - 2), (given, which) => {
        manualSeed(1);
        const start = randn([3]);
        const maker = optimizers[which]![1];
        const [up, down] = [start.clone().requiresGrad_(), start.clone().requiresGrad_()];
        const [rising, falling] = [maker([up], { ...given, maximize: true }), maker([down], given)];
        for (let i = 0; i < 3; i++) {
          rising.zeroGrad();
          falling.zeroGrad();
          up.square().sum().backward();
          down.square().sum().neg().backward();
          rising.step();
          falling.step();
        }
        expect(values(up)).toEqual(values(down));
      }),
      { numRuns: 30 },
    );
  });
});
