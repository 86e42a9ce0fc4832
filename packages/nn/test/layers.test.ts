import { Generator, isTensor, ones, randn, scope, type Tensor, tensor, zeros } from '@flambeau/core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as nn from '../src/index.ts';
import { messageOf, values } from './setup.ts';

const F = nn.functional;

describe('constructors refuse', () => {
  it.each<[string, () => unknown, string]>([
    [
      'a size that is no integer',
      () => new nn.Linear(2.5, 1),
      'Linear: inFeatures must be an integer of 0 or more, got 2.5',
    ],
    [
      'a missing size',
      () => new nn.Linear(2, undefined as never),
      'Linear: outFeatures must be an integer of 0 or more, got undefined',
    ],
    [
      'a positional option',
      () => new nn.Linear(2, 2, false as never),
      'Linear: options must be an object such as { bias, device, dtype }, got false',
    ],
    [
      'an unknown option',
      () => new nn.Conv2d(1, 1, 1, { strides: 2 } as object),
      'Conv2d: unknown option strides; did you mean stride?',
    ],
    [
      'a positional stride',
      () => new nn.Conv2d(1, 1, 3, 1 as never),
      'Conv2d: options must be an object such as { stride, padding, dilation, groups, bias, paddingMode, device, dtype }, got 1',
    ],
    [
      'a window of another rank',
      () => new nn.Conv2d(1, 1, [3]),
      'Conv2d: kernelSize must be an integer of 1 or more, or an array of 2 of them; got [3]',
    ],
    [
      'groups that do not divide',
      () => new nn.Conv2d(3, 4, 1, { groups: 2 }),
      'Conv2d: groups must divide both channel counts, got 2 groups for 3 and 4 channels',
    ],
    [
      "'same' with a stride",
      () => new nn.Conv1d(1, 1, 3, { padding: 'same', stride: 2 }),
      "Conv1d: padding 'same' asks for a stride of 1, got (2,)",
    ],
    [
      'an unknown padding mode',
      () => new nn.Conv1d(1, 1, 3, { paddingMode: 'mirror' as never }),
      "Conv1d: paddingMode must be one of 'zeros', 'reflect', 'replicate', 'circular', got \"mirror\"",
    ],
    [
      'a padding mode of a transpose',
      () => new nn.ConvTranspose1d(1, 1, 3, { paddingMode: 'reflect' as never }),
      "ConvTranspose1d: its paddingMode can only be 'zeros', got 'reflect'",
    ],
    [
      'a wrong window',
      () => new nn.MaxPool2d(0),
      'MaxPool2d: kernelSize must be an integer of 1 or more, or an array of 2 of them; got 0',
    ],
    [
      'an output size',
      () => new nn.AdaptiveAvgPool2d([1]),
      'AdaptiveAvgPool2d: outputSize must be an integer of 0 or more, or an array of 2 of them (null keeps a size); got [1]',
    ],
    [
      'no shape',
      () => new nn.LayerNorm([]),
      'LayerNorm: normalizedShape must be a size or an array of sizes, got []',
    ],
    [
      'groups of channels',
      () => new nn.GroupNorm(3, 4),
      'GroupNorm: numGroups must divide numChannels, got 3 and 4',
    ],
    [
      'a row outside',
      () => new nn.Embedding(3, 2, { paddingIdx: 3 }),
      'Embedding: paddingIdx 3 lies outside of the 3 rows',
    ],
    [
      'sparse gradients',
      () => new nn.Embedding(3, 2, { sparse: true }),
      'Embedding: there are no sparse gradients; leave sparse out',
    ],
    [
      'no probability',
      () => new nn.Dropout({ p: 1.5 }),
      'Dropout: p is a probability and lies in 0..1, got 1.5',
    ],
    [
      'a bare probability',
      () => new nn.Dropout(0.5 as never),
      'Dropout: options must be an object such as { p, inplace, generator }, got 0.5',
    ],
    [
      'heads that do not divide',
      () => new nn.MultiheadAttention(5, 2),
      'MultiheadAttention: numHeads must divide embedDim, got 2 and 5',
    ],
    [
      'padding of another rank',
      () => new nn.ZeroPad2d([1, 2]),
      'ZeroPad2d: padding must be an integer, or an array of 4 of them; got [1, 2]',
    ],
    [
      'an unknown reduction',
      () => new nn.MSELoss({ reduction: 'avg' as never }),
      "MSELoss: reduction must be one of 'none', 'mean', 'sum', got \"avg\"",
    ],
    [
      'weights that are no tensor',
      () => new nn.CrossEntropyLoss({ weight: [1, 2] as never }),
      'CrossEntropyLoss: weight must be a tensor, got [1, 2]',
    ],
    [
      'bounds in the wrong order',
      () => new nn.Hardtanh({ minVal: 1, maxVal: 0 }),
      'Hardtanh: maxVal must be above minVal, got 1 and 0',
    ],
  ])('%s', (_what, make, text) => {
    expect(messageOf(make)).toBe(text);
  });
});

describe('forward refuses', () => {
  it.each<[string, () => unknown, string]>([
    [
      'a sequence where an image belongs',
      () => new nn.BatchNorm2d(3).forward(ones([2, 3, 4])),
      'BatchNorm2d: x must be [batch, channels, height, width], got [2, 3, 4]',
    ],
    [
      'an image where a sequence belongs',
      () => new nn.InstanceNorm1d(3).forward(ones([2, 3, 4, 4])),
      'InstanceNorm1d: x has 3 dimensions, [batch, channels, ...], or 2 without a batch; got [2, 3, 4, 4]',
    ],
    [
      'a sequence for Softmax2d',
      () => new nn.Softmax2d().forward(ones([2, 3])),
      'Softmax2d: x is [batch, channels, height, width] or [channels, height, width], got [2, 3]',
    ],
    [
      'an output size that cannot come',
      () => new nn.ConvTranspose1d(1, 1, 3, { stride: 2 }).forward(ones([1, 1, 4]), { outputSize: [12] }),
      'ConvTranspose1d: outputSize [12] cannot come of x [1, 1, 4]: dim 2 can have 9 to 10',
    ],
    [
      'an attention mask of another shape',
      () =>
        new nn.MultiheadAttention(2, 1).forward(ones([3, 1, 2]), ones([4, 1, 2]), ones([4, 1, 2]), {
          attnMask: zeros([4, 3]),
        }),
      'multiHeadAttentionForward: attnMask must be [3, 4] or [1, 3, 4], got [4, 3]',
    ],
    [
      'a padding mask of another shape',
      () =>
        new nn.MultiheadAttention(2, 1).forward(ones([3, 1, 2]), ones([4, 1, 2]), ones([4, 1, 2]), {
          keyPaddingMask: zeros([4, 1]),
        }),
      'multiHeadAttentionForward: keyPaddingMask must be [1, 4], got [4, 1]',
    ],
    [
      'keys and values apart',
      () => new nn.MultiheadAttention(2, 1).forward(ones([3, 1, 2]), ones([4, 1, 2]), ones([5, 1, 2])),
      'multiHeadAttentionForward: key and value do not fit together; query is [3, 1, 2], key [4, 1, 2], value [5, 1, 2]',
    ],
    [
      'channels to drop',
      () => new nn.Dropout1d().forward(ones([3])),
      'dropout1d: x must have 2 or 3 dimensions, got [3]',
    ],
  ])('%s', (_what, call, text) => {
    expect(messageOf(call)).toBe(text);
  });
});

describe('batch norm', () => {
  it('learns in training and uses what it learnt in evaluation', () => {
    const norm = new nn.BatchNorm1d(1, { momentum: 0.5 });
    norm.forward(tensor([[1], [3]]));
    expect([values(norm.runningMean!), values(norm.runningVar!)]).toEqual([[1], [1.5]]);
    expect(norm.numBatchesTracked!.itemSync()).toBe(1);
    norm.eval();
    expect(norm.forward(tensor([[1]])).itemSync()).toBeCloseTo(0, 6);
    expect(norm.numBatchesTracked!.itemSync()).toBe(1);
    norm.resetRunningStats();
    expect([
      norm.runningMean!.itemSync(),
      norm.runningVar!.itemSync(),
      norm.numBatchesTracked!.itemSync(),
    ]).toEqual([0, 1, 0]);
  });

  it('takes the mean of all batches without a momentum', () => {
    const norm = new nn.BatchNorm1d(1, { momentum: null });
    for (const mean of [1, 2, 6]) norm.forward(tensor([[mean - 1], [mean + 1]]));
    expect(norm.runningMean!.itemSync()).toBeCloseTo(3, 6);
    expect(norm.runningVar!.itemSync()).toBeCloseTo(2, 6);
    norm.forward(zeros([0, 1]));
    expect(norm.runningMean!.itemSync()).toBeCloseTo(3, 6);
  });
});

describe('dropout', () => {
  it('drops in training alone, scaled, by its generator', () => {
    const drop = new nn.Dropout({ p: 0.25, generator: new Generator(1) });
    const y = values(drop.forward(ones([4000])));
    expect(new Set(y.map((value) => value.toFixed(3)))).toEqual(new Set(['0.000', '1.333']));
    expect(y.filter((value) => value === 0).length / 4000).toBeCloseTo(0.25, 1);
    const x = ones([3]);
    expect(drop.eval().forward(x)).toBe(x);
    expect(values(new nn.Dropout({ p: 1 }).forward(ones([3])))).toEqual([0, 0, 0]);
    expect(new nn.Dropout({ p: 0.5, inplace: true }).forward(x)).toBe(x);
  });

  it('drops whole channels', () => {
    const wholes = (x: Tensor, channels: number): boolean =>
      (x.reshape([channels, -1]).toArraySync() as number[][]).every((row) => new Set(row).size === 1);
    expect(wholes(new nn.Dropout1d().forward(ones([20, 5])), 20)).toBe(true);
    expect(wholes(new nn.Dropout2d().forward(ones([2, 10, 3, 3])), 20)).toBe(true);
    expect(wholes(new nn.Dropout3d().forward(ones([2, 10, 2, 2, 2])), 20)).toBe(true);
    expect(wholes(new nn.FeatureAlphaDropout().forward(ones([2, 10, 3])), 20)).toBe(true);
  });

  it('alpha dropout keeps mean and variance', () => {
    const y = values(
      new nn.AlphaDropout({ p: 0.3, generator: new Generator(2) }).forward(
        randn([20000], { generator: new Generator(3) }),
      ),
    );
    const mean = y.reduce((a, b) => a + b, 0) / y.length;
    const variance = y.reduce((a, b) => a + (b - mean) ** 2, 0) / y.length;
    expect(mean).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 1);
  });
});

describe('embedding', () => {
  it('fromPretrained is frozen unless said otherwise', () => {
    const table = tensor([
      [1, 2],
      [3, 4],
    ]);
    const frozen = nn.Embedding.fromPretrained(table);
    expect([frozen.numEmbeddings, frozen.embeddingDim, frozen.weight.requiresGrad]).toEqual([2, 2, false]);
    expect(values(frozen.forward(tensor([1], { dtype: 'int32' })))).toEqual([3, 4]);
    expect(nn.Embedding.fromPretrained(table, { freeze: false, paddingIdx: -1 }).paddingIdx).toBe(1);
    expect(messageOf(() => nn.Embedding.fromPretrained(ones([3])))).toBe(
      'fromPretrained: the table must be [rows, size], got [3]',
    );
  });
});

describe('in-place activations', () => {
  it.each([
    new nn.ReLU({ inplace: true }),
    new nn.ReLU6({ inplace: true }),
    new nn.LeakyReLU({ inplace: true }),
    new nn.ELU({ inplace: true }),
    new nn.CELU({ inplace: true }),
    new nn.SELU({ inplace: true }),
    new nn.SiLU({ inplace: true }),
    new nn.Mish({ inplace: true }),
    new nn.Hardswish({ inplace: true }),
    new nn.Hardsigmoid({ inplace: true }),
    new nn.Hardtanh({ inplace: true }),
    new nn.Threshold(0, 9, { inplace: true }),
  ])('%s writes over its input', (layer) => {
    const given = tensor([-2, -0.5, 0.5, 8]);
    const apart = Object.assign(Object.create(Object.getPrototypeOf(layer)), layer, {
      inplace: false,
    }) as nn.ReLU;
    const expected = values(apart.forward(given));
    expect(layer.forward(given)).toBe(given);
    expect(values(given)).toEqual(expected);
  });
});

describe('attention', () => {
  const generator = new Generator(5);
  const draw = (...shape: number[]): Tensor => randn(shape, { generator });
  const close = (a: Tensor, b: Tensor): void => {
    const [x, y] = [values(a), values(b)];
    expect(x.length).toBe(y.length);
    for (const [i, value] of x.entries()) expect(value).toBeCloseTo(y[i]!, 5);
  };

  it('gives the same with and without weights, packed and separate, batch first and last', () => {
    const packed = new nn.MultiheadAttention(8, 2);
    const [q, k, v] = [draw(4, 3, 8), draw(5, 3, 8), draw(5, 3, 8)];
    const [y, weights] = packed.forward(q, k, v);
    expect(weights!.shape).toEqual([3, 4, 5]);
    close(weights!.sum(-1), ones([3, 4]));
    const [bare, none] = packed.forward(q, k, v, { needWeights: false });
    expect(none).toBeNull();
    close(bare, y);
    const first = new nn.MultiheadAttention(8, 2, { batchFirst: true });
    first.loadStateDict(packed.stateDict());
    const turn = (x: Tensor): Tensor => x.transpose(0, 1);
    close(turn(first.forward(turn(q), turn(k), turn(v))[0]), y);
    const x = draw(4, 3, 8);
    close(packed.forward(x, x, x)[0], packed.forward(x, x.clone(), x.clone())[0]);
    const heads = packed.forward(q, k, v, { averageAttnWeights: false })[1]!;
    expect(heads.shape).toEqual([3, 2, 4, 5]);
    close(heads.mean(1), weights!);
  });

  it('makes the causal mask itself', () => {
    const attention = new nn.MultiheadAttention(4, 2);
    const x = draw(3, 1, 4);
    const mask = tensor([
      [false, true, true],
      [false, false, true],
      [false, false, false],
    ]);
    const [y, weights] = attention.forward(x, x, x, { isCausal: true });
    close(y, attention.forward(x, x, x, { attnMask: mask })[0]);
    expect(values(weights!).filter((value) => value === 0).length).toBe(3);
    close(attention.forward(x, x, x, { isCausal: true, needWeights: false })[0], y);
  });

  it('does not look at padding', () => {
    const attention = new nn.MultiheadAttention(4, 2, { batchFirst: true });
    const [q, k] = [draw(2, 3, 4), draw(2, 4, 4)];
    const keyPaddingMask = tensor([
      [false, false, true, true],
      [false, true, false, true],
    ]);
    const [, weights] = attention.forward(q, k, k, { keyPaddingMask, averageAttnWeights: true });
    expect(weights!.shape).toEqual([2, 3, 4]);
    const grid = weights!.toArraySync() as number[][][];
    expect(grid.map((rows) => rows.map((row) => row.map((w) => w === 0)))).toEqual([
      new Array(3).fill([false, false, true, true]),
      new Array(3).fill([false, true, false, true]),
    ]);
  });

  it('is inside a scope what it is outside', () => {
    const attention = new nn.MultiheadAttention(4, 2);
    const x = draw(3, 1, 4);
    const result = scope(() => attention.forward(x, x, x));
    close(result[0], attention.forward(x, x, x)[0]);
    result[0].sum().backward();
    expect(attention.inProjWeight!.grad).not.toBeNull();
  });
});

describe('types', () => {
  it('of forward', () => {
    const linear = new nn.Linear(1, 1);
    expectTypeOf(linear.forward).parameters.toEqualTypeOf<[x: Tensor]>();
    expectTypeOf(linear.forward).returns.toEqualTypeOf<Tensor>();
    // @ts-expect-error two arguments
    expect(() => linear.forward(ones([1]), ones([1]))).not.toThrow();
    // @ts-expect-error numbers are no tensor
    expect(() => linear.forward([1])).toThrow();
    expectTypeOf(new nn.Bilinear(1, 1, 1).forward).parameters.toEqualTypeOf<[x1: Tensor, x2: Tensor]>();
    expectTypeOf(new nn.MSELoss().forward).parameters.toEqualTypeOf<[input: Tensor, target: Tensor]>();
    expectTypeOf<ReturnType<nn.MultiheadAttention['forward']>>().toEqualTypeOf<
      [output: Tensor, weights: Tensor | null]
    >();
  });

  it('of pools with and without positions', () => {
    const x = randn([1, 1, 4, 4]);
    const plain = new nn.MaxPool2d(2).forward(x);
    expectTypeOf(plain).toEqualTypeOf<Tensor>();
    const both = new nn.MaxPool2d(2, { returnIndices: true }).forward(x);
    expectTypeOf(both).toEqualTypeOf<nn.PoolResult>();
    expect([isTensor(plain), both.indices.shape]).toEqual([true, [1, 1, 2, 2]]);
    expectTypeOf(
      new nn.AdaptiveMaxPool1d(1, { returnIndices: true }).forward(ones([1, 1, 2])),
    ).toEqualTypeOf<nn.PoolResult>();
  });

  it('of a Sequential’s members', () => {
    const net = new nn.Sequential(new nn.Linear(1, 2), new nn.ReLU());
    expectTypeOf(net.at(0)).toEqualTypeOf<nn.Linear>();
    expectTypeOf(net.at(1)).toEqualTypeOf<nn.ReLU>();
    expectTypeOf(net.at(-1)).toEqualTypeOf<nn.Linear | nn.ReLU>();
    const modules: nn.AnyModule[] = [
      net,
      new nn.Bilinear(1, 1, 1),
      new nn.MultiheadAttention(1, 1),
      new nn.ModuleList(),
    ];
    expect(modules.length).toBe(4);
    // @ts-expect-error its result is no tensor
    expect(new nn.Sequential(new nn.MultiheadAttention(1, 1)).length).toBe(1);
    // @ts-expect-error a dtype is no device
    expect(() => net.to('flaot32')).toThrow();
  });

  it('of a user’s module', () => {
    class Pair extends nn.Module<[x: Tensor, scale: number], { y: Tensor }> {
      forward(x: Tensor, scale: number): { y: Tensor } {
        return { y: x.mul(scale) };
      }
    }
    const pair = new Pair();
    pair.registerForwardHook((module, [x, scale], output) => {
      expectTypeOf(module).toEqualTypeOf<Pair>();
      expectTypeOf(x).toEqualTypeOf<Tensor>();
      expectTypeOf(scale).toEqualTypeOf<number>();
      expectTypeOf(output).toEqualTypeOf<{ y: Tensor }>();
    });
    expect(values(pair.forward(ones([1]), 3).y)).toEqual([3]);
  });
});

describe('functional', () => {
  it('has the names of torch.nn.functional', () => {
    const x = randn([1, 2, 4, 4]);
    expect(F.unfold(x, 2).shape).toEqual([1, 8, 9]);
    expect(F.fold(F.unfold(x, 2, { stride: 2 }), [4, 4], 2, { stride: 2 }).shape).toEqual([1, 2, 4, 4]);
    expect(F.dropout1d(ones([2, 3]), { training: false }).shape).toEqual([2, 3]);
    expect(values(F.softmin(zeros([2]), 0))).toEqual([0.5, 0.5]);
  });
});
