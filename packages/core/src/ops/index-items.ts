import { ArgumentError, DTypeError, describe, ShapeError, showShape } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { MAX_RANK, type Shape, sameShape } from '../shape.ts';
import type { DeviceEntry } from '../storage/registry.ts';
import { ne } from './comparison.ts';
import { hostIndices } from './positions.ts';
import { reshape, unsqueeze } from './reshape.ts';
import { ELLIPSIS, isSlice, type Slice } from './slice.ts';
import { select, sliceView } from './slicing.ts';

/** Nested arrays of integers, or of booleans for a mask. */
export type IndexArray = readonly (number | IndexArray)[] | readonly (boolean | IndexArray)[];

/**
 * What stands at one place of `x[…]`: a number takes one slice, `slice(…)` a part, `ELLIPSIS` all dimensions not named,
 * `null` makes a new dimension; integers in arrays or tensors take slices one by one, masks those that are true.
 */
export type IndexItem = number | Slice | typeof ELLIPSIS | null | boolean | IndexArray | Tensor;

/** An index that is no view: positions, or a mask, for `span` dimensions from `dim` on. */
export interface Advanced {
  readonly dim: number;
  readonly span: number;
  /** Positions in the dimension, or in the spanned dimensions together; may be negative unless `trusted`. */
  readonly index: Tensor | null;
  /** Truths of the spanned dimensions; the positions are where they hold. */
  readonly mask: Tensor | null;
  /** A tensor of one integer without dimensions: it takes one slice, as a number does. */
  readonly isSingle: boolean;
}

/** What is left of `x[…]` after its views: a view, and indices into some of its dimensions in rising order. */
export interface Indexed {
  readonly view: Tensor;
  readonly advanced: readonly Advanced[];
}

/** An item with what is known of it from the start. */
type Parsed =
  | { readonly kind: 'number'; readonly at: number }
  | { readonly kind: 'slice'; readonly slice: Slice }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'newAxis' }
  | { readonly kind: 'truth'; readonly value: boolean }
  | { readonly kind: 'mask'; readonly mask: Tensor }
  | { readonly kind: 'index'; readonly index: Tensor; readonly isSingle: boolean }
  | { readonly kind: 'positions'; readonly values: readonly number[]; readonly shape: Shape };

function parse(op: string, item: unknown, entry: DeviceEntry): Parsed {
  if (item === null) return { kind: 'newAxis' };
  if (item === ELLIPSIS) return { kind: 'ellipsis' };
  if (typeof item === 'boolean') return { kind: 'truth', value: item };
  if (typeof item === 'number') {
    if (!Number.isInteger(item))
      throw new ArgumentError(`${op}: an index must be an integer, got ${item}`, { op });
    return { kind: 'number', at: item };
  }
  if (isSlice(item)) return { kind: 'slice', slice: item };
  if (isTensor(item)) return parseTensor(op, item);
  if (Array.isArray(item)) return parseArray(op, item, entry);
  throw new ArgumentError(
    `${op}: an index is a number, slice(…), ELLIPSIS, null, a boolean, an array or a tensor; got ${describe(item)}`,
    { op },
  );
}

function parseTensor(op: string, index: Tensor): Parsed {
  switch (index.dtype) {
    case 'bool':
      return { kind: 'mask', mask: index };
    case 'uint8':
      return { kind: 'mask', mask: ne(index, 0) };
    case 'int32':
    case 'int64':
      return { kind: 'index', index, isSingle: index.shape.length === 0 };
    default:
      throw new DTypeError(
        `${op}: an index must be int32, int64 or bool, got ${index.dtype}; convert it: to({ dtype: 'int32' })`,
        { op },
      );
  }
}

function parseArray(op: string, array: readonly unknown[], entry: DeviceEntry): Parsed {
  const shape: number[] = [];
  for (let level: unknown = array; Array.isArray(level); level = level[0]) shape.push(level.length);
  const values: (number | boolean)[] = [];
  const ragged = (): ShapeError =>
    new ShapeError(
      `${op}: an array of indices must have rows of one length; its first are ${showShape(shape)}`,
      { op },
    );
  const visit = (level: unknown, depth: number): void => {
    if (!Array.isArray(level)) {
      if (depth !== shape.length) throw ragged();
      if (typeof level !== 'boolean' && !Number.isInteger(level))
        throw new ArgumentError(
          `${op}: an array of indices holds integers or booleans, got ${describe(level)}`,
          { op },
        );
      values.push(level as number | boolean); // Just checked.
      return;
    }
    if (level.length !== shape[depth]) throw ragged();
    for (const inner of level) visit(inner, depth + 1);
  };
  visit(array, 0);
  const truths = values.filter((value) => typeof value === 'boolean').length;
  if (truths > 0 && truths < values.length)
    throw new ArgumentError(`${op}: an array of indices holds integers or booleans, not both`, { op });
  const numbers = values.map(Number);
  return truths > 0
    ? { kind: 'mask', mask: ne(hostIndices(entry, numbers, shape), 0) }
    : { kind: 'positions', values: numbers, shape };
}

/** How many dimensions of the tensor an item stands for. */
function spanOf(item: Parsed): number {
  switch (item.kind) {
    case 'ellipsis':
    case 'newAxis':
    case 'truth':
      return 0;
    case 'mask':
      return item.mask.shape.length;
    case 'number':
    case 'slice':
    case 'index':
    case 'positions':
      return 1;
  }
}

/**
 * Applies the items that make views, and gathers the others.
 *
 * @throws {ShapeError} there are more items than dimensions, a mask does not fit, or a number is out of range.
 */
export function applyViews(op: string, x: Tensor, items: readonly unknown[]): Indexed {
  const parsed = items.map((item) => parse(op, item, x.entry));
  if (parsed.filter(({ kind }) => kind === 'ellipsis').length > 1)
    throw new ArgumentError(`${op}: ELLIPSIS may stand once, as it takes all dimensions that are left`, {
      op,
    });
  const named = parsed.reduce((count, item) => count + spanOf(item), 0);
  if (named > x.shape.length)
    throw new ShapeError(
      `${op}: ${named} indices are too many for ${showShape(x.shape)}, which has ${x.shape.length} dimensions`,
      { op },
    );
  let view = x;
  let dim = 0;
  const advanced: Advanced[] = [];
  const advance = (span: number, more: Partial<Advanced>): void => {
    advanced.push({ dim, span, index: null, mask: null, isSingle: false, ...more });
    dim += span;
  };
  const widen = (): void => {
    if (view.shape.length === MAX_RANK)
      throw new ShapeError(
        `${op}: a new dimension for ${showShape(view.shape)} makes more than ${MAX_RANK}, which is the most`,
        { op },
      );
    view = unsqueeze(view, dim);
  };
  for (const item of parsed) {
    switch (item.kind) {
      case 'number':
        checkBounds(op, item.at, dim, view.shape);
        view = select(view, dim, item.at);
        break;
      case 'slice':
        view = sliceView(
          view,
          dim,
          item.slice.start ?? 0,
          item.slice.stop ?? view.shape[dim]!,
          item.slice.step,
        );
        dim += 1;
        break;
      case 'ellipsis':
        dim += x.shape.length - named;
        break;
      case 'newAxis':
        widen();
        dim += 1;
        break;
      case 'truth':
        widen();
        advance(1, { index: hostIndices(x.entry, item.value ? [0] : [], [item.value ? 1 : 0]) });
        break;
      case 'mask':
        if (item.mask.shape.length === 0) {
          widen();
          advance(1, { mask: reshape(item.mask, [1]) });
        } else {
          checkMaskShape(op, item.mask.shape, view.shape, dim);
          advance(item.mask.shape.length, { mask: item.mask });
        }
        break;
      case 'index':
        advance(1, { index: item.index, isSingle: item.isSingle });
        break;
      case 'positions':
        for (const value of item.values) checkBounds(op, value, dim, view.shape);
        advance(1, { index: hostIndices(x.entry, item.values, item.shape) });
        break;
    }
  }
  return { view, advanced };
}

function checkBounds(op: string, index: number, dim: number, shape: Shape): void {
  const size = shape[dim]!;
  if (index < -size || index >= size)
    throw new ShapeError(
      `${op}: index ${index} is out of range for dim ${dim} of size ${size}; the shape is ${showShape(shape)}`,
      { op },
    );
}

function checkMaskShape(op: string, mask: Shape, shape: Shape, dim: number): void {
  const covered = shape.slice(dim, dim + mask.length);
  if (!sameShape(mask, covered)) {
    throw new ShapeError(
      `${op}: a mask of shape ${showShape(mask)} does not fit dims ${dim} to ${dim + mask.length - 1} of ${showShape(shape)}`,
      { op },
    );
  }
}
