import { cpu } from '@flambeau/backend-cpu';
import {
  type Device,
  ones,
  randn,
  registerBackend,
  type Tensor,
  tensor,
  unregisterBackend,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import {
  Identity,
  Linear,
  Module,
  ModuleDict,
  ModuleList,
  ParameterDict,
  ParameterList,
  ReLU,
  Sequential,
  Sigmoid,
  Tanh,
} from '../src/index.ts';
import { messageOf, values } from './setup.ts';

class Scale extends Module {
  readonly seen: Tensor[] = [];
  readonly factor: number;
  constructor(factor: number) {
    super();
    this.factor = factor;
  }
  forward(x: Tensor): Tensor {
    this.seen.push(x, x.add(0));
    return x.mul(this.factor);
  }
}

describe('Sequential', () => {
  it('runs its modules in order', () => {
    const net = new Sequential(new Scale(2), new ReLU(), new Scale(3));
    expect(values(net.forward(tensor([-1, 1])))).toEqual([0, 6]);
    const x = ones([1]);
    expect(new Sequential().forward(x)).toBe(x);
    expect(new Sequential(new Identity(), new Identity()).forward(x)).toBe(x);
  });

  it('takes a record, whose keys are the names', () => {
    const net = new Sequential({ hidden: new Linear(2, 3), act: new ReLU(), out: new Linear(3, 1) });
    expect(Object.keys(net.stateDict())).toEqual(['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']);
    expect(net.length).toBe(3);
  });

  it('is indexed, iterated, extended', () => {
    const [a, b, c] = [new ReLU(), new Tanh(), new Sigmoid()];
    const net = new Sequential(a, b);
    expect([net.at(0), net.at(-1), net.length]).toEqual([a, b, 2]);
    expect(net.append(c)).toBe(net);
    expect([...net]).toEqual([a, b, c]);
    expect([...net.slice(1)]).toEqual([b, c]);
    net.set(0, c).extend([a]);
    expect([...net]).toEqual([c, b, c, a]);
    expect(messageOf(() => net.at(4))).toBe('Sequential: index 4 is out of range; it holds 4 modules');
  });

  it('refuses what is no module', () => {
    expect(messageOf(() => new Sequential([new ReLU()] as never))).toBe(
      'Sequential: the modules come one by one, not in an array: new Sequential(...layers)',
    );
    expect(messageOf(() => new Sequential(new ReLU(), 3 as never))).toBe(
      'Sequential: module 1 must be a module, got 3',
    );
    expect(messageOf(() => new Sequential(Math.abs as never))).toBe(
      'Sequential: module 0 must be a module, got the function abs; a function becomes a module by a class of yours, or is called in forward',
    );
    expect(messageOf(() => new Sequential({ 'a.b': new ReLU() }))).toBe(
      'Sequential: a name is a text without dots, got "a.b"',
    );
  });

  it('keeps what a user’s module was given and made', () => {
    const scale = new Scale(2);
    const net = new Sequential(new ReLU(), new Tanh(), scale, new ReLU(), new Tanh());
    net.forward(ones([2]));
    expect(scale.seen.map(({ disposed }) => disposed)).toEqual([false, false]);
  });

  it('gives what passes between its own layers free at once', () => {
    let living = 0;
    const inner = cpu();
    // A device whose memory is not JavaScript's, so that what is alive can be counted.
    const device = 'counted:0' as Device;
    registerBackend({
      ...inner,
      device,
      allocate: (...args) => {
        living += 1;
        const allocation = inner.allocate(...args);
        Object.defineProperty(allocation, 'collected', { value: false });
        return allocation;
      },
      free: (allocation) => {
        living -= 1;
        inner.free(allocation);
      },
      write: inner.write.bind(inner),
      copy: inner.copy.bind(inner),
      read: inner.read.bind(inner),
      ...(inner.readSync === undefined ? {} : { readSync: inner.readSync.bind(inner) }),
      synchronize: inner.synchronize.bind(inner),
    });
    try {
      const net = new Sequential(
        new Linear(2, 3),
        new Sequential(new ReLU(), new Tanh()),
        new Linear(3, 1),
      ).to(device);
      net.requiresGrad_(false);
      const x = randn([4, 2], { device });
      const before = living;
      const y = net.forward(x);
      expect(living - before).toBe(1);
      y.dispose();
      expect(living - before).toBe(0);
      expect(() => net.forward(ones([4, 5], { device }))).toThrow('linear');
    } finally {
      unregisterBackend(device);
    }
  });
});

describe('lists and dictionaries', () => {
  it('ModuleList', () => {
    const [a, b, c] = [new Linear(1, 1), new Linear(1, 1), new Linear(1, 1)];
    const list = new ModuleList([a, b]);
    expect(list.append(c).insert(1, c).length).toBe(4);
    expect([...list]).toEqual([a, c, b, c]);
    expect(list.pop()).toBe(c);
    expect(list.pop(1)).toBe(c);
    expect([list.at(-1), list.set(0, c).at(0)]).toEqual([b, c]);
    expect(list.namedParameters().map(([name]) => name)).toEqual([
      '0.weight',
      '0.bias',
      '1.weight',
      '1.bias',
    ]);
    expect(messageOf(() => list.at(2))).toBe('ModuleList: index 2 is out of range; it holds 2');
    expect(messageOf(() => list.forward())).toBe(
      'ModuleList: it has no forward; loop over it: for (const layer of this.layers) x = layer.forward(x)',
    );
    expect(messageOf(() => list.extend([a, ones([1])] as never))).toBe(
      'ModuleList: item 3 must be a module, got a tensor',
    );
    expect(list.length).toBe(2);
    expect(messageOf(() => new ModuleList(new ReLU() as never))).toMatch(
      /^ModuleList: it takes an array, got/,
    );
  });

  it('ModuleDict', () => {
    const heads = new ModuleDict({ value: new Linear(4, 1), policy: new ReLU() });
    expect(heads.get('value').outFeatures).toBe(1);
    expect([...heads.keys()]).toEqual(['value', 'policy']);
    expect([...heads].length).toBe(heads.size);
    expect(heads.has('policy')).toBe(true);
    heads.pop('policy');
    expect([...heads.values()].length).toBe(1);
    expect(Object.keys(heads.stateDict())).toEqual(['value.weight', 'value.bias']);
    expect(messageOf(() => heads.get('policy'))).toBe('ModuleDict: there is no "policy"; it holds: value');
    expect(messageOf(() => new ModuleDict({ 'a.b': new ReLU() }))).toBe(
      'ModuleDict: a name is a text without dots, got "a.b"',
    );
    expect(messageOf(() => heads.forward())).toContain('it has no forward');
  });

  it('ParameterList and ParameterDict make parameters of tensors', () => {
    const list = new ParameterList([ones([2])]).append(ones([3]));
    expect(list.parameters().map(({ requiresGrad }) => requiresGrad)).toEqual([true, true]);
    expect(list.at(0)).toBe(list.parameters()[0]);
    expect(Object.keys(list.stateDict())).toEqual(['0', '1']);
    const dict = new ParameterDict({ a: ones([1]) });
    expect(dict.set('a', ones([2])).get('a').shape).toEqual([2]);
    expect([...dict.keys()]).toEqual(['a']);
    expect(messageOf(() => new ParameterList([3] as never))).toBe(
      'ParameterList: item 0 must be a tensor, got 3',
    );
    class Mixture extends Module {
      weights = new ParameterList([ones([1]), ones([1])]);
      forward(x: Tensor): Tensor {
        let y = x;
        for (const weight of this.weights) y = y.mul(weight);
        return y;
      }
    }
    expect(new Mixture().namedParameters().map(([name]) => name)).toEqual(['weights.0', 'weights.1']);
  });
});
