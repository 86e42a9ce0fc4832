import { ArgumentError, checkOptions, type Device, describe, type Generator } from '@flambeau/core';
import { checkBoolean, checkInteger } from './checks.ts';
import { BatchSampler, type Counted, RandomSampler, type Sampler, SequentialSampler } from './sampler.ts';

export interface DataLoaderOptions<T, B> {
  /** How many samples make a batch. Default 1. */
  readonly batchSize?: number;
  /** Takes the samples in random order, anew for each epoch. Default false. */
  readonly shuffle?: boolean;
  /** Where the order comes from; default: the generator that `manualSeed` sets. */
  readonly generator?: Generator;
  /** Leaves out the last batch where it is not full. Default false. */
  readonly dropLast?: boolean;
  /** The order of samples, in the place of `shuffle`. */
  readonly sampler?: Iterable<number> & Partial<Counted>;
  /** Lists of indices, in the place of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  readonly batchSampler?: Iterable<readonly number[]> & Partial<Counted>;
  /** Makes a batch of samples, in the place of the data set's `getBatch` and of `collate`. */
  readonly collate?: (samples: T[]) => B | Promise<B>;
  /** How many batches are begun ahead of the one that is worked on: for data that must be waited for. Default 0. */
  readonly prefetch?: number;
  /** Where the tensors of a batch go. Default: where they are. */
  readonly device?: Device;
  /** Ends the loop by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

const KNOWN = [
  'batchSize',
  'shuffle',
  'generator',
  'dropLast',
  'sampler',
  'batchSampler',
  'collate',
  'prefetch',
  'device',
  'signal',
];

const op = 'DataLoader';

/** Refuses options that are unknown, out of range, or at odds with each other. */
export function checkLoaderOptions(options: DataLoaderOptions<never, unknown>): void {
  checkOptions(op, options, KNOWN);
  const { batchSize = 1, shuffle = false, dropLast = false, sampler, batchSampler, prefetch = 0 } = options;
  checkInteger(op, 'batchSize', batchSize, 1);
  checkInteger(op, 'prefetch', prefetch, 0);
  checkBoolean(op, 'shuffle', shuffle);
  checkBoolean(op, 'dropLast', dropLast);
  checkKind('collate', options.collate, (value) => typeof value === 'function', 'a function of the samples');
  checkKind('signal', options.signal, (value) => value instanceof AbortSignal, 'an AbortSignal');
  for (const [name, value] of Object.entries({ sampler, batchSampler })) {
    checkKind(name, value, isIterable, 'an iterable of indices');
  }
  if (sampler !== undefined && shuffle) exclusive('sampler', ['shuffle']);
  if (batchSampler === undefined) return;
  const others = ['batchSize', 'shuffle', 'sampler', 'dropLast'].filter(
    (name) => options[name as keyof typeof options] !== undefined,
  );
  if (others.length > 0) exclusive('batchSampler', others);
}

const isIterable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Symbol.iterator in value;

function checkKind(name: string, value: unknown, fits: (value: unknown) => boolean, expected: string): void {
  if (value === undefined || fits(value)) return;
  throw new ArgumentError(`${op}: ${name} must be ${expected}, got ${describe(value)}`, { op });
}

function exclusive(name: string, others: readonly string[]): never {
  throw new ArgumentError(
    `${op}: ${name} decides the order; it does not go together with ${others.join(', ')}`,
    { op },
  );
}

/** A stream has one order: refuses the options that would choose another. */
export function checkStreamOptions(options: DataLoaderOptions<never, unknown>): void {
  const others = (['shuffle', 'sampler', 'batchSampler'] as const).filter((name) => options[name]);
  if (others.length === 0) return;
  throw new ArgumentError(
    `${op}: an iterable data set has an order of its own; ${others.join(', ')} cannot change it`,
    { op },
  );
}

/** The lists of indices that the options ask for. */
export function batchSamplerOf(
  dataset: Counted,
  options: DataLoaderOptions<never, unknown>,
): Iterable<readonly number[]> & Partial<Counted> {
  const { batchSampler, batchSize = 1, shuffle = false, dropLast = false, sampler, generator } = options;
  return (
    batchSampler ?? new BatchSampler(sampler ?? orderOf(dataset, shuffle, generator), batchSize, dropLast)
  );
}

function orderOf(dataset: Counted, shuffle: boolean, generator: Generator | undefined): Sampler {
  if (!shuffle) return new SequentialSampler(dataset);
  return new RandomSampler(dataset, generator === undefined ? {} : { generator });
}
