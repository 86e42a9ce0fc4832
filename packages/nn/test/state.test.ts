import { CheckpointError, ones, type Tensor, tensor, zeros } from '@flambeau/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BatchNorm2d,
  BCEWithLogitsLoss,
  buffer,
  CrossEntropyLoss,
  Linear,
  Module,
  MultiheadAttention,
  parameter,
  ReLU,
  Sequential,
  type StateDict,
} from '../src/index.ts';
import { messageOf, values } from './setup.ts';

const mlp = (): Sequential<readonly [Linear, ReLU, Linear]> =>
  new Sequential(new Linear(3, 4), new ReLU(), new Linear(4, 2));
const copies = (state: StateDict): Record<string, number[]> =>
  Object.fromEntries(Object.entries(state).map(([key, value]) => [key, values(value)]));

describe('stateDict', () => {
  it("has PyTorch's keys in PyTorch's order", () => {
    expect(Object.keys(mlp().stateDict())).toEqual(['0.weight', '0.bias', '2.weight', '2.bias']);
    expect(Object.keys(new BatchNorm2d(3).stateDict())).toEqual([
      'weight',
      'bias',
      'running_mean',
      'running_var',
      'num_batches_tracked',
    ]);
    expect(Object.keys(new MultiheadAttention(4, 2, { addBiasKv: true }).stateDict())).toEqual([
      'in_proj_weight',
      'in_proj_bias',
      'bias_k',
      'bias_v',
      'out_proj.weight',
      'out_proj.bias',
    ]);
    expect(Object.keys(new MultiheadAttention(4, 2, { kdim: 3, bias: false }).stateDict())).toEqual([
      'q_proj_weight',
      'k_proj_weight',
      'v_proj_weight',
      'out_proj.weight',
    ]);
    expect(Object.keys(new BCEWithLogitsLoss({ posWeight: ones([2]) }).stateDict())).toEqual(['pos_weight']);
    expect(Object.keys(new CrossEntropyLoss({ weight: ones([2]) }).stateDict())).toEqual(['weight']);
    expect(new BatchNorm2d(3).numBatchesTracked?.dtype).toBe('int64');
  });

  it('gives detached tensors that share memory', () => {
    const layer = new Linear(2, 2);
    const state = layer.stateDict({ prefix: 'fc.' });
    expect(Object.keys(state)).toEqual(['fc.weight', 'fc.bias']);
    expect(state['fc.weight']!.requiresGrad).toBe(false);
    state['fc.bias']!.fill_(7);
    expect(values(layer.bias!)).toEqual([7, 7]);
    expect(layer.stateDict({ keepVars: true }).weight).toBe(layer.weight);
  });

  it('takes renames from a class and from those it extends', () => {
    class Base extends Module {
      static override readonly keys: Readonly<Record<string, string>> = { tokenEmb: 'token_emb' };
      tokenEmb = new Linear(1, 1, { bias: false });
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    class Derived extends Base {
      static override readonly keys = { posEmb: 'pos_emb' };
      posEmb = parameter(ones([1]));
      userField = buffer(ones([1]));
    }
    const keys = ['pos_emb', 'userField', 'token_emb.weight'];
    expect(Object.keys(new Derived().stateDict())).toEqual(keys);
    expect(new Derived().getSubmodule('token_emb')).toBeInstanceOf(Linear);
  });

  it('refuses two fields with one key', () => {
    class Clash extends Module {
      static override readonly keys = { a: 'b' };
      a = parameter(ones([1]));
      b = parameter(ones([1]));
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(messageOf(() => new Clash().stateDict())).toBe(
      'stateDict: two fields of Clash have the key b; rename one by static keys',
    );
  });
});

describe('loadStateDict', () => {
  it('copies values from a record or a Map, under the same parameters', () => {
    const [source, target] = [mlp(), mlp()];
    const { weight } = target.at(0);
    expect(target.loadStateDict(source.stateDict())).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(copies(target.stateDict())).toEqual(copies(source.stateDict()));
    expect(target.at(0).weight).toBe(weight);
    const third = mlp();
    third.loadStateDict(new Map(Object.entries(source.stateDict())));
    expect(copies(third.stateDict())).toEqual(copies(source.stateDict()));
    // Its own state is no special case.
    third.loadStateDict(third.stateDict());
    expect(copies(third.stateDict())).toEqual(copies(source.stateDict()));
  });

  it('converts dtypes as PyTorch does', () => {
    const layer = new Linear(2, 1, { bias: false });
    layer.loadStateDict({ weight: tensor([[1.5, -2]], { dtype: 'float64' }) });
    expect([layer.weight.dtype, values(layer.weight)]).toEqual(['float32', [1.5, -2]]);
    const norm = new BatchNorm2d(1);
    norm.loadStateDict({ ...norm.stateDict(), num_batches_tracked: tensor(3.7) });
    expect([norm.numBatchesTracked!.dtype, norm.numBatchesTracked!.itemSync()]).toEqual(['int64', 3]);
  });

  it('reports all that does not fit at once, and changes nothing', () => {
    const net = mlp();
    const before = copies(net.stateDict());
    const state = {
      '0.weight': zeros([4, 3]),
      '0.bias': zeros([5]),
      '2.weight': zeros([4, 2]),
      'head.weight': zeros([1]),
    };
    expect(messageOf(() => net.loadStateDict(state))).toBe(
      [
        'loadStateDict: the state does not fit Sequential',
        '  missing from the state:',
        '    2.bias [2]',
        '  unexpected in the state:',
        '    head.weight [1]',
        '  of another shape:',
        '    0.bias: the model has [4], the state [5]',
        '    2.weight: the model has [2, 4], the state [4, 2]',
      ].join('\n'),
    );
    expect(() => net.loadStateDict(state)).toThrow(CheckpointError);
    expect(copies(net.stateDict())).toEqual(before);
    // Shapes must fit in every case.
    expect(() => net.loadStateDict(state, { strict: false })).toThrow(CheckpointError);
    expect(copies(net.stateDict())).toEqual(before);
  });

  it('lets missing and unexpected keys pass where it is not strict, and tells them', () => {
    const net = mlp();
    const report = net.loadStateDict({ '0.bias': ones([4]), other: ones([1]) }, { strict: false });
    expect(report).toEqual({ missingKeys: ['0.weight', '2.weight', '2.bias'], unexpectedKeys: ['other'] });
    expect(values(net.at(0).bias!)).toEqual([1, 1, 1, 1]);
  });

  it('makes the tensors of the state those of a model that holds nothing', () => {
    const from = mlp();
    const net = new Sequential(
      new Linear(3, 4, { device: 'meta' }),
      new ReLU(),
      new Linear(4, 2, { device: 'meta' }),
    );
    const parameters = [...net.parameters()];
    const state = from.stateDict();
    expect(net.loadStateDict(state, { assign: true })).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect([...net.parameters()]).toEqual(parameters);
    expect(parameters.every((p) => p.requiresGrad && p.isLeaf && p.device === 'cpu')).toBe(true);
    const x = ones([2, 3]);
    expect(values(net.forward(x))).toEqual(values(from.forward(x)));
    net.forward(x).sum().backward();
    expect(parameters.every((p) => p.grad !== null)).toBe(true);
    // The memory is the state's.
    state['0.bias']!.fill_(5);
    expect(values(net.at(0).bias!)).toEqual([5, 5, 5, 5]);
  });

  it('takes over the dtype where it assigns, and lets go of gradients', () => {
    const net = mlp();
    net
      .forward(ones([1, 3]))
      .sum()
      .backward();
    net.loadStateDict(mlp().to({ dtype: 'float64' }).stateDict(), { assign: true });
    expect([...net.parameters()].map((p) => [p.dtype, p.grad])).toEqual(Array(4).fill(['float64', null]));
    expect(net.forward(ones([1, 3], { dtype: 'float64' })).dtype).toBe('float64');
  });

  it('assigns no integers to parameters that are trained, nor anything else then', () => {
    const net = mlp();
    const before = copies(net.stateDict());
    const state = { ...mlp().stateDict(), '2.bias': zeros([2], { dtype: 'int32' }) };
    expect(messageOf(() => net.loadStateDict(state, { assign: true }))).toBe(
      'loadStateDict: the parameter 2.bias is trained and cannot become a tensor of int32; leave assign out to convert the values',
    );
    expect(copies(net.stateDict())).toEqual(before);
  });

  it('does without a count of batches, as PyTorch', () => {
    const norm = new BatchNorm2d(2);
    const { num_batches_tracked: _, ...older } = norm.stateDict();
    expect(norm.loadStateDict(older)).toEqual({ missingKeys: [], unexpectedKeys: [] });
  });

  it('renames by a function or a table', () => {
    const source = mlp();
    const wrapped = Object.fromEntries(
      Object.entries(source.stateDict()).map(([key, value]) => [`module.${key}`, value]),
    );
    const target = mlp();
    target.loadStateDict(
      { ...wrapped, step: ones([1]) },
      {
        rename: (key) => (key === 'step' ? null : key.replace(/^module\./, '')),
      },
    );
    expect(copies(target.stateDict())).toEqual(copies(source.stateDict()));
    const layer = new Linear(1, 1);
    layer.loadStateDict({ gamma: ones([1, 1]), bias: ones([1]) }, { rename: { gamma: 'weight' } });
    expect(values(layer.weight)).toEqual([1]);
    expect(
      messageOf(() => layer.loadStateDict({ a: ones([1]), b: ones([1]) }, { rename: () => 'bias' })),
    ).toBe('loadStateDict: rename gives bias for both a and b');
  });

  it('points at a prefix that one side has', () => {
    const net = mlp();
    const wrapped = Object.fromEntries(
      Object.entries(net.stateDict()).map(([key, value]) => [`module.${key}`, value]),
    );
    expect(messageOf(() => net.loadStateDict(wrapped))).toContain(
      "every unexpected key begins with 'module.': loadStateDict(state, { rename: (key) => key.slice(7) }) takes it off (module.0.weight → 0.weight)",
    );
    const outer = new Sequential({ model: mlp() });
    expect(messageOf(() => outer.loadStateDict(net.stateDict()))).toContain(
      "the state's keys lack 'model.': loadStateDict(state, { rename: (key) => 'model.' + key }) puts it on (0.weight → model.0.weight)",
    );
  });

  it('refuses what is no state', () => {
    const net = mlp();
    const load = (state: unknown) => messageOf(() => net.loadStateDict(state as StateDict));
    expect(load('model.safetensors')).toBe(
      'loadStateDict: the state is a record or a Map of tensors by key, got "model.safetensors"',
    );
    expect(load(Promise.resolve({}))).toBe(
      'loadStateDict: the state is a record or a Map of tensors by key, got a promise; write await before it',
    );
    expect(load({ '0.weight': [1, 2] })).toBe('loadStateDict: 0.weight must be a tensor, got [1, 2]');
    expect(messageOf(() => net.loadStateDict({}, { stric: false } as object))).toBe(
      'loadStateDict: unknown option stric; did you mean strict?',
    );
  });

  it('changes nothing whatever is wrong with the state', () => {
    const net = mlp();
    const full = net.stateDict();
    const before = copies(full);
    const damage = fc.record({
      drop: fc.subarray(Object.keys(full)),
      resize: fc.subarray(Object.keys(full)),
      extra: fc.array(fc.string({ minLength: 1 }), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(damage, ({ drop, resize, extra }) => {
        fc.pre(drop.length + resize.length + extra.length > 0);
        const state = new Map<string, Tensor>(
          Object.entries(full).map(([key, value]) => [key, zeros(value.shape)]),
        );
        for (const key of resize) state.set(key, zeros([9]));
        for (const key of drop) state.delete(key);
        for (const key of extra) if (!(key in full)) state.set(key, ones([1]));
        const fits = state.size === 4 && resize.every((key) => drop.includes(key)) && drop.length === 0;
        if (fits && extra.every((key) => key in full)) return;
        const message = messageOf(() => net.loadStateDict(state));
        expect(message).toMatch(/^loadStateDict: the state does not fit Sequential/);
        for (const key of drop) expect(message).toContain(`\n    ${key} [`);
        expect(copies(net.stateDict())).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });
});
