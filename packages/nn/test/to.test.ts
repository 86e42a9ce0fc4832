import { cpu } from '@flambeau/backend-cpu';
import {
  type Device,
  type DType,
  manualSeed,
  noGrad,
  ones,
  rand,
  registerBackend,
  tensor,
} from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import { BatchNorm1d, buffer, Linear, Module, Sequential } from '../src/index.ts';
import { messageOf, values } from './setup.ts';

/** A second device: the CPU's kernels under another name, with limits of its own. */
function registerAs(
  device: string,
  changes: { dtypes?: readonly DType[]; synchronous?: boolean } = {},
): Device {
  const inner = cpu();
  const bound = (name: 'allocate' | 'free' | 'write' | 'copy' | 'read' | 'synchronize') =>
    // A method's own type, which bind does not keep for a union of names.
    ({ [name]: (inner[name] as (...args: never[]) => unknown).bind(inner) }) as object;
  registerBackend({
    ...inner,
    ...bound('allocate'),
    ...bound('free'),
    ...bound('write'),
    ...bound('copy'),
    ...bound('read'),
    ...bound('synchronize'),
    device,
    limits: { ...inner.limits, dtypes: changes.dtypes ?? inner.limits.dtypes },
    ...(changes.synchronous === false || inner.readSync === undefined
      ? { readSync: undefined }
      : { readSync: inner.readSync.bind(inner) }),
  } as ReturnType<typeof cpu>);
  // A name of this test's own, which the types of devices do not know.
  return device as Device;
}

const other = registerAs('second');
const narrow = registerAs('narrow', { dtypes: ['bool', 'uint8', 'int32', 'float32'] });
const remote = registerAs('remote', { synchronous: false });

describe('to', () => {
  it('converts floating parameters, buffers and gradients under the same handles', () => {
    const net = new Sequential(new Linear(2, 3), new BatchNorm1d(3));
    net
      .forward(ones([4, 2]))
      .sum()
      .backward();
    const { weight } = net.at(0);
    const { grad } = weight;
    const before = values(weight);
    expect(net.to({ dtype: 'float64' })).toBe(net);
    expect(net.at(0).weight).toBe(weight);
    expect(weight.grad).toBe(grad);
    expect(values(weight)).toEqual(before);
    expect([
      weight.dtype,
      grad!.dtype,
      net.at(1).runningMean!.dtype,
      net.at(1).numBatchesTracked!.dtype,
    ]).toEqual(['float64', 'float64', 'float64', 'int64']);
    expect(weight.requiresGrad).toBe(true);
    const y = net.forward(ones([4, 2], { dtype: 'float64' }));
    expect(y.dtype).toBe('float64');
    y.sum().backward();
  });

  it('moves to another device and goes on training there', () => {
    const layer = new Linear(2, 1);
    const { weight } = layer;
    const before = values(weight);
    layer.to(other);
    expect([layer.weight === weight, weight.device, values(weight)]).toEqual([true, other, before]);
    layer
      .forward(ones([3, 2], { device: other }))
      .sum()
      .backward();
    expect(values(weight.grad!)).toEqual([3, 3]);
    // An optimiser that was made before holds the same objects.
    noGrad(() => weight.sub_(weight.grad!));
    layer.to('cpu');
    expect(values(layer.weight)).toEqual(before.map((value) => Math.fround(value - 3)));
    expect(weight.grad!.device).toBe('cpu');
  });

  it('keeps what is shared shared, and moves it once', () => {
    const [a, b] = [new Linear(2, 2), new Linear(2, 2)];
    b.weight = a.weight;
    const net = new Sequential(a, b).to({ device: other, dtype: 'float64' });
    expect(b.weight).toBe(a.weight);
    expect([a.weight.device, a.weight.dtype]).toEqual([other, 'float64']);
    expect(net.parameters().length).toBe(3);
  });

  it('counts in int32 where a device has no int64', () => {
    const norm = new BatchNorm1d(2).to(narrow);
    expect([norm.numBatchesTracked!.dtype, norm.runningMean!.device]).toEqual(['int32', narrow]);
    expect(new BatchNorm1d(2, { device: narrow }).numBatchesTracked!.dtype).toBe('int32');
    norm.loadStateDict(new BatchNorm1d(2).stateDict());
    expect(norm.forward(ones([3, 2], { device: narrow })).shape).toEqual([3, 2]);
    expect(norm.numBatchesTracked!.itemSync()).toBe(1);
  });

  it('changes nothing when a part cannot move', () => {
    class Mixed extends Module<[], void> {
      layer = new Linear(1, 1);
      wide = buffer(tensor([1], { dtype: 'float64' }));
      forward(): void {}
    }
    const mixed = new Mixed();
    expect(() => mixed.to(narrow)).toThrow('float64');
    expect([mixed.layer.weight.device, mixed.wide.device]).toEqual(['cpu', 'cpu']);
    expect(mixed.to({ device: narrow, dtype: 'float32' }).wide.dtype).toBe('float32');
  });

  it('comes back from a device that must be waited for by cpu()', async () => {
    const layer = new Linear(2, 1);
    const before = values(layer.weight);
    const { weight } = layer.to(remote);
    expect(messageOf(() => layer.to('cpu'))).toContain('remote cannot be read synchronously');
    expect(await layer.cpu()).toBe(layer);
    expect([layer.weight === weight, weight.device, values(weight)]).toEqual([true, 'cpu', before]);
    expect((await layer.cpu()).weight).toBe(weight);
  });

  it('goes to meta and makes layers there', () => {
    const layer = new Linear(1000, 1000, { device: 'meta', dtype: 'float16' });
    expect(layer.forward(ones([2, 1000], { device: 'meta', dtype: 'float16' })).shape).toEqual([2, 1000]);
    expect(new Linear(2, 2).to('meta').weight.device).toBe('meta');
    manualSeed(1);
    const drawn = values(rand([3]));
    manualSeed(1);
    new Linear(2, 2, { device: 'meta' });
    expect(values(rand([3]))).toEqual(drawn);
  });

  it('refuses dtypes that no model can have, and devices that are none', () => {
    const layer = new Linear(1, 1);
    expect(messageOf(() => layer.to({ dtype: 'int32' }))).toBe(
      "to: a model's dtype is floating, such as 'float64'; got 'int32' (integer buffers stay as they are)",
    );
    expect(messageOf(() => layer.to('webgp' as Device))).toContain('webgp');
    expect(messageOf(() => layer.to('float64' as Device))).toContain("to({ dtype: 'float64' })");
  });

  it('loads a state across devices', () => {
    const [source, target] = [new Linear(2, 2).to(other), new Linear(2, 2)];
    target.loadStateDict(source.stateDict());
    expect(values(target.weight)).toEqual(values(source.weight));
    expect(target.weight.device).toBe('cpu');
    source.loadStateDict(target.to({ dtype: 'float64' }).stateDict());
    expect([source.weight.dtype, source.weight.device]).toEqual(['float32', other]);
  });
});
