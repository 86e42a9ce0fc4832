import { type DType, getDefaultDtype, isComplex, isFloating } from '../dtype.ts';
import { ArgumentError, checkOptions, describe, showShape } from '../errors.ts';
import { nodeOf } from '../graph/node.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { TypedArray } from '../ops/reading.ts';
import { isDefaultDevice } from '../storage/registry.ts';
import { fixed, scientific } from './number-text.ts';

/** How tensors are printed; PyTorch's `torch.set_printoptions`. */
export interface PrintOptions {
  /** Digits after the point. Default 4. */
  readonly precision: number;
  /** With more elements than this only the first and last of each dimension are shown. Default 1000. */
  readonly threshold: number;
  /** How many are shown at each end then. Default 3. */
  readonly edgeitems: number;
  /** Characters in a line. Default 80. */
  readonly linewidth: number;
  /** Whether numbers have an exponent; null, the default, lets the values decide. */
  readonly sciMode: boolean | null;
}

let settings: PrintOptions = { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80, sciMode: null };

const LEAST: Readonly<Record<Exclude<keyof PrintOptions, 'sciMode'>, number>> = {
  precision: 0,
  threshold: 0,
  edgeitems: 0,
  linewidth: 1,
};

/**
 * Changes how tensors are printed and returns what holds now; options that are left out stay.
 *
 * @throws {ArgumentError} an option is no number, or too small.
 * @example printOptions({ precision: 2 }).precision // 2
 */
export function printOptions(changes: Partial<PrintOptions> = {}): PrintOptions {
  checkOptions('printOptions', changes, Object.keys(settings));
  for (const name of Object.keys(LEAST) as (keyof typeof LEAST)[]) {
    const value = changes[name];
    if (value === undefined) continue;
    const whole = Number.isInteger(value) || (name === 'threshold' && value === Number.POSITIVE_INFINITY);
    if (!whole || value < LEAST[name] || (name === 'precision' && value > 100)) {
      const range = name === 'precision' ? '0..100' : `${LEAST[name]} or more`;
      throw new ArgumentError(
        `printOptions: ${name} must be an integer of ${range}, got ${describe(value)}`,
        { op: 'printOptions' },
      );
    }
  }
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  settings = { ...settings, ...Object.fromEntries(given) };
  return settings;
}

/** How the elements of one tensor are written, in one width. */
interface ElementStyle {
  readonly width: number;
  text(element: number): string;
}

/** What the writing of one tensor needs at every depth. */
interface Page {
  readonly shape: readonly number[];
  readonly summarized: boolean;
  /** Columns that an element takes. */
  readonly width: number;
  text(element: number): string;
}

/**
 * A tensor as text, to the letter as PyTorch prints it, with our names of dtypes.
 *
 * - `data`: its elements in row-major order; absent where they cannot be read at once
 */
export function format(x: Tensor, data: TypedArray | undefined): string {
  if (data === undefined) return unread(x);
  const prefix = 'tensor(';
  const suffixes: string[] = [];
  if (!isDefaultDevice(x.device)) suffixes.push(`device='${x.device}'`);
  if (x.size === 0) {
    if (x.shape.length !== 1) suffixes.push(sizeText(x.shape));
    if (x.dtype !== getDefaultDtype()) suffixes.push(`dtype=${x.dtype}`);
  } else {
    if (settings.edgeitems === 0) suffixes.push(sizeText(x.shape));
    if (!isImplied(x.dtype)) suffixes.push(`dtype=${x.dtype}`);
  }
  suffixes.push(...gradientText(x));
  const body = x.size === 0 ? '[]' : bodyText(x, data, prefix.length);
  return withSuffixes(prefix + body, suffixes, prefix.length);
}

function unread(x: Tensor): string {
  const facts = [`shape=${showShape(x.shape)}`, `dtype=${x.dtype}`, `device='${x.device}'`];
  return `tensor(${[x.disposed ? 'disposed' : '...', ...facts, ...gradientText(x)].join(', ')})`;
}

const sizeText = (shape: readonly number[]): string =>
  `size=(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;

/** Dtypes that go without saying: what numbers, integers and truths are by default. */
const isImplied = (dtype: DType): boolean =>
  dtype === getDefaultDtype() ||
  dtype === 'int32' ||
  dtype === 'bool' ||
  (dtype === 'complex64' && getDefaultDtype() !== 'float64');

function gradientText(x: Tensor): string[] {
  const node = nodeOf(x);
  if (node === null) return x.requiresGrad ? ['requires_grad=True'] : [];
  const name = node.name.replace(/_$/, '');
  return [`grad_fn=<${name.charAt(0).toUpperCase()}${name.slice(1)}Backward>`];
}

function withSuffixes(text: string, suffixes: readonly string[], indent: number): string {
  let out = text;
  let lastLine = text.length - text.lastIndexOf('\n') + 1;
  for (const suffix of suffixes) {
    if (lastLine + suffix.length + 2 > settings.linewidth) {
      out += `,\n${' '.repeat(indent)}${suffix}`;
      lastLine = indent + suffix.length;
    } else {
      out += `, ${suffix}`;
      lastLine += suffix.length + 2;
    }
  }
  return `${out})`;
}

function bodyText(x: Tensor, data: TypedArray, indent: number): string {
  const summarized = x.size > settings.threshold;
  const elements = summarized ? edges(x.shape) : Array.from({ length: x.size }, (_, i) => i);
  if (!isComplex(x.dtype)) {
    const { width, text } = styleOf(x.dtype, elements, (element) => data[element]!);
    return level({ shape: x.shape, summarized, width, text }, 0, 0, indent);
  }
  const real = styleOf('float32', elements, (element) => data[2 * element]!);
  const imaginary = styleOf('float32', elements, (element) => data[2 * element + 1]!);
  const text = (element: number): string => {
    const second = `${imaginary.text(element)}j`.trimStart();
    return real.text(element) + (/^[+-]/.test(second) ? '' : '+') + second;
  };
  return level({ shape: x.shape, summarized, width: real.width + imaginary.width + 1, text }, 0, 0, indent);
}

/** The elements that a summary shows: the first and last of each dimension. */
function edges(shape: readonly number[]): number[] {
  let shown = [0];
  for (const size of shape) {
    const kept = Array.from({ length: size }, (_, i) => i).filter((i) => !isHidden(i, size));
    shown = shown.flatMap((start) => kept.map((i) => start * size + i));
  }
  return shown;
}

const isHidden = (i: number, size: number): boolean =>
  size > 2 * settings.edgeitems && i >= settings.edgeitems && i < size - settings.edgeitems;

/** How to write elements, from all that will be shown. */
function styleOf(
  dtype: DType,
  elements: readonly number[],
  at: (element: number) => number | bigint,
): ElementStyle {
  if (isFloating(dtype)) return floatStyle(elements, (element) => Number(at(element)));
  const write = dtype === 'bool' ? (value: number | bigint) => (value ? 'True' : 'False') : String;
  return aligned(elements, (element) => write(at(element)));
}

function aligned(elements: readonly number[], write: (element: number) => string): ElementStyle {
  const width = elements.reduce((widest, element) => Math.max(widest, write(element).length), 1);
  return { width, text: (element) => write(element).padStart(width) };
}

/** Whole numbers as `4.`, others with a fixed number of digits, or with exponents where magnitudes lie far apart. */
function floatStyle(elements: readonly number[], at: (element: number) => number): ElementStyle {
  const { precision } = settings;
  const telling = elements.filter((element) => at(element) !== 0 && Number.isFinite(at(element)));
  const whole = telling.every((element) => Number.isInteger(at(element)));
  const inWords = (element: number): string =>
    fixed(at(element), 0) + (Number.isFinite(at(element)) ? '.' : '');
  if (telling.length === 0) return { width: 1, text: inWords };
  const write = isWide(telling, at)
    ? (element: number) => scientific(at(element), precision)
    : whole
      ? inWords
      : (element: number) => fixed(at(element), precision);
  const { width } = aligned(telling, write);
  return { width, text: (element) => write(element).padStart(width) };
}

/** Whether exponents are needed. */
function isWide(elements: readonly number[], at: (element: number) => number): boolean {
  if (settings.sciMode !== null) return settings.sciMode;
  let smallest = Number.POSITIVE_INFINITY;
  let largest = 0;
  for (const element of elements) {
    smallest = Math.min(smallest, Math.abs(at(element)));
    largest = Math.max(largest, Math.abs(at(element)));
  }
  return largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4;
}

/** The part of the tensor from `start` on, from dimension `depth` inwards. */
function level(page: Page, depth: number, start: number, indent: number): string {
  const { shape } = page;
  if (depth === shape.length) return page.text(start);
  const size = shape[depth]!;
  const last = depth === shape.length - 1;
  const parts: string[] = [];
  for (let i = 0; i < size; i++) {
    if (!page.summarized || !isHidden(i, size))
      parts.push(level(page, depth + 1, start * size + i, indent + 1));
    else if (i === settings.edgeitems) parts.push(last && i > 0 ? ' ...' : '...');
  }
  const inner = ' '.repeat(indent + 1);
  if (!last) return `[${parts.join(`,${'\n'.repeat(shape.length - depth - 1)}${inner}`)}]`;
  const perLine = Math.max(1, Math.floor((settings.linewidth - indent) / (page.width + 2)));
  const lines: string[] = [];
  for (let i = 0; i < parts.length; i += perLine) lines.push(parts.slice(i, i + perLine).join(', '));
  return `[${lines.join(`,\n${inner}`)}]`;
}
