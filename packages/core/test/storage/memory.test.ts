import { cpu } from '@flambeau/backend-cpu';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Device,
  grad,
  memory,
  noGrad,
  OutOfMemoryError,
  ones,
  registerBackend,
  tidy,
  unregisterBackend,
  zeros,
} from '../../src/index.ts';

const MIB = 2 ** 20;
const device = 'roomy:0' as Device;
registerBackend(cpu());
/** A CPU of its own, whose account no other test touches. */
const fresh = (maxByteLength = 512 * MIB): void => {
  unregisterBackend(device);
  registerBackend({ ...cpu({ maxByteLength }), device });
};

afterEach(() => {
  memory.configure({ reclaimByteLength: 64 * MIB });
  unregisterBackend(device);
});

describe('dropped tensors', () => {
  test('are found inside a loop that never waits', () => {
    fresh();
    memory.configure({ reclaimByteLength: 16 * MIB });
    let last = zeros([1], { device });
    for (let i = 0; i < 400; i++) last = ones([256, 1024], { device }).add(last);
    const use = memory.use(device);
    expect(use.peakByteLength).toBeLessThan(120 * MIB);
    expect(use.spilledByteLength).toBe(0);
    expect(use.reclaims).toBeGreaterThan(2);
    expect(last.index(0, 0).itemSync()).toBe(400);
  });

  test('never gather too much, however long looking takes', () => {
    fresh(2048 * MIB);
    for (let i = 0; i < 600; i++) ones([256, 1024], { device });
    expect(memory.use(device).peakByteLength).toBeLessThan(320 * MIB);
    // However long they take, the looks come after 64, 128 more and 256 more MiB at the latest.
    expect(memory.use(device).reclaims).toBeGreaterThanOrEqual(3);
  });

  test('are found before the device has no room', () => {
    fresh(64 * MIB);
    for (let i = 0; i < 200; i++) ones([1024, 1024], { device });
    expect(memory.use(device)).toMatchObject({ spilledByteLength: 0 });
    expect(memory.use(device).peakByteLength).toBeLessThanOrEqual(48 * MIB);
  });

  test('of small size do not gather either', () => {
    fresh();
    memory.configure({ reclaimByteLength: 8 * MIB });
    for (let i = 0; i < 30_000; i++) zeros([32], { device });
    expect(memory.use(device).storages).toBeLessThan(16_000);
  });

  test('are looked for sooner where each takes much besides its bytes', () => {
    unregisterBackend(device);
    const given = cpu();
    registerBackend({ ...given, device, limits: { ...given.limits, overheadByteLength: 8192 } });
    memory.configure({ reclaimByteLength: 8 * MIB });
    for (let i = 0; i < 6000; i++) zeros([32], { device });
    expect(memory.use(device).storages).toBeLessThan(3000);
  });

  test.each([256, 2048])(
    'of %d elements are held by a living one of 256 for at most three times its size',
    (size) => {
      fresh();
      memory.configure({ reclaimByteLength: 1024 * MIB });
      const kept = [];
      for (let i = 0; i < 500; i++) {
        kept.push(zeros([256], { device }));
        for (let j = 0; j < 7; j++) zeros([size], { device });
      }
      memory.reclaim(device);
      expect(memory.use(device).storages).toBeGreaterThanOrEqual(kept.length);
      expect(memory.use(device).byteLength).toBeLessThanOrEqual(4 * kept.length * 1024);
    },
  );

  test('are found whatever was freed before they were made', () => {
    fresh();
    for (const size of [32, 256, 2048, 100_000]) {
      const freed = Array.from({ length: 10 }, () => zeros([size], { device }));
      for (const x of freed.slice(0, 7)) x.dispose();
      for (let i = 0; i < 9; i++) zeros([size], { device });
      for (const x of freed) x.dispose();
      for (let i = 0; i < 21; i++) zeros([size], { device });
    }
    expect(memory.use(device).storages).toBe(4 * 30);
    memory.reclaim(device);
    expect(memory.use(device)).toMatchObject({ storages: 0, byteLength: 0 });
    // What was found is found once.
    memory.reclaim(device);
    expect(memory.use(device)).toMatchObject({ storages: 0, byteLength: 0 });
  });

  test('are found where small ones of another size were all freed, and looked for, before', () => {
    fresh();
    const freeFour = (): void => {
      for (const x of Array.from({ length: 4 }, () => zeros([32], { device }))) x.dispose();
    };
    freeFour();
    memory.reclaim(device);
    for (let i = 0; i < 2; i++) zeros([100_000], { device });
    memory.reclaim(device);
    expect(memory.use(device)).toMatchObject({ storages: 0, byteLength: 0 });
    freeFour();
    const kept = zeros([1024], { device });
    for (let i = 0; i < 3; i++) zeros([32], { device });
    memory.reclaim(device);
    expect(memory.use(device)).toMatchObject({ storages: 1, byteLength: 4096 });
    expect(kept.disposed).toBe(false);
  });

  test('what is alive stays as it is', () => {
    fresh();
    memory.configure({ reclaimByteLength: MIB });
    const kept = Array.from({ length: 20 }, (_, i) => ones([1000], { device }).mul(i));
    const views = kept.map((x) => x.narrow(0, 10, 1));
    const graph = ones([1000], { device, requiresGrad: true });
    const loss = graph.mul(3).exp().sum();
    for (let i = 0; i < 2000; i++) ones([1000], { device });
    memory.reclaim(device);
    expect(views.map((x) => x.itemSync())).toEqual(kept.map((_, i) => i));
    loss.backward();
    expect(graph.grad!.index(5).itemSync()).toBeCloseTo(3 * Math.exp(3), 3);
  });
});

describe('what the program holds', () => {
  test('and has no room in the heap is spilled, and computes the same', () => {
    fresh(32 * MIB);
    const kept = Array.from({ length: 12 }, (_, i) => ones([MIB], { device }).mul(i));
    const use = memory.use(device);
    expect(use.byteLength).toBeLessThanOrEqual(24 * MIB);
    expect(use.spilledByteLength).toBeGreaterThan(0);
    expect(memory.summary(device)).toMatch(
      /^roomy:0: 2\d\.\d MiB in \d+ tensors and up to \d+\.\d MiB spilled/,
    );
    let total = zeros([MIB], { device });
    for (const x of kept) total = total.add(x);
    expect(total.index(MIB - 1).itemSync()).toBe(66);
  });

  test('too much of it is an OutOfMemoryError that says what lives; the next operator works', () => {
    fresh(32 * MIB);
    const x = ones([1000], { device });
    expect(() => zeros([2 ** 31], { device })).toThrow(OutOfMemoryError);
    expect(x.add(x).index(3).itemSync()).toBe(2);
  });
});

describe('tidy', () => {
  test('frees what was made inside, but for what it returns and state', () => {
    fresh();
    const w = ones([1000], { device, requiresGrad: true });
    const before = memory.use(device).storages;
    const loss = tidy(() => {
      const loss = w.mul(2).exp().sum();
      loss.backward();
      return loss.detach();
    });
    // The gradient stays; a sum is too small to be counted.
    expect(memory.use(device).storages).toBe(before + 1);
    expect(loss.itemSync()).toBeCloseTo(1000 * Math.exp(2), 0);
    expect(w.grad!.disposed).toBe(false);
    noGrad(() => tidy(() => w.add(1)));
    expect(memory.use(device).storages).toBe(before + 2);
  });

  test('frees the gradients that grad gave inside, but none of the caller', () => {
    fresh();
    const w = ones([1000], { device, requiresGrad: true });
    const y = w.mul(1);
    const given = ones([1000], { device });
    const before = memory.use(device).storages;
    tidy(() => {
      grad(w.mul(w).sum(), [w]);
      grad(y, [y], { gradOutputs: given });
      grad(grad(w.pow(3).sum(), [w], { createGraph: true })[0]!.sum(), [w]);
    });
    expect(memory.use(device).storages).toBe(before);
    expect(given.index(0).itemSync()).toBe(1);
    const twice = tidy(() => grad(w.mul(2).sum(), [w, w]));
    expect(twice.map((gradient) => gradient.index(7).itemSync())).toEqual([2, 2]);
  });

  test('refuses a promise', () => {
    expect(() => tidy((async () => 1) as never)).toThrow(/^tidy takes a synchronous function/);
  });

  test('thresholds must be numbers', () => {
    expect(() => memory.configure({ reclaimByteLength: 0 })).toThrow(
      'memory.configure: reclaimByteLength must be a positive number of bytes, got 0',
    );
  });
});
