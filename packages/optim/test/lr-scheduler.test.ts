import { cpu } from '@flambeau/backend-cpu';
import { registerBackend, tensor } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { Adagrad, Adam, lrScheduler, SGD } from '../src/index.ts';

registerBackend(cpu());

const { LRScheduler } = lrScheduler;
type Scheduler = InstanceType<typeof LRScheduler>;

const sgd = (lr = 1): SGD => new SGD([tensor(1, { requiresGrad: true })], { lr, momentum: 0.9 });

function rates(optimizer: SGD | Adam, scheduler: { step(metric?: number): void }, count: number): number[] {
  return Array.from({ length: count }, () => {
    const { lr } = optimizer.paramGroups[0]!;
    scheduler.step(1);
    return Number(lr.toPrecision(6));
  });
}

const makers: readonly [name: string, make: (optimizer: SGD) => Scheduler][] = [
  ['StepLR', (o) => new lrScheduler.StepLR(o, 2, { gamma: 0.5 })],
  ['MultiStepLR', (o) => new lrScheduler.MultiStepLR(o, [2, 2, 5], { gamma: 0.5 })],
  ['ConstantLR', (o) => new lrScheduler.ConstantLR(o, { totalIters: 4 })],
  ['LinearLR', (o) => new lrScheduler.LinearLR(o, { totalIters: 6 })],
  ['ExponentialLR', (o) => new lrScheduler.ExponentialLR(o, 0.9)],
  ['PolynomialLR', (o) => new lrScheduler.PolynomialLR(o, { totalIters: 8, power: 2 })],
  ['CosineAnnealingLR', (o) => new lrScheduler.CosineAnnealingLR(o, 4, { etaMin: 0.1 })],
  ['CosineAnnealingWarmRestarts', (o) => new lrScheduler.CosineAnnealingWarmRestarts(o, 3, { TMult: 2 })],
  ['CyclicLR', (o) => new lrScheduler.CyclicLR(o, 0.1, 1, { stepSizeUp: 3, mode: 'triangular2' })],
  ['OneCycleLR', (o) => new lrScheduler.OneCycleLR(o, 1, { totalSteps: 20, threePhase: true })],
  ['LambdaLR', (o) => new lrScheduler.LambdaLR(o, (epoch) => 0.5 ** epoch)],
  ['MultiplicativeLR', (o) => new lrScheduler.MultiplicativeLR(o, () => 0.5)],
  ['ReduceLROnPlateau', (o) => new lrScheduler.ReduceLROnPlateau(o, { patience: 1, cooldown: 1 })],
  [
    'SequentialLR',
    (o) => new lrScheduler.SequentialLR(o, [new lrScheduler.LinearLR(o), new lrScheduler.StepLR(o, 2)], [4]),
  ],
  [
    'ChainedScheduler',
    (o) =>
      new lrScheduler.ChainedScheduler([
        new lrScheduler.ConstantLR(o),
        new lrScheduler.ExponentialLR(o, 0.9),
      ]),
  ],
];

describe.each(makers)('%s', (name, make) => {
  it('goes on exactly from a saved state', () => {
    const optimizer = sgd();
    const scheduler = make(optimizer);
    rates(optimizer, scheduler, 5);
    const saved: unknown = structuredClone([optimizer.stateDict(), scheduler.stateDict()]);
    const rest = rates(optimizer, scheduler, 8);
    const again = sgd();
    const resumed = make(again);
    const [state, schedule] = saved as [ReturnType<SGD['stateDict']>, lrScheduler.SchedulerStateDict];
    resumed.loadStateDict(schedule);
    again.loadStateDict(state);
    expect(resumed.getLastLr()).toEqual([again.paramGroups[0]!.lr]);
    expect(rates(again, resumed, 8)).toEqual(rest);
  });

  it('refuses a saved state that lacks something', () => {
    const scheduler = make(sgd());
    const { last_epoch: _, ...damaged } = scheduler.stateDict();
    expect(() => scheduler.loadStateDict(damaged)).toThrow(
      `${name}.loadStateDict: the saved state lacks last_epoch`,
    );
  });
});

describe('schedulers', () => {
  it('have the keys of PyTorch in their state', () => {
    const cosine = new lrScheduler.CosineAnnealingLR(sgd(), 4);
    expect(cosine.stateDict()).toEqual({
      T_max: 4,
      eta_min: 0,
      base_lrs: [1],
      last_epoch: 0,
      _step_count: 1,
      _last_lr: [1],
    });
    const restarts = new lrScheduler.CosineAnnealingWarmRestarts(sgd(), 4);
    expect(Object.keys(restarts.stateDict())).toEqual(
      expect.arrayContaining(['T_0', 'T_mult', 'T_i', 'T_cur']),
    );
  });

  it('follow each group from its own rate', () => {
    const groups = [0.1, 1].map((lr) => ({ params: tensor(1, { requiresGrad: true }), lr }));
    const optimizer = new SGD(groups);
    const scheduler = new lrScheduler.LambdaLR(optimizer, [() => 2, (epoch) => epoch]);
    scheduler.step();
    scheduler.step();
    expect(optimizer.paramGroups.map(({ lr }) => lr)).toEqual([0.2, 2]);
    expect(scheduler.getLastLr()).toEqual([0.2, 2]);
  });

  it('restart between two epochs', () => {
    const optimizer = sgd();
    const scheduler = new lrScheduler.CosineAnnealingWarmRestarts(optimizer, 2, { TMult: 2 });
    scheduler.step(1);
    expect(optimizer.paramGroups[0]!.lr).toBeCloseTo(0.5, 12);
    scheduler.step(4);
    expect(optimizer.paramGroups[0]!.lr).toBeCloseTo(0.5, 12);
    scheduler.step(0.5);
    expect(optimizer.paramGroups[0]!.lr).toBeCloseTo((1 + Math.cos(Math.PI / 4)) / 2, 12);
  });

  it('cycle the first of betas where there is no momentum', () => {
    const optimizer = new Adam([tensor(1, { requiresGrad: true })]);
    const scheduler = new lrScheduler.OneCycleLR(optimizer, 1, { totalSteps: 4, pctStart: 0.5 });
    expect(optimizer.paramGroups[0]!.betas).toEqual([0.95, 0.999]);
    scheduler.step();
    expect(optimizer.paramGroups[0]!.betas[0]).toBeCloseTo(0.85, 12);
  });

  it('can be nested', () => {
    const optimizer = sgd();
    const inner = new lrScheduler.SequentialLR(
      optimizer,
      [
        new lrScheduler.ConstantLR(optimizer, { factor: 0.5, totalIters: 2 }),
        new lrScheduler.ExponentialLR(optimizer, 0.1),
      ],
      [2],
    );
    const scheduler = new lrScheduler.SequentialLR(
      optimizer,
      [inner, new lrScheduler.StepLR(optimizer, 1)],
      [4],
    );
    expect(rates(optimizer, scheduler, 6)).toEqual([0.5, 0.5, 1, 0.1, 1, 0.1]);
  });

  it('reduce the rate when a metric stalls, and not below the smallest', () => {
    const optimizer = sgd();
    const scheduler = new lrScheduler.ReduceLROnPlateau(optimizer, { mode: 'max', patience: 0, minLr: 0.05 });
    const seen = [1, 2, 2, 2].map((metric) => {
      scheduler.step(tensor(metric));
      return optimizer.paramGroups[0]!.lr;
    });
    expect(seen).toEqual([1, 1, 0.1, 0.05]);
    expect(() => scheduler.step()).toThrow(
      'ReduceLROnPlateau: step takes the metric, a number, got undefined',
    );
  });

  it('take a rule of one’s own', () => {
    class Halving extends LRScheduler {
      constructor(optimizer: SGD) {
        super('Halving', optimizer);
        this.start();
      }
      protected override getLr(): number[] {
        return this.baseLrs.map((lr) => lr * 0.5 ** this.lastEpoch);
      }
    }
    const optimizer = sgd();
    expect(rates(optimizer, new Halving(optimizer), 3)).toEqual([1, 0.5, 0.25]);
  });

  it('resume from the rate that the optimiser noted', () => {
    const optimizer = sgd();
    expect(() => new lrScheduler.ExponentialLR(optimizer, 0.5, { lastEpoch: 3 })).toThrow(
      'ExponentialLR: lastEpoch 3 resumes a schedule, but group 0 has no initialLr',
    );
    const first = new lrScheduler.ExponentialLR(optimizer, 0.5);
    rates(optimizer, first, 4);
    const second = sgd();
    second.loadStateDict(optimizer.stateDict());
    const resumed = new lrScheduler.ExponentialLR(second, 0.5, { lastEpoch: 3 });
    expect([resumed.lastEpoch, second.paramGroups[0]!.lr]).toEqual([4, 0.0625]);
  });

  const lr = lrScheduler;
  it.each<[string, () => unknown]>([
    ['StepLR: stepSize must be a positive integer, got 0', () => new lr.StepLR(sgd(), 0)],
    [
      'StepLR: unknown option gama; did you mean gamma?',
      () => new lr.StepLR(sgd(), 1, { gama: 1 } as object),
    ],
    ['StepLR: the first argument must be an optimiser, got 3', () => new lr.StepLR(3 as unknown as SGD, 1)],
    [
      'MultiStepLR: milestones must be a list of epochs, got 3',
      () => new lr.MultiStepLR(sgd(), 3 as unknown as number[]),
    ],
    ['ConstantLR: factor must be a number of 0..1, got 2', () => new lr.ConstantLR(sgd(), { factor: 2 })],
    ['LinearLR: startFactor must be above 0', () => new lr.LinearLR(sgd(), { startFactor: 0 })],
    [
      'CosineAnnealingLR: TMax must be a positive integer, got 0.5',
      () => new lr.CosineAnnealingLR(sgd(), 0.5),
    ],
    ['OneCycleLR: give totalSteps, or epochs and stepsPerEpoch', () => new lr.OneCycleLR(sgd(), 1)],
    [
      'OneCycleLR: pctStart must be a number of 0..1, got 2',
      () => new lr.OneCycleLR(sgd(), 1, { totalSteps: 9, pctStart: 2 }),
    ],
    [
      'OneCycleLR: annealStrategy must be "cos" or "linear", got "sin"',
      () => new lr.OneCycleLR(sgd(), 1, { totalSteps: 9, annealStrategy: 'sin' as 'cos' }),
    ],
    [
      'CyclicLR: the optimiser has neither momentum nor betas; pass { cycleMomentum: false }',
      () => new lr.CyclicLR(new Adagrad([tensor(1, { requiresGrad: true })]), 0.1, 1),
    ],
    ['CyclicLR: maxLr has 2 values, the optimiser has 1 groups', () => new lr.CyclicLR(sgd(), 0.1, [1, 2])],
    [
      'LambdaLR: lrLambda must be a function of the epoch, got 0.5',
      () => new lr.LambdaLR(sgd(), 0.5 as never),
    ],
    [
      'ReduceLROnPlateau: factor must be below 1, got 1',
      () => new lr.ReduceLROnPlateau(sgd(), { factor: 1 }),
    ],
    ['SequentialLR: at least one scheduler is needed, got []', () => new lr.SequentialLR(sgd(), [], [])],
    [
      'SequentialLR: scheduler 0 belongs to another optimiser; all must have the same',
      () => new lr.SequentialLR(sgd(), [new lr.LinearLR(sgd())], []),
    ],
    [
      'ChainedScheduler: scheduler 0 must be one that steps without a metric',
      () => new lr.ChainedScheduler([new lr.ReduceLROnPlateau(sgd())]),
    ],
  ])('refuse: %s', (text, make) => {
    expect(make).toThrow(text);
  });

  it('refuse milestones that do not fit, and steps beyond the cycle', () => {
    const optimizer = sgd();
    expect(() => new lr.SequentialLR(optimizer, [new lr.LinearLR(optimizer)], [3])).toThrow(
      'SequentialLR: 1 schedulers need 0 milestones, got [3]',
    );
    const cycle = new lr.OneCycleLR(sgd(), 1, { totalSteps: 2 });
    cycle.step();
    cycle.step();
    expect(() => cycle.step()).toThrow('OneCycleLR: step 3 lies beyond the cycle of 2 steps');
  });
});
