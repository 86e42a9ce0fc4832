import { isJudging } from '../judging.ts';
import { isInteger, type Json, type JsonRecord } from './case.ts';
import { readFloat } from './decode.ts';
import { decodeTensor, type RawTensor } from './elements.ts';
import { isObject, isTensor, type TensorLike } from './framework.ts';
import type { Tolerance } from './tolerance.ts';

/** The tolerance for an expected result of this dtype. */
export type ToleranceOf = (dtype: string) => Tolerance;

/** What differs between a result and the expected value, one line each; none when they agree. */
export async function compare(
  label: string,
  got: unknown,
  expected: Json,
  tolerance: ToleranceOf,
): Promise<string[]> {
  if (!isJudging()) return [];
  if (isTensorJson(expected)) {
    if (!isTensor(got)) return [`${label}: got ${describe(got)}, expected a tensor`];
    return list(await compareTensor(label, got, decodeTensor(expected), tolerance(String(expected.dtype))));
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(got)) return [`${label}: got ${describe(got)}, expected a list of ${expected.length}`];
    if (got.length !== expected.length)
      return [`${label}: ${got.length} results, expected ${expected.length}`];
    const differences: string[] = [];
    for (const [i, item] of expected.entries()) {
      differences.push(...(await compare(`${label}[${i}]`, got[i], item as Json, tolerance)));
    }
    return differences;
  }
  if (expected === null)
    return list(got == null ? undefined : `${label}: got ${describe(got)}, expected nothing`);
  // A float of Python's with a whole value is marked as one; a plain whole number is an integer.
  const exact = !isObject(expected);
  return list(compareScalar(label, await plain(got), scalarOf(expected), exact, tolerance('float32')));
}

/** A gradient: `null` says that PyTorch has none, which zeros say as well. */
export async function compareGradient(
  label: string,
  got: TensorLike | null | undefined,
  expected: Json,
  tolerance: ToleranceOf,
): Promise<string[]> {
  if (expected !== null) {
    return got == null ? [`${label}: no gradient, expected one`] : compare(label, got, expected, tolerance);
  }
  if (got == null || Array.from(await got.data(), Number).every((value) => value === 0)) return [];
  return [`${label}: got a gradient, expected none`];
}

async function compareTensor(
  label: string,
  got: TensorLike,
  expected: RawTensor,
  tolerance: Tolerance,
): Promise<string | undefined> {
  if (!sameDtype(got.dtype, expected.dtype))
    return `${label}: dtype ${got.dtype}, expected ${expected.dtype}`;
  if (got.shape.join() !== expected.shape.join()) {
    return `${label}: shape [${got.shape.join(', ')}], expected [${expected.shape.join(', ')}]`;
  }
  const elements = await got.data();
  if (elements.length !== expected.elements.length) {
    return `${label}: data() gave ${elements.length} elements of ${expected.elements.length}`;
  }
  const exact = isInteger(expected.dtype) || expected.dtype === 'bool';
  return compareElements(label, elements, expected, exact ? { rtol: 0, atol: 0 } : tolerance);
}

/** Any integer dtype stands for any other; floating, boolean and complex ones are exact. */
function sameDtype(got: string, expected: string): boolean {
  return got === expected || (isInteger(got) && isInteger(expected));
}

function compareElements(
  label: string,
  got: ArrayLike<number | bigint>,
  { dtype, shape, elements: expected }: RawTensor,
  { rtol, atol }: Tolerance,
): string | undefined {
  const width = dtype.startsWith('complex') ? 2 : 1;
  let wrong = 0;
  let worst = -1;
  let worstError = -1;
  for (let i = 0; i < expected.length; i += width) {
    const [error, size] = distance(got, expected, i, width);
    if (error <= atol + rtol * size) continue;
    wrong++;
    // An error of NaN (a NaN or an infinity on one side) is worse than any number.
    if (worst < 0 || (Number.isNaN(error) && !Number.isNaN(worstError)) || error > worstError) {
      worst = i;
      worstError = error;
    }
  }
  if (wrong === 0) return undefined;
  const at = unravel(worst / width, shape);
  const value = (of: ArrayLike<number | bigint>) =>
    Array.from({ length: width }, (_, part) => of[worst + part]).join(' + i ');
  const how = rtol === 0 && atol === 0 ? 'compared exactly' : `allowed ${atol} + ${rtol} * |expected|`;
  return (
    `${label}: max abs error ${worstError.toPrecision(3)} at [${at.join(', ')}]: got ${value(got)}, expected ` +
    `${value(expected)}; ${wrong} of ${expected.length / width} elements differ (${how})`
  );
}

/** `|got - expected|` and `|expected|`; 0 where both are NaN or the same infinity, NaN where only one is. */
function distance(
  got: ArrayLike<number | bigint>,
  expected: ArrayLike<number | bigint>,
  at: number,
  width: number,
): [error: number, size: number] {
  if (width === 1) {
    const [a, b] = [got[at] ?? Number.NaN, expected[at] ?? Number.NaN];
    return [gap(a, b), finite(Math.abs(Number(b)))];
  }
  const parts = [0, 1].map((part) => gap(got[at + part] ?? Number.NaN, expected[at + part] ?? Number.NaN));
  return [Math.hypot(...parts), finite(Math.hypot(Number(expected[at]), Number(expected[at + 1])))];
}

function gap(a: number | bigint, b: number | bigint): number {
  if (a === b) return 0;
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    // Not all bigints are numbers, so the difference is taken first.
    const [x, y] = [toBigInt(a), toBigInt(b)];
    return x === undefined || y === undefined ? Number.NaN : Math.abs(Number(x - y));
  }
  if (Number.isNaN(a) && Number.isNaN(b)) return 0;
  return Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Number.NaN;
}

function toBigInt(value: number | bigint): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return Number.isInteger(value) ? BigInt(value) : undefined;
}

function finite(size: number): number {
  return Number.isFinite(size) ? size : 0;
}

function unravel(index: number, shape: readonly number[]): number[] {
  const position: number[] = [];
  for (let dim = shape.length - 1, rest = index; dim >= 0; dim--) {
    const size = shape[dim] ?? 1;
    position.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return position;
}

type Scalar = number | bigint | boolean | string;

function compareScalar(
  label: string,
  got: unknown,
  expected: Scalar,
  wholeIsExact: boolean,
  tolerance: Tolerance,
): string | undefined {
  const difference = `${label}: got ${describe(got)}, expected ${expected}`;
  if (typeof expected === 'boolean' || typeof expected === 'string')
    return got === expected ? undefined : difference;
  if (typeof got !== 'number' && typeof got !== 'bigint') return difference;
  const exact =
    typeof expected === 'bigint' ||
    (wholeIsExact && Number.isInteger(expected)) ||
    !Number.isFinite(expected);
  const allowed = exact ? 0 : tolerance.atol + tolerance.rtol * Math.abs(Number(expected));
  return gap(got, expected) <= allowed ? undefined : difference;
}

function scalarOf(value: Json): Scalar {
  if (isObject(value)) {
    const record = value as JsonRecord;
    if (record.$ === 'float') return typeof record.v === 'number' ? record.v : readFloat(record.v);
    if (record.$ === 'int') return BigInt(String(record.v));
    throw new TypeError(`an expected result of kind ${JSON.stringify(record.$)}`);
  }
  return value as Scalar;
}

/** A tensor without dimensions as the number it holds, where a number is expected. */
async function plain(value: unknown): Promise<unknown> {
  if (!isTensor(value) || value.shape.length > 0) return value;
  const [first] = await value.data();
  return value.dtype === 'bool' ? first === 1 : first;
}

export function isTensorJson(value: Json): value is JsonRecord {
  return typeof value === 'object' && value !== null && (value as JsonRecord).$ === 'tensor';
}

function describe(value: unknown): string {
  if (isTensor(value)) return `a tensor ${value.dtype} [${value.shape.join(', ')}]`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return isObject(value) ? `an object with ${Object.keys(value).join(', ')}` : String(value);
}

function list(difference: string | undefined): string[] {
  return difference === undefined ? [] : [difference];
}
