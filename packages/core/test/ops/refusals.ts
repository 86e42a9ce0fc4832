import { FlambeauError } from '@flambeau/core';
import { expect, it } from 'vitest';

/** A call that must fail, the kind of its error, and its text. */
export type Refusal = readonly [call: () => unknown, kind: string, text: string];

/** What a program without types might pass. */
export const untyped = <T>(value: unknown): T => value as T;

/** One test for each call. */
export function refuses(refusals: readonly Refusal[]): void {
  it.each(refusals.map(([call, kind, text]) => ({ call, kind, text })))('$text', ({ call, kind, text }) => {
    let caught: unknown;
    try {
      call();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(FlambeauError);
    expect((caught as FlambeauError).name).toBe(kind);
    expect((caught as FlambeauError).message).toBe(text);
  });
}
