import { type FunctionBuilder, i32, type ModuleBuilder, Type } from '../assembler/index.ts';
import { advance, at, atElement, countUp, locals } from '../emit.ts';
import { exp } from '../functions/exponential.ts';
import { log } from '../functions/logarithm.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Element, Lane } from '../matmul/lane.ts';
import { addPacked } from '../matmul/packed.ts';
import type { Tile } from '../matmul/tile.ts';
import { Row } from '../rows/row.ts';

/** Queries whose scores are computed at once: whole tiles of a product. */
export const BLOCK_QUERIES = 120;

/** What a mask holds. */
export const MaskKind = { none: 0, truths: 1, scores: 2 } as const;

/** What is the same for all entries of a call, in this order, before the number `scale`; strides are in bytes. */
export const SHARED = [
  'queries',
  'keys',
  'features',
  'valueFeatures',
  'queryRow',
  'keyRow',
  'valueRow',
  'outRow',
  'gradientRow',
  'maskKind',
  'maskRow',
  'maskStep',
  'causal',
] as const;

/** Addresses of an entry: one matrix of queries, with the keys and values that it meets. */
export const FORWARD_ENTRY = ['query', 'key', 'value', 'mask', 'y', 'logsumexp', 'first', 'rows'] as const;
export const BACKWARD_ENTRY = [
  'query',
  'key',
  'value',
  'mask',
  'y',
  'logsumexp',
  'dy',
  'dquery',
  'dkey',
  'dvalue',
] as const;

type Shared = Readonly<Record<(typeof SHARED)[number], number>>;

const ENTRY = 0;
const FIRST_SHARED = 1;
const SCALE = FIRST_SHARED + SHARED.length;
const WORKSPACE = SCALE + 1;

interface Context {
  readonly f: FunctionBuilder;
  readonly lane: Lane;
  readonly relaxed: boolean;
  readonly product: number;
  readonly shared: Shared;
  /** Where the workspace of products begins, and that of their packed right sides. */
  readonly left: number;
  readonly right: number;
}

/** Locals filled with the words of the entry. */
function loadEntry<N extends string>(f: FunctionBuilder, names: readonly N[]): Record<N, number> {
  const entry = {} as Record<N, number>;
  for (const [i, name] of names.entries()) {
    const local = f.local(Type.i32);
    f.get(ENTRY)
      .memory(i32.load, i * 4)
      .set(local);
    entry[name] = local;
  }
  return entry;
}

interface Factor {
  readonly address: number;
  /** Bytes from row to row and from column to column: locals, or the size of an element. */
  readonly row: number | 'element';
  readonly column: number | 'element';
}

/** `out = a · b`, or `out += a · b`; all sizes and strides are locals. */
function multiply(
  { f, lane, product, left, right }: Context,
  sizes: { readonly rows: number; readonly columns: number; readonly depth: number },
  a: Factor,
  b: Factor,
  out: { readonly address: number; readonly row: number; readonly adds: boolean },
): void {
  const step = (stride: number | 'element'): void =>
    void (stride === 'element' ? f.i32(lane.bytes) : f.get(stride));
  f.get(sizes.rows).get(sizes.columns).get(sizes.depth);
  for (const { address, row, column } of [a, b]) {
    f.get(address);
    step(row);
    step(column);
  }
  f.get(out.address).get(out.row);
  if (out.adds) f.get(out.address).get(out.row);
  else f.i32(0).i32(0);
  f.get(left).get(right).call(product);
}

/** Adds a row of the mask to `scores`, or takes out what it hides. */
function applyMask({ f, lane, shared }: Context, mask: number, scores: number, visible: number): void {
  const [j, from, to] = locals(f, Type.i32, 3);
  f.get(shared.maskKind).if(() => {
    f.get(mask).set(from).get(scores).set(to);
    countUp(f, j, visible, 1, () => {
      f.get(shared.maskKind).i32(MaskKind.truths).op(i32.eq);
      f.if(
        () =>
          f
            .get(from)
            .memory(i32.load8U)
            .op(i32.eqz)
            .if(() => {
              f.get(to);
              if (lane.bytes === 4) f.f32(Number.NEGATIVE_INFINITY);
              else f.f64(Number.NEGATIVE_INFINITY);
              f.memory(lane.store);
            }),
        () =>
          f.get(to).get(to).memory(lane.load).get(from).memory(lane.load).op(lane.addOne).memory(lane.store),
      );
      advance(f, from, shared.maskStep).increase(to, lane.bytes);
    });
  });
}

/** Sets `visible` to the keys that are seen by queries up to `last`, which is left out. */
function countVisible({ f, shared }: Context, last: number, visible: number): void {
  f.get(shared.keys).set(visible);
  f.get(shared.causal).if(() => {
    f.get(last).get(shared.keys).get(last).get(shared.keys).op(i32.ltS).select().set(visible);
  });
}

/** Fills what lies behind the first `visible` of `width` elements with zeros. */
function zeroRest({ f, lane }: Context, row: number, visible: number, width: number): void {
  const [j, to] = locals(f, Type.i32, 2);
  f.get(visible).set(j);
  atElement(f, row, visible, lane.bytes).set(to);
  f.block((end) =>
    f.loop((again) => {
      f.get(j).get(width).op(i32.geS).brIf(end);
      f.get(to);
      if (lane.bytes === 4) f.f32(0);
      else f.f64(0);
      f.memory(lane.store);
      f.increase(to, lane.bytes).increase(j, 1).br(again);
    }),
  );
}

/** Goes over the rows of a block: `scores` and what else moves, with the keys that each may see in `visible`. */
function overRows(
  context: Context,
  { rows, first, width }: { readonly rows: number; readonly first: number; readonly width: number },
  moving: readonly { readonly address: number; readonly step: number | 'element' }[],
  body: (row: Row, places: readonly number[], visible: number) => void,
): void {
  const { f, lane, relaxed } = context;
  const [i, last, visible] = locals(f, Type.i32, 3);
  const places = locals(f, Type.i32, moving.length);
  for (const [k, { address }] of moving.entries()) f.get(address).set(places[k]!);
  countUp(f, i, rows, 1, () => {
    f.get(first).get(i).op(i32.add).i32(1).op(i32.add).set(last);
    countVisible(context, last, visible);
    body(new Row(f, lane, relaxed, visible), places, visible);
    zeroRest(context, places[0]!, visible, width);
    for (const [k, { step }] of moving.entries()) {
      if (step === 'element') f.increase(places[k]!, lane.bytes);
      else advance(f, places[k]!, step);
    }
  });
}

/** Makes scores products times the scale, with the mask. */
function finishScores(context: Context, row: Row, scores: number, mask: number, visible: number): void {
  const scale = row.number(SCALE);
  row.each([scores], ({ load, store }, [place]) => store(place!, row.F.mul(load(place!), scale)));
  applyMask(context, mask, scores, visible);
}

/** Turns a row of scores into weights, and keeps their log-sum-exp. */
function softmaxRow(row: Row, scores: number, logsumexp: number): void {
  const { F, ops } = row;
  const top = row.largest(scores);
  const shift = F.select(F.eq(top, F.c(Number.NEGATIVE_INFINITY)), F.c(0), top);
  const sum = row.accumulator(0);
  row.each([scores], ({ load, store, valid }, [place]) => {
    const weight = exp(F, F.sub(load(place!), shift));
    store(place!, weight);
    row.assign(sum, F.add(sum, valid(weight, 0)));
  });
  const total = row.across(sum, ops.add);
  // A row that sees nothing: all its scores are -∞.
  const blind = F.eq(total, F.c(0));
  const by = F.select(blind, F.c(0), F.div(F.c(1), total));
  row.each([scores], ({ load, store }, [place]) => store(place!, F.mul(load(place!), by)));
  row.storeOne(logsumexp, F.select(blind, top, F.add(top, log(F, total))));
}

/** Turns a row of scores into weights by their log-sum-exp. */
function weightsRow(row: Row, scores: number, logsumexp: number): void {
  const { F } = row;
  const total = row.splat(logsumexp);
  const blind = F.eq(total, F.c(Number.NEGATIVE_INFINITY));
  row.each([scores], ({ load, store }, [place]) =>
    store(place!, F.select(blind, F.c(0), exp(F, F.sub(load(place!), total)))),
  );
}

/** The sum of the products of two rows of `length` elements, in every lane. */
function dot(f: FunctionBuilder, lane: Lane, relaxed: boolean, length: number, a: number, b: number): Reg {
  const row = new Row(f, lane, relaxed, length);
  const [sum] = row.fold(1, [a, b], ({ load, valid }, [x, y], [held]) => [
    row.F.madd(valid(load(x!), 0), load(y!), held!),
  ]);
  return row.across(sum, row.ops.add);
}

/**
 * Attention over entries, as exports:
 * - `attention(entry, …shared, scale, workspace, left, right)`: a block of queries
 * - `attentionBackward(entry, …shared, scale, workspace, left, right)`: all queries of a matrix, block by block; adds to
 *   `dkey` and `dvalue`
 *
 * `workspace` has room for the scores of a block, the gradient for them twice; `left` and `right` for packed factors.
 */
export function addAttention(module: ModuleBuilder, element: Element, tile: Tile): void {
  const { product } = addPacked(module, element, tile);
  const { lane } = element;
  const types = [...new Array<Type>(SCALE).fill(Type.i32), Type.f64, ...new Array<Type>(3).fill(Type.i32)];
  const contextOf = (f: FunctionBuilder): Context => ({
    f,
    lane,
    relaxed: tile.relaxed,
    product,
    // One local after the other.
    shared: Object.fromEntries(SHARED.map((name, i) => [name, FIRST_SHARED + i])) as Shared,
    left: WORKSPACE + 1,
    right: WORKSPACE + 2,
  });
  module.export('attention', types, [], (f) => addForward(contextOf(f)));
  module.export('attentionBackward', types, [], (f) => addBackward(contextOf(f)));
}

const E = 'element' as const;

function addForward(context: Context): void {
  const { f, lane, shared } = context;
  const { query, key, value, mask, y, logsumexp, first, rows } = loadEntry(f, FORWARD_ENTRY);
  const [last, width, wide] = locals(f, Type.i32, 3);
  f.get(first).get(rows).op(i32.add).set(last);
  countVisible(context, last, width);
  f.get(width).i32(lane.bytes).op(i32.mul).set(wide);
  const scores = WORKSPACE;
  multiply(
    context,
    { rows, columns: width, depth: shared.features },
    { address: query, row: shared.queryRow, column: E },
    { address: key, row: E, column: shared.keyRow },
    { address: scores, row: wide, adds: false },
  );
  const moving = [
    { address: scores, step: wide },
    { address: mask, step: shared.maskRow },
    { address: logsumexp, step: E },
  ];
  overRows(context, { rows, first, width }, moving, (row, [at, hidden, total], visible) => {
    finishScores(context, row, at!, hidden!, visible);
    softmaxRow(row, at!, total!);
  });
  multiply(
    context,
    { rows, columns: shared.valueFeatures, depth: width },
    { address: scores, row: wide, column: E },
    { address: value, row: shared.valueRow, column: E },
    { address: y, row: shared.outRow, adds: false },
  );
}

function addBackward(context: Context): void {
  const { f, lane, relaxed, shared } = context;
  const entry = loadEntry(f, BACKWARD_ENTRY);
  const { key, value, dkey, dvalue } = entry;
  const [first, rows, last, width, wide, weights, gradient, keyWidth, valueWidth] = locals(f, Type.i32, 9);
  const [query, dy, y, dquery, mask, logsumexp] = locals(f, Type.i32, 6);
  f.get(shared.features).i32(lane.bytes).op(i32.mul).set(keyWidth);
  f.get(shared.valueFeatures).i32(lane.bytes).op(i32.mul).set(valueWidth);
  countUp(f, first, shared.queries, BLOCK_QUERIES, () => {
    const rest = (): FunctionBuilder => f.get(shared.queries).get(first).op(i32.sub);
    rest().i32(BLOCK_QUERIES);
    rest().i32(BLOCK_QUERIES).op(i32.ltS).select().set(rows);
    for (const [target, base, step] of [
      [query, entry.query, shared.queryRow],
      [dy, entry.dy, shared.gradientRow],
      [y, entry.y, shared.outRow],
      [dquery, entry.dquery, keyWidth],
      [mask, entry.mask, shared.maskRow],
    ] as const)
      at(f, base, first, step).set(target);
    atElement(f, entry.logsumexp, first, lane.bytes).set(logsumexp);
    f.get(first).get(rows).op(i32.add).set(last);
    countVisible(context, last, width);
    f.get(width).i32(lane.bytes).op(i32.mul).set(wide);
    f.get(WORKSPACE).set(weights);
    at(f, weights, rows, wide).set(gradient);
    multiply(
      context,
      { rows, columns: width, depth: shared.features },
      { address: query, row: shared.queryRow, column: E },
      { address: key, row: E, column: shared.keyRow },
      { address: weights, row: wide, adds: false },
    );
    multiply(
      context,
      { rows, columns: width, depth: shared.valueFeatures },
      { address: dy, row: shared.gradientRow, column: E },
      { address: value, row: E, column: shared.valueRow },
      { address: gradient, row: wide, adds: false },
    );
    const moving = [
      { address: weights, step: wide },
      { address: gradient, step: wide },
      { address: mask, step: shared.maskRow },
      { address: logsumexp, step: E },
      { address: dy, step: shared.gradientRow },
      { address: y, step: shared.outRow },
    ];
    overRows(context, { rows, first, width }, moving, (row, [at, d, hidden, total, up, out], visible) => {
      const { F } = row;
      finishScores(context, row, at!, hidden!, visible);
      weightsRow(row, at!, total!);
      const level = dot(f, lane, relaxed, shared.valueFeatures, up!, out!);
      const scale = row.number(SCALE);
      row.each([at!, d!], ({ load, store }, [weight, place]) =>
        store(place!, F.mul(F.mul(load(weight!), F.sub(load(place!), level)), scale)),
      );
      zeroRest(context, d!, visible, width);
    });
    multiply(
      context,
      { rows, columns: shared.features, depth: width },
      { address: gradient, row: wide, column: E },
      { address: key, row: shared.keyRow, column: E },
      { address: dquery, row: keyWidth, adds: false },
    );
    multiply(
      context,
      { rows: width, columns: shared.features, depth: rows },
      { address: gradient, row: E, column: wide },
      { address: query, row: shared.queryRow, column: E },
      { address: dkey, row: keyWidth, adds: true },
    );
    multiply(
      context,
      { rows: width, columns: shared.valueFeatures, depth: rows },
      { address: weights, row: E, column: wide },
      { address: dy, row: shared.gradientRow, column: E },
      { address: dvalue, row: valueWidth, adds: true },
    );
  });
}
