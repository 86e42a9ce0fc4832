import { cpu } from '@flambeau/backend-cpu';
import { clone, type KernelCall, registerBackend, setKernelInterceptor, sum, tensor } from '@flambeau/core';
import type { Program, Reduction } from '@flambeau/core/backend';
import { afterEach, expect, it } from 'vitest';

registerBackend(cpu());

afterEach(() => {
  setKernelInterceptor(null);
});

it('programs of the same steps that are given other numbers of parameters are different programs', () => {
  const calls: KernelCall[] = [];
  const x = tensor([1, 2]);
  setKernelInterceptor((call, launch) => {
    calls.push(call);
    launch();
  });
  clone(x);
  sum(x);
  const [cloning, summing] = calls;
  const [program, , , , none] = cloning!.args as [Program, unknown, unknown, unknown, readonly number[]];
  const [{ pre, post }, , , , , given] = summing!.args as [
    Reduction,
    unknown,
    unknown,
    unknown,
    unknown,
    readonly number[],
  ];
  expect(program.parameterCount).toBe(none.length);
  expect([pre.parameterCount, post.parameterCount]).toEqual([given.length, given.length]);
});
