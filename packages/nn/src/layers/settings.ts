import { ArgumentError, type Device, type DType, describe, empty, scope, type Tensor } from '@flambeau/core';
import { parameter } from '../module/roles.ts';

/** Where and as what a layer's parameters are made. */
export interface FactoryOptions {
  /** Default: the default device. */
  readonly device?: Device;
  /** Default: the default floating dtype. */
  readonly dtype?: DType;
}

export const FACTORY = ['device', 'dtype'] as const;

/** The factory options among a layer's options. */
export const factory = ({ device, dtype }: FactoryOptions): FactoryOptions => ({
  ...(device === undefined ? {} : { device }),
  ...(dtype === undefined ? {} : { dtype }),
});

/** A parameter that still has to be initialised. */
export const newParameter = (shape: readonly number[], options: FactoryOptions): Tensor =>
  scope(() => parameter(empty(shape, factory(options))));

/** Refuses a number that is no count. */
export function checkCount(
  layer: string,
  name: string,
  value: unknown,
  least: 0 | 1 = 0,
): asserts value is number {
  if (Number.isInteger(value) && (value as number) >= least) return;
  throw new ArgumentError(
    `${layer}: ${name} must be an integer of ${least} or more, got ${describe(value)}`,
    { op: layer, data: { [name]: value } },
  );
}

/** Refuses a value that is none of a few. */
export function checkChoice<T extends string>(
  layer: string,
  name: string,
  value: T,
  known: readonly T[],
): void {
  if (known.includes(value)) return;
  throw new ArgumentError(
    `${layer}: ${name} must be one of ${known.map((choice) => `'${choice}'`).join(', ')}, got ${describe(value)}`,
    { op: layer, data: { [name]: value } },
  );
}

/** Refuses a probability outside `0..1`. */
export function checkProbability(layer: string, name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new ArgumentError(`${layer}: ${name} is a probability and lies in 0..1, got ${describe(value)}`, {
    op: layer,
  });
}

/** One number for every dimension, or one for each. */
export type Size = number | readonly number[];

/** A size for each of `rank` dimensions. */
export function sizes(
  layer: string,
  name: string,
  value: Size,
  rank: number,
  least: 0 | 1 = 0,
): readonly number[] {
  const list: unknown = typeof value === 'number' ? new Array<number>(rank).fill(value) : value;
  if (
    Array.isArray(list) &&
    list.length === rank &&
    list.every((size) => Number.isInteger(size) && size >= least)
  )
    return list as number[];
  throw new ArgumentError(
    `${layer}: ${name} must be an integer of ${least} or more, or an array of ${rank} of them; got ${describe(value)}`,
    { op: layer, data: { [name]: value } },
  );
}
