/** What every error of flambeau carries besides its text. */
export interface ErrorDetails {
  /** The operator or function that refused, e.g. `matmul`. */
  readonly op?: string;
  /** The values that the text speaks of: shapes, dtypes, names. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

type Frame = (...args: never[]) => unknown;

interface StackCapture {
  captureStackTrace?(target: object, from: Frame): void;
}

/**
 * The base of every error that flambeau throws for something a user or a device did.
 * `code` is stable and meant for programs; `message` is one line meant for people.
 */
export class FlambeauError extends Error {
  readonly code: string = 'FLAMBEAU';
  readonly op: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.op = details.op;
    this.data = details.data ?? {};
  }
}

/** Shapes that do not fit, or a dimension that is out of range. */
export class ShapeError extends FlambeauError {
  override readonly code: string = 'SHAPE';
  override readonly name: string = 'ShapeError';
}

/** A dtype where another one belongs. */
export class DTypeError extends FlambeauError {
  override readonly code: string = 'DTYPE';
  override readonly name: string = 'DTypeError';
}

/** An unknown device, or operands on several devices. */
export class DeviceError extends FlambeauError {
  override readonly code: string = 'DEVICE';
  override readonly name: string = 'DeviceError';
}

/** A gradient that cannot be computed, or a graph that was used wrongly. */
export class AutogradError extends FlambeauError {
  override readonly code: string = 'AUTOGRAD';
  override readonly name: string = 'AutogradError';
}

/** A backend that lacks a kernel, was lost, or failed. */
export class BackendError extends FlambeauError {
  override readonly code: string = 'BACKEND';
  override readonly name: string = 'BackendError';
}

/** A device that has no memory left. */
export class OutOfMemoryError extends FlambeauError {
  override readonly code: string = 'OUT_OF_MEMORY';
  override readonly name: string = 'OutOfMemoryError';
}

/** A checkpoint that is damaged, hostile or does not fit. */
export class CheckpointError extends FlambeauError {
  override readonly code: string = 'CHECKPOINT';
  override readonly name: string = 'CheckpointError';
}

/** An argument that is wrong in another way: an unknown option, a value out of range. */
export class ArgumentError extends FlambeauError {
  override readonly code: string = 'ARGUMENT';
  override readonly name: string = 'ArgumentError';
}

/** Lets the stack of `error` begin at the caller of `from`: the user's line. */
export function hideFrames<E extends Error>(error: E, from: Frame): E {
  (Error as StackCapture).captureStackTrace?.(error, from);
  return error;
}

/** `[2, 3]`, as shapes and lists of dimensions are printed everywhere. */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/**
 * Refuses option keys that an operator does not know, with the nearest known one.
 *
 * @throws {ArgumentError} e.g. `sum: unknown option keepDims; did you mean keepdim?`
 */
export function checkOptions(op: string, options: object | undefined, known: readonly string[]): void {
  if (options === undefined) return;
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw new ArgumentError(
      `${op}: options must be an object such as { ${known.join(', ')} }, got ${describe(options)}`,
      { op },
    );
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    const hint =
      near === undefined ? `known options: ${known.join(', ') || 'none'}` : `did you mean ${near}?`;
    throw new ArgumentError(`${op}: unknown option ${key}; ${hint}`, { op, data: { option: key, known } });
  }
}

/** A short name for any value, for error texts. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return value.every((v) => typeof v === 'number') ? showShape(value) : 'an array';
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'object':
      return Object.hasOwn(value, 'shape') && 'dtype' in value
        ? 'a tensor'
        : `an object of ${value.constructor?.name ?? 'no class'}`;
    case 'function':
      return `the function ${value.name || '(anonymous)'}`;
    default:
      return String(value);
  }
}

/** The known name closest to `name` by edit distance, if it is close enough to be a slip. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase().replaceAll('_', ''), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
