import { ArgumentError, describe, isTensor, type Tensor } from '@flambeau/core';
import type { AnyModule } from '../module/module.ts';
import { isParameter, parameter } from '../module/roles.ts';
import { isModule } from '../module/walk.ts';

/** Refuses what is no module, for a container. */
export const asModule =
  <M extends AnyModule>(owner: string) =>
  (value: unknown, where: string): M => {
    // Which modules a container takes is for the types to say.
    if (isModule(value)) return value as M;
    const hint =
      typeof value === 'function'
        ? '; a function becomes a module by a class of yours, or is called in forward'
        : '';
    throw new ArgumentError(`${owner}: ${where} must be a module, got ${describe(value)}${hint}`, {
      op: owner,
    });
  };

/** Makes parameters of tensors, for a container. */
export const asParameter =
  (owner: string) =>
  (value: unknown, where: string): Tensor => {
    if (isParameter(value)) return value;
    if (isTensor(value)) return parameter(value);
    throw new ArgumentError(`${owner}: ${where} must be a tensor, got ${describe(value)}`, { op: owner });
  };
