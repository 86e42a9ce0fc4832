import { ones, randn, type Tensor, tensor, zeros } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import {
  BatchNorm1d,
  buffer,
  Dropout,
  isBuffer,
  isParameter,
  Linear,
  Module,
  ModuleList,
  parameter,
  ReLU,
  Sequential,
} from '../src/index.ts';
import { messageOf, values } from './setup.ts';

class Net extends Module {
  scale = parameter(ones([3]));
  hidden = new Linear(3, 4);
  offset = buffer(zeros([1]));
  cache = buffer(zeros([2]), { persistent: false });
  plain = zeros([5]);
  out: Sequential = new Sequential(new ReLU(), new Linear(4, 1, { bias: false }));

  forward(x: Tensor): Tensor {
    return this.out.forward(this.hidden.forward(x.mul(this.scale))).add(this.offset);
  }
}

const names = (pairs: readonly (readonly [string, unknown])[]): string[] => pairs.map(([name]) => name);

describe('walking a module', () => {
  it('finds parameters, buffers and children in the order declared', () => {
    const net = new Net();
    expect(names(net.namedParameters())).toEqual(['scale', 'hidden.weight', 'hidden.bias', 'out.1.weight']);
    expect(net.parameters()[0]).toBe(net.scale);
    expect(names(net.namedBuffers())).toEqual(['offset', 'cache']);
    expect(names(net.namedChildren())).toEqual(['hidden', 'out']);
    expect(names(net.namedModules())).toEqual(['', 'hidden', 'out', 'out.0', 'out.1']);
    expect(net.modules()[0]).toBe(net);
    expect(names(net.namedParameters({ recurse: false, prefix: 'net' }))).toEqual(['net.scale']);
  });

  it('sees fields that are assigned later, and none that is gone', () => {
    const net = new Net();
    (net as { extra?: Linear }).extra = new Linear(1, 1);
    net.out = new Sequential(new ReLU());
    expect(names(net.namedParameters())).toEqual([
      'scale',
      'hidden.weight',
      'hidden.bias',
      'extra.weight',
      'extra.bias',
    ]);
  });

  it('gives a shared parameter and a shared module once, and all names on request', () => {
    class Tied extends Module {
      embed = new Linear(2, 2, { bias: false });
      head = new Linear(2, 2, { bias: false });
      again = this.embed;
      constructor() {
        super();
        this.head.weight = this.embed.weight;
      }
      forward(x: Tensor): Tensor {
        return this.head.forward(this.embed.forward(x));
      }
    }
    const tied = new Tied();
    expect(names(tied.namedParameters())).toEqual(['embed.weight']);
    expect(names(tied.namedParameters({ removeDuplicate: false }))).toEqual([
      'embed.weight',
      'head.weight',
      'again.weight',
    ]);
    expect(names(tied.namedModules())).toEqual(['', 'embed', 'head']);
    expect(names(tied.namedChildren())).toEqual(['embed', 'head']);
    expect(Object.keys(tied.stateDict())).toEqual(['embed.weight', 'head.weight', 'again.weight']);
  });

  it.each([
    ['an array of modules', () => [new ReLU()], 'new ModuleList(…)'],
    ['an array of parameters', () => [parameter(ones([1]))], 'new ParameterList(…)'],
    ['a Set of modules', () => new Set([new ReLU()]), 'new ModuleList(…)'],
    ['a Map of modules', () => new Map([['a', new ReLU()]]), 'new ModuleDict(…)'],
    ['a plain object of parameters', () => ({ a: parameter(ones([1])) }), 'new ParameterDict(…)'],
  ])('refuses %s', (what, make, remedy) => {
    class Holder extends Module {
      things = make();
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const holder = new Holder();
    for (const walk of [
      () => holder.parameters(),
      () => holder.stateDict(),
      () => holder.train(),
      () => holder.to({ dtype: 'float64' }),
    ]) {
      expect(messageOf(walk)).toBe(
        `Holder.things is ${what}, which parameters(), stateDict() and to() would miss; wrap it: ${remedy}, or make it a #private field to keep it out of the model`,
      );
    }
  });

  it('lets plain collections of anything else be', () => {
    class Holder extends Module {
      history = [zeros([1])];
      options = { sizes: [1, 2], when: new Date(0) };
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(new Holder().parameters()).toEqual([]);
  });

  it('refuses a module that holds itself', () => {
    class Child extends Module {
      parent: Module | null = null;
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    class Parent extends Module {
      child = new Child();
      constructor() {
        super();
        this.child.parent = this;
      }
      forward(x: Tensor): Tensor {
        return this.child.forward(x);
      }
    }
    const parent = new Parent();
    for (const walk of [
      () => parent.parameters(),
      () => parent.eval(),
      () => parent.toString(),
      () => parent.apply(() => {}),
    ]) {
      expect(messageOf(walk)).toBe(
        'Parent: the module holds itself through its children; keep a reference to a parent in a #private field',
      );
    }
  });

  it('lets extraRepr walk the module that is printed', () => {
    class Counted extends Module {
      layer = new Linear(2, 2);
      forward(x: Tensor): Tensor {
        return x;
      }
      override extraRepr(): string {
        return `parameters=${this.parameters().length}`;
      }
    }
    expect(new Counted().toString()).toBe(
      'Counted(\n  parameters=2\n  (layer): Linear(in_features=2, out_features=2, bias=True)\n)',
    );
  });

  it('keeps a buffer a buffer when a plain tensor takes its place', () => {
    const net = new Net();
    net.namedBuffers();
    net.offset = net.offset.add(1);
    expect(names(net.namedBuffers())).toEqual(['offset', 'cache']);
    expect(values(net.stateDict().offset!)).toEqual([1]);
    net.cache = zeros([2]);
    expect(Object.keys(net.stateDict())).not.toContain('cache');
  });

  it('refuses a plain tensor in the place of a parameter', () => {
    const net = new Net();
    net.parameters();
    net.scale = ones([3]);
    expect(messageOf(() => net.parameters())).toBe(
      'Net.scale was a parameter and now holds a plain tensor; assign parameter(t), or write into it: noGrad(() => this.scale.copy_(t))',
    );
    net.scale = parameter(zeros([3]));
    expect(net.parameters()[0]).toBe(net.scale);
  });

  it('reaches modules, parameters and buffers by dotted names', () => {
    const net = new Net();
    expect(net.getSubmodule('out.1')).toBe(net.out.at(1));
    expect(net.getSubmodule('')).toBe(net);
    expect(net.getParameter('hidden.bias')).toBe(net.hidden.bias);
    expect(net.getBuffer('offset')).toBe(net.offset);
    expect(messageOf(() => net.getSubmodule('out.2'))).toBe(
      'getSubmodule: there is no 2 in Sequential (looking for out.2); it has: 0, 1',
    );
    expect(messageOf(() => net.getParameter('hidden.gain'))).toBe(
      'getParameter: there is no gain in Linear (looking for hidden.gain); it has: weight, bias',
    );
  });
});

describe('parameters and buffers', () => {
  it('are leaves that share memory; the given tensor stays as it was', () => {
    const data = tensor([1, 2]);
    const p = parameter(data);
    expect([p.isLeaf, p.requiresGrad, data.requiresGrad]).toEqual([true, true, false]);
    data.add_(1);
    expect(values(p)).toEqual([2, 3]);
    expect([isParameter(p), isParameter(data), isBuffer(p)]).toEqual([true, false, false]);
    expect(parameter(tensor([1n]), { requiresGrad: false }).dtype).toBe('int64');
    const b = buffer(data);
    expect([isBuffer(b), b.requiresGrad]).toEqual([true, false]);
  });

  it('refuse what they cannot be', () => {
    expect(messageOf(() => parameter(tensor([true])))).toBe(
      'parameter: bool values cannot be trained; give floating ones, or use buffer(t) for what training leaves alone',
    );
    expect(messageOf(() => parameter([1, 2] as unknown as Tensor))).toBe(
      'parameter: it takes a tensor, got [1, 2]; make one: parameter(tensor([…]))',
    );
    expect(messageOf(() => buffer(ones([1]), { persist: false } as object))).toBe(
      'buffer: unknown option persist; known options: persistent',
    );
  });

  it('end the graph: a parameter made of a result is a leaf', () => {
    const x = randn([2], { requiresGrad: true });
    const p = parameter(x.mul(2));
    p.sum().backward();
    expect(x.grad).toBeNull();
    expect(values(p.grad!)).toEqual([1, 1]);
  });
});

describe('modes, gradients, apply', () => {
  it('train and eval reach every module, through overrides', () => {
    class Frozen extends BatchNorm1d {
      override train(): this {
        return super.train(false);
      }
    }
    const net = new Sequential(new Linear(2, 2), new Frozen(2), new Sequential(new Dropout()));
    expect(net.train()).toBe(net);
    expect(net.modules().map(({ training }) => training)).toEqual([true, true, false, true, true]);
    expect(
      net
        .eval()
        .modules()
        .some(({ training }) => training),
    ).toBe(false);
    expect(messageOf(() => net.train('yes' as unknown as boolean))).toBe(
      'train: the mode is true or false, got "yes"',
    );
  });

  it('requiresGrad_ and zeroGrad reach every parameter', () => {
    const net = new Net();
    net.requiresGrad_(false);
    expect(net.parameters().some(({ requiresGrad }) => requiresGrad)).toBe(false);
    net.requiresGrad_();
    net
      .forward(ones([2, 3]))
      .sum()
      .backward();
    expect(net.parameters().every(({ grad }) => grad !== null)).toBe(true);
    const { grad } = net.scale;
    net.zeroGrad({ setToNone: false });
    expect(net.scale.grad).toBe(grad);
    expect(values(net.scale.grad!)).toEqual([0, 0, 0]);
    net.zeroGrad();
    expect(net.parameters().every((p) => p.grad === null)).toBe(true);
  });

  it('apply calls children first, each module once', () => {
    const shared = new ReLU();
    const net = new Sequential({ a: shared, b: new Sequential(shared, new Linear(1, 1)) });
    const seen: string[] = [];
    expect(net.apply((module) => seen.push(module.constructor.name))).toBe(net);
    expect(seen).toEqual(['ReLU', 'Linear', 'Sequential', 'Sequential']);
  });

  it('trains through ordinary containers', () => {
    class Deep extends Module {
      layers = new ModuleList([new Linear(2, 2), new Linear(2, 2)]);
      forward(x: Tensor): Tensor {
        let y = x;
        for (const layer of this.layers) y = layer.forward(y).relu();
        return y;
      }
    }
    const deep = new Deep();
    deep
      .forward(ones([3, 2]))
      .sum()
      .backward();
    expect(deep.parameters().every(({ grad }) => grad !== null)).toBe(true);
  });
});
