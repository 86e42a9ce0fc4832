import { cpu } from '@flambeau/backend-cpu';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Device,
  memory,
  registerBackend,
  type Tensor,
  tensor,
  tidy,
  unregisterBackend,
  zeros,
} from '../../src/index.ts';

const device = 'counted:0' as Device;
const storages = (): number => memory.use(device).storages;

beforeEach(() => registerBackend({ ...cpu(), device }));
afterEach(() => unregisterBackend(device));

/** A leaf large enough to be counted. */
const leaf = (): Tensor => zeros([64], { device, requiresGrad: true });
const backward = (x: Tensor): void => tidy(() => x.add(1).mul(x).sum().backward());

describe('a gradient that nobody read', () => {
  test('goes when it is replaced by null', () => {
    const x = leaf();
    const before = storages();
    backward(x);
    expect(storages()).toBe(before + 1);
    x.grad = null;
    expect(storages()).toBe(before);
  });

  test('goes when another takes its place', () => {
    const x = leaf();
    const before = storages();
    backward(x);
    x.grad = zeros([64], { device });
    expect(storages()).toBe(before + 1);
  });

  test('outlives the scope that made it', () => {
    const x = leaf();
    backward(x);
    backward(x);
    expect(x.grad!.dataSync()[0]).toBe(2);
  });
});

describe('a gradient that the program has', () => {
  test('by reading it, lives on after it was replaced', () => {
    const x = leaf();
    backward(x);
    const gradient = x.grad!;
    x.grad = null;
    expect(gradient.dataSync()[0]).toBe(1);
  });

  test('by setting it, lives on too', () => {
    const x = leaf();
    const gradient = zeros([64], { device });
    x.grad = gradient;
    x.grad = null;
    expect(gradient.dataSync()[0]).toBe(0);
  });

  test('by a hook, lives on too', () => {
    const x = leaf();
    let seen: Tensor | undefined;
    x.registerHook((gradient) => {
      seen = gradient;
    });
    backward(x);
    x.grad = null;
    expect(seen!.dataSync()[0]).toBe(1);
  });

  test('shared by two leaves of a recorded pass, stays with the other when one lets go', () => {
    const [x, y] = [leaf(), leaf()];
    x.add(y).sum().backward(null, { createGraph: true });
    x.grad = null;
    expect(y.grad!.dataSync()[0]).toBe(1);
  });

  test('given to backward, lives on', () => {
    const x = leaf();
    const given = tensor(new Float32Array(64).fill(3), { device });
    x.backward(given);
    x.grad = null;
    expect(given.dataSync()[0]).toBe(3);
  });
});
