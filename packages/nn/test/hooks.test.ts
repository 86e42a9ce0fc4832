import { ones, scope, type Tensor, tensor } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { Identity, Linear, Module, MultiheadAttention, ReLU, Sequential } from '../src/index.ts';
import { messageOf, values } from './setup.ts';

class Double extends Module {
  forward(x: Tensor): Tensor {
    return x.mul(2);
  }
}

describe('forward hooks', () => {
  it('see and replace arguments and results, in the order registered', () => {
    const module = new Double();
    const seen: string[] = [];
    module.registerForwardPreHook((self, args) => {
      seen.push(`before ${self === module} ${values(args[0])}`);
      return [args[0].add(1)];
    });
    module.registerForwardHook((_self, [x], y) => {
      seen.push(`after ${values(x)} ${values(y)}`);
    });
    module.registerForwardHook((_self, _args, y) => y.neg());
    module.registerForwardHook((_self, _args, y) => void seen.push(`last ${values(y)}`));
    expect(values(module.forward(tensor([1])))).toEqual([-4]);
    expect(seen).toEqual(['before true 1', 'after 2 4', 'last -4']);
  });

  it('cost nothing where there are none: the prototype’s forward is back when the last is off', () => {
    const module = new Double();
    const remove = [
      module.registerForwardHook(() => undefined),
      module.registerForwardPreHook(() => undefined),
    ];
    expect(Object.hasOwn(module, 'forward')).toBe(true);
    expect(Object.keys(module)).toEqual(['training']);
    for (const off of [...remove, ...remove]) off();
    expect(Object.hasOwn(module, 'forward')).toBe(false);
    expect(module.forward).toBe(Double.prototype.forward);
  });

  it('wrap a forward that is a field, and give it back', () => {
    class Arrow extends Module {
      forward = (x: Tensor): Tensor => x.add(1);
    }
    const module = new Arrow();
    const own = module.forward;
    const off = module.registerForwardHook((_self, _args, y) => y.mul(10));
    expect(values(module.forward(tensor([1])))).toEqual([20]);
    off();
    expect(module.forward).toBe(own);
    expect(values(module.forward(tensor([1])))).toEqual([2]);
  });

  it('may take themselves off while they run', () => {
    const module = new Double();
    let calls = 0;
    const off = module.registerForwardHook(() => {
      calls += 1;
      off();
    });
    module.forward(ones([1]));
    module.forward(ones([1]));
    expect(calls).toBe(1);
  });

  it('keep what they saw alive, inside our own layers too', () => {
    const kept: Tensor[] = [];
    const net = new Sequential(new Linear(2, 2), new ReLU(), new Linear(2, 1));
    net.at(1).registerForwardHook((_self, [x], y) => void kept.push(x, y));
    scope(() => net.forward(ones([1, 2])));
    expect(kept.map(({ disposed }) => disposed)).toEqual([false, false]);
    const attention = new MultiheadAttention(2, 1);
    attention.registerForwardHook((_self, _args, [y, weights]) => void kept.push(y, weights!));
    scope(() => void attention.forward(ones([1, 1, 2]), ones([1, 1, 2]), ones([1, 1, 2])));
    expect(kept.map(({ disposed }) => disposed)).toEqual([false, false, false, false]);
  });

  it('refuse what is no hook, and a pre-hook that returns no arguments', () => {
    const module = new Identity();
    expect(messageOf(() => module.registerForwardHook(3 as never))).toBe(
      'Identity: a hook is a function, got 3',
    );
    module.registerForwardPreHook((() => ones([1])) as never);
    expect(messageOf(() => module.forward(ones([1])))).toBe(
      'Identity: a forward pre-hook returns an array of arguments, or nothing; got a tensor',
    );
  });
});
