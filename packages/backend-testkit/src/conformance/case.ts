import { type Device, FlambeauError } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { isJudging } from '../judging.ts';

/** What a case is run on. */
export interface ConformanceContext {
  readonly backend: Backend;
  /** The backend's device, registered with core. */
  readonly device: Device;
  /** A device known to be right, usually `cpu`, with which operators are compared. */
  readonly reference: Device | undefined;
}

/** One thing that a backend must do. */
export interface ConformanceCase {
  /** Its area and what it says, e.g. `scatter: repeated indices are all added`. */
  readonly name: string;
  /** Why the case says nothing about a backend, such as a dtype that it does not have; undefined where it must pass. */
  inapplicable?(context: ConformanceContext): string | undefined;
  /** @throws {ConformanceFailure} the backend does something else. */
  run(context: ConformanceContext): Promise<void>;
}

/** A backend that does not do what the contract says. */
export class ConformanceFailure extends FlambeauError {
  override readonly code: string = 'CONFORMANCE';
  override readonly name: string = 'ConformanceFailure';
}

/** @throws {ConformanceFailure} `holds` is false. */
export function ensure(holds: boolean, what: string): asserts holds {
  if (!holds && isJudging()) throw new ConformanceFailure(what);
}
