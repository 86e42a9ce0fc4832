import { ELLIPSIS, type IndexItem, isTensor, type Slice, slice, type Tensor, tensor } from '@flambeau/core';
import fc from 'fast-check';

/** What `x[…]` gives, as positions of `x` in row-major order: the slow way, element by element. */
export interface Picked {
  readonly shape: readonly number[];
  readonly positions: readonly number[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** All indices of a shape, in row-major order. */
export function* indicesOf(shape: readonly number[]): Generator<number[]> {
  for (let flat = 0; flat < sizeOf(shape); flat++) {
    const index = new Array<number>(shape.length).fill(0);
    let rest = flat;
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      index[dim] = rest % shape[dim]!;
      rest = Math.floor(rest / shape[dim]!);
    }
    yield index;
  }
}

export const positionOf = (index: readonly number[], shape: readonly number[]): number =>
  index.reduce((position, i, dim) => position * shape[dim]! + i, 0);

/** One dimension of the result: walked, or part of the block that index arrays make. */
type Axis =
  | {
      readonly kind: 'walk';
      readonly source: number | null;
      readonly start: number;
      readonly step: number;
      readonly size: number;
    }
  | { readonly kind: 'fixed'; readonly source: number; readonly at: number }
  | {
      readonly kind: 'array';
      readonly source: number | null;
      readonly shape: readonly number[];
      readonly values: readonly number[];
    };

const nested = (value: unknown): { shape: number[]; values: (number | boolean)[] } => {
  if (!Array.isArray(value)) return { shape: [], values: [value as number | boolean] };
  const inner = value.map(nested);
  return { shape: [value.length, ...(inner[0]?.shape ?? [])], values: inner.flatMap(({ values }) => values) };
};

function axesOf(shape: readonly number[], items: readonly IndexItem[]): Axis[] {
  const spans = items.map((item): number => {
    if (item === null || item === ELLIPSIS || typeof item === 'boolean') return 0;
    if (isTensor(item)) return item.dtype === 'bool' ? item.shape.length : 1;
    return Array.isArray(item) && typeof nested(item).values[0] === 'boolean' ? nested(item).shape.length : 1;
  });
  const named = spans.reduce((a, b) => a + b, 0);
  const full = items.includes(ELLIPSIS) ? items : [...items, ELLIPSIS];
  const axes: Axis[] = [];
  let dim = 0;
  full.forEach((item) => {
    if (item === ELLIPSIS) {
      for (let k = 0; k < shape.length - named; k++) {
        axes.push({ kind: 'walk', source: dim, start: 0, step: 1, size: shape[dim]! });
        dim += 1;
      }
    } else if (item === null) {
      axes.push({ kind: 'walk', source: null, start: 0, step: 1, size: 1 });
    } else if (typeof item === 'boolean') {
      axes.push({ kind: 'array', source: null, shape: [item ? 1 : 0], values: item ? [0] : [] });
    } else if (typeof item === 'number') {
      axes.push({ kind: 'fixed', source: dim, at: item < 0 ? item + shape[dim]! : item });
      dim += 1;
    } else if (isTensor(item) || Array.isArray(item)) {
      const values = isTensor(item) ? Array.from(item.dataSync(), Number) : nested(item).values;
      const own = isTensor(item) ? item.shape : nested(item).shape;
      if (typeof values[0] === 'boolean' || (isTensor(item) && item.dtype === 'bool')) {
        const hits = [...indicesOf(own)].filter((_, k) => values[k]);
        for (const k of own.keys())
          axes.push({
            kind: 'array',
            source: dim + k,
            shape: [hits.length],
            values: hits.map((hit) => hit[k]!),
          });
        dim += own.length;
      } else if (isTensor(item) && own.length === 0) {
        axes.push({
          kind: 'fixed',
          source: dim,
          at: Number(values[0]) < 0 ? Number(values[0]) + shape[dim]! : Number(values[0]),
        });
        dim += 1;
      } else {
        axes.push({
          kind: 'array',
          source: dim,
          shape: own,
          values: values.map((v) => (Number(v) < 0 ? Number(v) + shape[dim]! : Number(v))),
        });
        dim += 1;
      }
    } else {
      const { start, stop, step } = item as Slice;
      const size = shape[dim]!;
      const clip = (bound: number): number => Math.min(Math.max(bound < 0 ? bound + size : bound, 0), size);
      const from = clip(start ?? 0);
      let count = 0;
      for (let at = from; at < clip(stop ?? size); at += step) count += 1;
      axes.push({ kind: 'walk', source: dim, start: from, step, size: count });
      dim += 1;
    }
  });
  return axes;
}

export function pick(shape: readonly number[], items: readonly IndexItem[]): Picked {
  const axes = axesOf(shape, items).filter((axis) => axis.kind !== 'fixed');
  const fixed = axesOf(shape, items).filter((axis) => axis.kind === 'fixed');
  const arrays = axes.filter((axis) => axis.kind === 'array');
  const rank = Math.max(0, ...arrays.map((axis) => axis.shape.length));
  const block = Array.from({ length: rank }, (_, k) => {
    const sizes = arrays.map((axis) => axis.shape[axis.shape.length - rank + k] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
  const first = axes.findIndex((axis) => axis.kind === 'array');
  const last = axes.findLastIndex((axis) => axis.kind === 'array');
  const parted = arrays.length > 0 && axes.slice(first, last).some((axis) => axis.kind !== 'array');
  const walks = axes.filter((axis) => axis.kind === 'walk');
  const place = arrays.length === 0 || parted ? 0 : axes.slice(0, first).length;
  const sizes = walks.map(({ size }) => size);
  const result = arrays.length === 0 ? sizes : [...sizes.slice(0, place), ...block, ...sizes.slice(place)];
  const positions = [...indicesOf(result)].map((index) => {
    const source = new Array<number>(shape.length).fill(0);
    for (const axis of fixed) source[axis.source] = axis.at;
    const inBlock = arrays.length === 0 ? [] : index.slice(place, place + rank);
    const walked = arrays.length === 0 ? index : [...index.slice(0, place), ...index.slice(place + rank)];
    walks.forEach((axis, k) => {
      if (axis.source !== null) source[axis.source] = axis.start + walked[k]! * axis.step;
    });
    for (const axis of arrays) {
      if (axis.source === null) continue;
      const own = axis.shape.map((size, k) => (size === 1 ? 0 : inBlock[rank - axis.shape.length + k]!));
      source[axis.source] = axis.values[positionOf(own, axis.shape)]!;
    }
    return positionOf(source, shape);
  });
  return { shape: result, positions };
}

const bound = (size: number) => fc.option(fc.integer({ min: -size - 2, max: size + 2 }), { nil: undefined });

const sliceOf = (size: number) =>
  fc
    .tuple(bound(size), bound(size), fc.integer({ min: 1, max: 3 }))
    .map(([start, stop, step]) => slice(start, stop, step));

const within = (size: number) => fc.integer({ min: -size, max: size - 1 });

/** Shapes that broadcast together, for index arrays of one call. */
const BLOCKS: readonly (readonly number[])[] = [[2], [1], [3, 1], [3, 2], [1, 2]];

const filled = (shape: readonly number[], element: fc.Arbitrary<number>): fc.Arbitrary<unknown> =>
  shape.length === 0
    ? element
    : fc.array(filled(shape.slice(1), element), { minLength: shape[0]!, maxLength: shape[0]! });

const positionsOf = (size: number): fc.Arbitrary<IndexItem> =>
  fc
    .constantFrom(...BLOCKS)
    .chain((block) =>
      fc
        .tuple(filled(block, within(size)), fc.constantFrom('array', 'int32', 'int64'))
        .map(([values, form]) =>
          form === 'array'
            ? (values as number[])
            : tensor(values as number[], { dtype: form as 'int32' | 'int64' }),
        ),
    );

const scalarOf = (size: number): fc.Arbitrary<IndexItem> =>
  within(size).map((at) => tensor(at, { dtype: 'int32' }));

const maskOf = (shape: readonly number[]): fc.Arbitrary<IndexItem> =>
  fc
    .array(fc.boolean(), { minLength: sizeOf(shape), maxLength: sizeOf(shape) })
    .map((truths) => tensor(truths, { dtype: 'bool' }).reshape([...shape]));

export interface IndexCase {
  readonly shape: readonly number[];
  readonly items: readonly IndexItem[];
}

export const shapes = (options: {
  readonly maxRank: number;
  readonly minSize?: number;
}): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: options.minSize ?? 0, max: 4 }), { maxLength: options.maxRank });

/** A shape and items that fit it: views, arrays of positions, or one mask among views. */
export const indexCases: fc.Arbitrary<IndexCase> = shapes({ maxRank: 4 }).chain((shape) =>
  fc
    .tuple(
      fc.integer({ min: 0, max: shape.length }),
      fc.integer({ min: 0, max: shape.length }),
      fc.constantFrom('views', 'positions', 'mask'),
    )
    .chain(([cut, maskAt, flavour]) => {
      const kinds: fc.Arbitrary<readonly IndexItem[]>[] = [];
      for (let dim = 0; dim < shape.length; dim++) {
        const size = shape[dim]!;
        if (flavour === 'mask' && dim === maskAt) {
          const span = Math.min(shape.length - dim, 1 + (cut % 2));
          kinds.push(maskOf(shape.slice(dim, dim + span)).map((mask) => [mask]));
          dim += span - 1;
          continue;
        }
        const one: fc.Arbitrary<IndexItem>[] = [sliceOf(size)];
        if (size > 0) one.push(within(size));
        if (size > 0 && flavour === 'positions')
          one.push(positionsOf(size), positionsOf(size), scalarOf(size));
        const item: fc.Arbitrary<readonly IndexItem[]> = fc.oneof(...one).map((given) => [given]);
        kinds.push(
          shape.length < 4
            ? fc.oneof(
                { weight: 4, arbitrary: item },
                { weight: 1, arbitrary: item.map((given) => [null, ...given]) },
              )
            : item,
        );
      }
      const items =
        kinds.length === 0
          ? fc.constant([] as readonly IndexItem[])
          : fc.tuple(...kinds).map((given) => given.flat());
      return fc.tuple(items, fc.boolean()).map(([given, ellipsis]) => ({
        shape,
        items: ellipsis && flavour !== 'mask' ? shortened(given, cut) : given,
      }));
    }),
);

/** The items up to `cut` and an ELLIPSIS for those that are left. */
const shortened = (items: readonly IndexItem[], cut: number): readonly IndexItem[] => [
  ...items.slice(0, cut),
  ELLIPSIS,
];

export const show = (items: readonly IndexItem[]): string =>
  items
    .map((item) => (isTensor(item) ? String(item) : typeof item === 'symbol' ? '…' : JSON.stringify(item)))
    .join(' | ');

/** The elements in row-major order. */
export const flat = (x: Tensor): number[] => Array.from(x.dataSync(), Number);
