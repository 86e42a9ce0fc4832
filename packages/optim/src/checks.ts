import { ArgumentError, describe } from '@flambeau/core';

function refuse(op: string, name: string, expected: string, value: unknown): never {
  throw new ArgumentError(`${op}: ${name} must be ${expected}, got ${describe(value)}`, {
    op,
    data: { [name]: value },
  });
}

/** Refuses what is not a number of 0 or more. */
export function checkNotNegative(op: string, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(typeof value === 'number' && value >= 0)) refuse(op, name, 'a number of 0 or more', value);
  }
}

/** Refuses what is no number at all; NaN counts as none. */
export function checkNumbers(op: string, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'number' || Number.isNaN(value)) refuse(op, name, 'a number', value);
  }
}

/** Refuses what is not a positive integer. */
export function checkPositiveInteger(op: string, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(Number.isInteger(value) && Number(value) > 0)) refuse(op, name, 'a positive integer', value);
  }
}

/** Refuses a number outside of `low..high`. */
export function checkRange(op: string, name: string, value: unknown, low: number, high: number): void {
  if (!(typeof value === 'number' && value >= low && value <= high)) {
    refuse(op, name, `a number of ${low}..${high}`, value);
  }
}

/** Refuses switches that are neither true nor false: `'no'` would count as yes. */
export function checkBooleans(op: string, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'boolean') refuse(op, name, 'true or false', value);
  }
}

/** Refuses what is not a pair of decay rates of `[0, 1)`. */
export function checkBetas(op: string, betas: unknown): void {
  const fits = (beta: unknown): boolean => typeof beta === 'number' && beta >= 0 && beta < 1;
  if (!(Array.isArray(betas) && betas.length === 2 && betas.every(fits))) {
    refuse(op, 'betas', 'two numbers of 0 or more and below 1', betas);
  }
}

/** Refuses a word that is not among those known. */
export function checkChoice(op: string, name: string, value: unknown, choices: readonly string[]): void {
  if (!choices.some((choice) => choice === value)) {
    refuse(op, name, choices.map((choice) => JSON.stringify(choice)).join(' or '), value);
  }
}
