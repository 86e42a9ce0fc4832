import { AutogradError } from '../errors.ts';

/** Whether operators are recorded. Read on the way of every operator. */
export let gradEnabled = true;

/** What a function for `noGrad` may return: anything but a promise. */
export type Synchronous<R> = R extends PromiseLike<unknown> ? never : R;

function withGradMode<R>(enabled: boolean, name: string, body: () => R): R {
  const before = gradEnabled;
  gradEnabled = enabled;
  try {
    const result = body();
    if (result instanceof Promise || (typeof result === 'object' && result !== null && 'then' in result)) {
      throw new AutogradError(
        `${name} takes a synchronous function, but this one returned a promise: after its first await, recording would be on again. Wrap each batch: for await (const [x, y] of loader) { const out = ${name}(() => model.forward(x)); … }`,
        { op: name },
      );
    }
    return result;
  } finally {
    gradEnabled = before;
  }
}

interface GradMode {
  <R>(body: () => Synchronous<R>): R;
  /** A function that runs so whenever it is called. */
  wrap<A extends unknown[], R>(fn: (...args: A) => Synchronous<R>): (...args: A) => R;
}

function gradMode(name: string, enabled: boolean): GradMode {
  const run = <R>(body: () => Synchronous<R>): R => withGradMode(enabled, name, body as () => R);
  const wrap =
    <A extends unknown[], R>(fn: (...args: A) => Synchronous<R>) =>
    (...args: A): R =>
      withGradMode(enabled, name, () => fn(...args) as R);
  return Object.assign(run, { wrap });
}

/**
 * Runs a synchronous function without recording gradients. `noGrad.wrap(fn)` makes a function that runs so.
 *
 * @throws {AutogradError} the function returns a promise.
 * @example const accuracy = noGrad(() => model.forward(x).argmax(1).eq(y).mean({ dtype: 'float32' }))
 */
export const noGrad = gradMode('noGrad', false);

/**
 * Runs a synchronous function with recording on, inside `noGrad`.
 *
 * @throws {AutogradError} the function returns a promise.
 */
export const enableGrad = gradMode('enableGrad', true);

export const isGradEnabled = (): boolean => gradEnabled;

/** Runs core's own code with recording on or off, without the check for promises. */
export function withRecording<R>(enabled: boolean, body: () => R): R {
  const before = gradEnabled;
  gradEnabled = enabled;
  try {
    return body();
  } finally {
    gradEnabled = before;
  }
}

/** Turns recording on or off and says what it was; for core's own code that restores it. */
export function setRecording(enabled: boolean): boolean {
  const before = gradEnabled;
  gradEnabled = enabled;
  return before;
}

/** Whether every operator notes the line of the program that called it. */
export let anomalyMode = false;

/**
 * While on, errors in `backward` name the line of the forward pass that made the operator, and a gradient that
 * becomes NaN is an error. Slow: for finding faults.
 */
export function setDetectAnomaly(enabled: boolean): void {
  anomalyMode = enabled;
}
