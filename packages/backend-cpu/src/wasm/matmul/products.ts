import { OutOfMemoryError } from '@flambeau/core/backend';
import type { Code } from '../../threads/code.ts';
import type { ThreadPool, Work } from '../../threads/pool.ts';
import type { MatmulCodes } from './code.ts';
import { type Element, isPlain } from './lane.ts';
import { BLOCK_COLUMNS, BLOCK_DEPTH, BLOCK_ROWS } from './packed.ts';
import { columnsOf, ROWS, TILE_BYTES } from './tile.ts';

/** Sizes of a product and the strides of its operands, in elements; the columns of the output lie side by side. */
export interface Factors {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly aRow: number;
  readonly aStep: number;
  readonly bStep: number;
  readonly bColumn: number;
  readonly ld: number;
}

/** What is added to a product: at an address, with the bytes from row to row. */
export interface Base {
  readonly address: number;
  readonly ld: number;
}

const NO_BASE: Base = { address: 0, ld: 0 };

/** Bytes from one matrix of a batch to the next. */
export interface BatchSteps {
  readonly a: number;
  readonly b: number;
  readonly out: number;
}

/** A call of one of the exported products, and what splitting it by rows, columns or matrices adds to its arguments. */
interface Call {
  readonly name: 'direct' | 'dots' | 'product';
  readonly args: number[];
  /** Positions of the arguments that a row, a column, a matrix moves, with bytes. */
  readonly byRow: readonly (readonly [at: number, bytes: number])[];
  readonly byColumn: readonly (readonly [at: number, bytes: number])[];
  readonly places: { readonly a: number; readonly b: number; readonly out: number; readonly base: number };
}

/** Multiplications and additions in a nanosecond, about: to judge what is worth sharing. */
const PER_NANOSECOND = 25;
/** The most multiplications for which reading operands where they lie beats packing. */
const SMALL = 96 ** 3;
const FEW = 8;
/** The most rows that read a `b` where it lies, while it stays in the second cache, and from end to end. */
const FEW_ROWS = 16;
const FEWEST_ROWS = 4;
const SECOND_CACHE = 2 ** 20;
/** Products that take longer are divided once more, so that a thread that comes late does less. */
const LONG_NS = 1e6;

/** The next multiple of `step`. */
export const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/** Runs products of matrices in the heap, by the kernel and on the threads that suit their sizes. */
export class Products {
  private readonly pool: ThreadPool;
  readonly codes: MatmulCodes;

  constructor(pool: ThreadPool, codes: MatmulCodes) {
    this.pool = pool;
    this.codes = codes;
  }

  /** `count` products, or one with something added. Addresses and `steps` are in bytes. */
  run(
    element: Element,
    factors: Factors,
    a: number,
    b: number,
    out: number,
    count: number,
    steps: BatchSteps,
    base: Base = NO_BASE,
  ): void {
    if (isPlain(element)) {
      this.plain(element, factors, a, b, out, count, steps, base);
      return;
    }
    const { rows, columns, ld } = factors;
    const code = this.codes.code(element);
    const byteLength = rows * columns * element.lane.bytes;
    const wide = this.workspace(byteLength);
    try {
      for (let i = 0; i < count; i++) {
        this.plain(
          element,
          { ...factors, ld: columns },
          a + i * steps.a,
          b + i * steps.b,
          wide,
          1,
          steps,
          NO_BASE,
        );
        code.functions.narrow!(wide, out + i * steps.out, ld * element.bytes, rows, columns);
      }
    } finally {
      this.pool.heap.free(wide, byteLength);
    }
  }

  private plain(
    element: Element,
    factors: Factors,
    a: number,
    b: number,
    out: number,
    count: number,
    steps: BatchSteps,
    base: Base,
  ): void {
    const { rows, columns, depth } = factors;
    const { pool } = this;
    const code = this.codes.code(element);
    const name = kindOf(element, factors);
    const thin = Math.min(rows, columns) <= FEW ? 4 : 1;
    const each = (rows * columns * depth * thin) / PER_NANOSECOND;
    const threads = pool.width(each * count);
    const call = callOf(element, name, factors, a, b, out, base);
    const byteLength = name === 'product' ? this.addWorkspace(call, element, factors, threads) : 0;
    try {
      if (threads > 1)
        this.share(code, call, element, factors, count, steps, threads, byteLength / threads, each);
      else this.alone(code, call, count, steps);
    } finally {
      if (byteLength > 0) pool.heap.free(call.args[WORKSPACE]!, byteLength);
    }
  }

  /** One after the other on this thread. */
  private alone(code: Code, { name, args, places }: Call, count: number, steps: BatchSteps): void {
    const kernel = code.functions[name]!;
    for (let i = 0; i < count; i++) {
      if (i > 0) {
        args[places.a]! += steps.a;
        args[places.b]! += steps.b;
        args[places.out]! += steps.out;
      }
      kernel(...args);
    }
  }

  /**
   * Matrices, rows or columns spread over threads, each of which packs for itself: what another one packed lies in
   * the other one's cache, and fetching it from there takes longer.
   */
  private share(
    code: Code,
    call: Call,
    element: Element,
    { rows, columns }: Factors,
    count: number,
    steps: BatchSteps,
    threads: number,
    workspace: number,
    nanoseconds: number,
  ): void {
    const { name, args, places } = call;
    const own = {
      steps: args.map((_, i) => (name === 'product' && i >= WORKSPACE ? workspace : 0)),
      threads,
    };
    const grown = (pairs: readonly (readonly [number, number])[], by: number): number[] => {
      const grows = new Array<number>(args.length).fill(0);
      for (const [at, bytes] of pairs) grows[at] = bytes * by;
      return grows;
    };
    if (count >= threads) {
      const pairs = [
        [places.a, steps.a],
        [places.b, steps.b],
        [places.out, steps.out],
      ] as const;
      const most = 512;
      for (let done = 0; done < count; done += most) {
        const first = args.slice();
        for (const [at, bytes] of pairs) first[at]! += bytes * done;
        const chunks = Math.min(most, count - done);
        this.pool.run({ code, name, args: first, steps: grown(pairs, 1), workspace: own, chunks });
      }
      return;
    }
    // What is not divided is packed by every thread: the smaller one.
    const byRows = rows >= 2 * columns;
    const total = byRows ? rows : columns;
    const parts = threads * (nanoseconds > LONG_NS ? 2 : 1);
    const per = roundUp(Math.ceil(total / parts), byRows ? ROWS : columnsOf(element.lane, this.codes.tile));
    const work: Omit<Work, 'args'> = {
      code,
      name,
      steps: grown(byRows ? call.byRow : call.byColumn, per),
      workspace: own,
      chunks: Math.ceil(total / per),
      count: { at: byRows ? 0 : 1, per, total },
    };
    for (let i = 0; i < count; i++) {
      const moved = args.slice();
      moved[places.a]! += i * steps.a;
      moved[places.b]! += i * steps.b;
      moved[places.out]! += i * steps.out;
      this.pool.run({ ...work, args: moved });
    }
  }

  private addWorkspace(
    call: Call,
    { lane }: Element,
    { rows, columns, depth }: Factors,
    threads: number,
  ): number {
    const deep = Math.min(depth, BLOCK_DEPTH) * lane.bytes;
    const left = TILE_BYTES + roundUp(Math.min(rows, BLOCK_ROWS), ROWS) * deep;
    const each = roundUp(
      left + roundUp(Math.min(columns, BLOCK_COLUMNS), columnsOf(lane, this.codes.tile)) * deep,
      64,
    );
    const address = this.workspace(each * threads);
    call.args[WORKSPACE] = address;
    call.args[WORKSPACE + 1] = address + left;
    return each * threads;
  }

  private workspace(byteLength: number): number {
    const address = this.pool.heap.allocateWorkspace(byteLength);
    if (address === 0) {
      throw new OutOfMemoryError(`matmul: ${byteLength} bytes of workspace could not be allocated`, {
        op: 'matmul',
        data: { byteLength },
      });
    }
    return address;
  }
}

/** Where `product` has its workspace, and behind it where that of `b` begins. */
export const WORKSPACE = 13;

function kindOf(element: Element, { rows, columns, depth, aStep, bStep, bColumn }: Factors): Call['name'] {
  if (!isPlain(element)) return 'product';
  const work = rows * columns * depth;
  const along = (aStep === 1 && bStep === 1) || depth === 1;
  if (bColumn === 1 && columns > 1) {
    const few = columns * depth * element.bytes <= SECOND_CACHE ? FEW_ROWS : FEWEST_ROWS;
    if (work <= SMALL || rows <= few || columns <= 2 * FEW) return 'direct';
    return 'product';
  }
  if (along && (work <= SMALL || rows <= FEW || columns <= FEW)) return 'dots';
  return columns === 1 ? 'direct' : 'product';
}

/** The call of a product and how its arguments move; the workspace of `product` is still to be filled in. */
export function callOf(
  { bytes, lane }: Element,
  name: Call['name'],
  { rows, columns, depth, aRow, aStep, bStep, bColumn, ld }: Factors,
  a: number,
  b: number,
  out: number,
  base: Base,
): Call {
  const [ar, as, bs, bc, to] = [aRow * bytes, aStep * bytes, bStep * bytes, bColumn * bytes, ld * lane.bytes];
  const tail = [out, to, base.address, base.ld];
  const based = base.address === 0 ? 0 : 1;
  const call = (args: number[], atB: number, atOut: number): Call => ({
    name,
    args: [rows, columns, depth, a, ar, ...args, ...tail, ...(name === 'product' ? [0, 0] : [])],
    byRow: [
      [3, ar],
      [atOut, to],
      [atOut + 2, base.ld],
    ],
    byColumn: [
      [atB, bc],
      [atOut, lane.bytes],
      [atOut + 2, based * lane.bytes],
    ],
    places: { a: 3, b: atB, out: atOut, base: atOut + 2 },
  });
  switch (name) {
    case 'direct':
      return call([as, b, bs], 6, 8);
    case 'dots':
      return call([b, bc], 5, 7);
    case 'product':
      return call([as, b, bs, bc], 6, 9);
  }
}
