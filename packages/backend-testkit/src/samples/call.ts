import * as core from '@flambeau/core';
import { isTensor, type Tensor } from '@flambeau/core';
import { isFloating } from '@flambeau/core/backend';
import { ConformanceFailure } from '../conformance/case.ts';
import { Maker, type MakerSettings } from './maker.ts';
import type { OperatorSamples } from './sample.ts';

/** One call of one operator. */
export interface SampleCall {
  readonly op: string;
  /** What is special about it. */
  readonly name: string;
  readonly entry: OperatorSamples;
  /** Makes the arguments on a device; the same ones for the same settings. */
  bind(settings: MakerSettings): BoundSample;
}

/** A call with its arguments made. */
export interface BoundSample {
  /** The tensors among the arguments that collect gradients, in order. */
  readonly inputs: readonly Tensor[];
  /** Every tensor that was made. */
  readonly tensors: readonly Tensor[];
  /** The tensors that come out, given others in the place of `inputs`. */
  call(inputs: readonly Tensor[]): readonly Tensor[];
  /** The same where the operator may wait for the device. */
  callAsync(): Promise<readonly Tensor[]>;
}

/** All calls of a table, in its order. */
export const callsOf = (table: readonly OperatorSamples[]): readonly SampleCall[] =>
  table.flatMap((entry) =>
    Object.keys(entry.samples).map((name) => ({
      op: entry.op,
      name,
      entry,
      bind: (settings) => bind(entry, name, settings),
    })),
  );

function bind(entry: OperatorSamples, name: string, settings: MakerSettings): BoundSample {
  const make = new Maker(`${entry.op} ${name}`, settings);
  const args = entry.samples[name]!(make);
  const tensors: Tensor[] = [];
  visit(args, (tensor) => {
    if (!tensors.includes(tensor)) tensors.push(tensor);
    return tensor;
  });
  const inputs = tensors.filter((tensor) => tensor.requiresGrad);
  const run = (given: readonly Tensor[]): unknown => {
    const replaced = visit(args, (tensor) => given[inputs.indexOf(tensor)] ?? tensor) as readonly unknown[];
    return functionOf(entry.op)(...replaced);
  };
  return {
    inputs,
    tensors,
    call: (given) => flat(run(given)),
    callAsync: async () => flat(await run(inputs)),
  };
}

/** @throws {ConformanceFailure} core exports no such function. */
function functionOf(op: string): (...args: readonly unknown[]) => unknown {
  let found: unknown = core;
  for (const part of op.split('.')) found = (found as Readonly<Record<string, unknown>> | undefined)?.[part];
  if (typeof found !== 'function') throw new ConformanceFailure(`core exports no operator ${op}`);
  return found as (...args: readonly unknown[]) => unknown;
}

/** A copy of arguments with each tensor replaced. */
function visit(value: unknown, replace: (tensor: Tensor) => Tensor): unknown {
  if (isTensor(value)) return replace(value);
  if (Array.isArray(value)) return value.map((item) => visit(item, replace));
  // Options are plain objects; slices and other classes are handed on as they are.
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item, replace)]));
}

/** The tensors in a result, in order: itself, those of a list, or those of an object by name. */
function flat(result: unknown): readonly Tensor[] {
  if (isTensor(result)) return [result];
  if (typeof result !== 'object' || result === null) return [];
  return Object.values(result).flatMap(flat);
}

export const floatingOnly = (tensors: readonly Tensor[]): readonly Tensor[] =>
  tensors.filter(({ dtype }) => isFloating(dtype));
