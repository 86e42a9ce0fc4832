import { afterEach, expect, it, vi } from 'vitest';
import { compileSource, perKind } from '../src/policy.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

it('composes closures where the policy forbids compiling source', async () => {
  const forbidden = vi.fn(function refuse() {
    throw new EvalError('unsafe-eval is not allowed');
  });
  vi.stubGlobal('Function', forbidden);
  vi.resetModules();
  const { cpu } = await import('../src/index.ts');
  expect(cpu().name).toBe('JavaScript, without compiling');
  expect(cpu().name).toBe('JavaScript, without compiling');
  expect(forbidden).toHaveBeenCalledTimes(1);
});

it('compiles source where it may', async () => {
  vi.resetModules();
  const { cpu } = await import('../src/index.ts');
  expect(cpu().name).toBe('JavaScript');
  expect(compileSource<(x: number) => number>('(x) => rt.roundEven(x)')(2.5)).toBe(2);
});

it('makes one copy of a kernel for each class of arrays', () => {
  const first = (x: readonly number[]): number => x[0]!;
  const copies = perKind(first, true);
  expect(copies(3)).not.toBe(first);
  expect(copies(3)).toBe(copies(3));
  expect(copies(3)).not.toBe(copies(4));
  expect(copies(4)([7])).toBe(7);
  expect(perKind(first, false)(3)).toBe(first);
});
