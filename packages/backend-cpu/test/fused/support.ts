import {
  arange,
  grad,
  manualSeed,
  registerBackend,
  registerKernels,
  type Tensor,
  unregisterBackend,
} from '@flambeau/core';
import type { Backend, FusedKernel } from '@flambeau/core/backend';
import { expect } from 'vitest';
import { backendOn } from '../../src/backend.ts';
import { createHeap } from '../../src/heap/heap.ts';
import { cpu } from '../../src/index.ts';

/** Fused kernels run on one thread, on two, without fused multiply-add, and without shared memory. */
export const variants: readonly [string, () => Backend][] = [
  ['one thread', () => cpu({ threads: 1 })],
  ['two threads', () => cpu({ threads: 2 })],
  ['no relaxed SIMD', () => cpu({ threads: 1, relaxedSimd: 'off' })],
  ['no shared memory', () => cpu({ sharedMemory: 'off' })],
  ['wide tiles', () => backendOn(createHeap(), { relaxed: false, vectors: 4 }, { threads: 1 })],
];

/** Makes a backend the CPU device of this test file. */
export function use(backend: Backend): void {
  unregisterBackend('cpu');
  registerBackend(backend);
  manualSeed(20);
}

/** How often each fused kernel ran since `counting` began. */
export interface Counts {
  readonly [name: string]: number;
}

/** Counts runs of fused kernels while `body` runs: what a test compares must really have been fused. */
export function counting<R>(backend: Backend, names: readonly string[], body: () => R): [R, Counts] {
  const counts: Record<string, number> = {};
  const table: Record<string, FusedKernel> = {};
  for (const name of names) {
    const kernel = backend.kernels.fused?.[name];
    if (kernel === undefined) throw new Error(`no fused kernel for ${name}`);
    counts[name] = 0;
    table[name] = {
      when: (inputs, attrs) => kernel.when?.(inputs, attrs) ?? true,
      run: (...args) => {
        counts[name]! += 1;
        kernel.run(...args);
      },
    };
  }
  const remove = registerKernels('cpu', table);
  try {
    return [body(), counts];
  } finally {
    remove();
  }
}

/** Runs without the named fused kernels: operators decompose. */
export function decomposed<R>(names: readonly string[], body: () => R): R {
  const declines: FusedKernel = { when: () => false, run: () => undefined };
  const remove = registerKernels('cpu', Object.fromEntries(names.map((name) => [name, declines])));
  try {
    return body();
  } finally {
    remove();
  }
}

/** The outputs of `f`, and the gradients of their weighted sum for the inputs that want one. */
export function outputsAndGradients(
  f: () => Tensor | readonly Tensor[],
  wanted: readonly Tensor[],
): Tensor[] {
  const result = f();
  const outputs: Tensor[] = [result].flat() as Tensor[];
  if (wanted.length === 0) return outputs;
  const total = outputs
    .filter((y) => y.requiresGrad)
    .map((y) => y.mul(weightsLike(y)).sum())
    .reduce((a, b) => a.add(b));
  return [...outputs, ...grad(total, [...wanted])] as Tensor[];
}

/** Weights of both signs, no two alike: gradients that constants would cancel in are not small. */
const weightsLike = (y: Tensor): Tensor =>
  arange(y.size).to({ dtype: y.dtype }).mul(1.7).sin().reshape(y.shape);

const numbers = (x: Tensor): number[] => [...(x.contiguous().dataSync() as Iterable<number>)].map(Number);

/**
 * Compares tensors, each against the largest of its own elements, or against `floor` where that is larger: a gradient may
 * be what is left of terms of that size.
 */
export function expectClose(
  got: readonly Tensor[],
  want: readonly Tensor[],
  tolerance: number,
  floor = 1e-30,
): void {
  expect(got.map((x) => [x.shape, x.dtype])).toEqual(want.map((x) => [x.shape, x.dtype]));
  for (const [i, x] of got.entries()) {
    const [a, b] = [numbers(x), numbers(want[i]!)];
    const scale = b.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), floor);
    const off = a.findIndex(
      (v, k) => !(Object.is(v, b[k]) || v === b[k] || Math.abs(v - b[k]!) <= tolerance * scale),
    );
    if (off >= 0)
      expect.fail(
        `result ${i} of shape [${x.shape}]: element ${off} is ${a[off]}, decomposed ${b[off]}, largest ${scale}`,
      );
  }
}

export const TOLERANCE: Readonly<Record<string, number>> = { float32: 3e-6, float64: 1e-13 };
