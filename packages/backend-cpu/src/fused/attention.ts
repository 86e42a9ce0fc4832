import { type DType, type FusedKernel, sizeOf, type TensorOperand } from '@flambeau/core/backend';
import { Code } from '../threads/code.ts';
import type { ThreadPool } from '../threads/pool.ts';
import { Odometer } from '../walk.ts';
import { ModuleBuilder } from '../wasm/assembler/index.ts';
import {
  addAttention,
  BACKWARD_ENTRY,
  BLOCK_QUERIES,
  FORWARD_ENTRY,
  MaskKind,
  SHARED,
} from '../wasm/attention/kernels.ts';
import { ELEMENTS } from '../wasm/matmul/lane.ts';
import { BLOCK_COLUMNS, BLOCK_DEPTH, BLOCK_ROWS } from '../wasm/matmul/packed.ts';
import { roundUp } from '../wasm/matmul/products.ts';
import { columnsOf, ROWS, TILE_BYTES, type Tile } from '../wasm/matmul/tile.ts';
import { type Attrs, address, heapKernel, type Operands, uniform, withWorkspace } from './operands.ts';

const FLOATS = ['float32', 'float64'];
const PER_NANOSECOND = 20;
const MOST_CHUNKS = 512;

/** Attention and its gradient, with the scores of a block of queries at a time. */
export function attentionKernels(pool: ThreadPool, tile: Tile): Record<string, FusedKernel> {
  const { heap } = pool;
  const attention = new Attention(pool, tile);
  return {
    scaledDotProductAttention: heapKernel(
      heap,
      'scaledDotProductAttention',
      takes,
      ({ y, logsumexp }, inputs, attrs) => attention.forward(y!, logsumexp!, inputs, attrs),
    ),
    scaledDotProductAttentionBackward: heapKernel(
      heap,
      'scaledDotProductAttentionBackward',
      (inputs, attrs) => takes(inputs, attrs) && isAlike(inputs),
      (outputs, inputs, attrs) => attention.backward(outputs, inputs, attrs),
    ),
  };
}

/** Whether the last dimension lies in order. */
const inOrder = ({ shape, strides }: TensorOperand): boolean => strides.at(-1) === 1 || shape.at(-1) === 1;

function takes({ query, key, value, attnMask, dy, y }: Operands, _attrs: Attrs): boolean {
  const factors = [query, key, value, dy, y].filter((x) => x !== undefined);
  return (
    uniform(factors, FLOATS) &&
    factors.every(inOrder) &&
    (attnMask === undefined ||
      (!attnMask.shape.includes(0) && (attnMask.dtype === 'bool' || attnMask.dtype === query!.dtype)))
  );
}

/** Whether no queries share keys and values, so that each gradient is that of one matrix. */
function isAlike({ query, key, value, dy }: Operands): boolean {
  const lead = dy!.shape.slice(0, -2);
  return [query, key, value].every(
    (x) => x!.shape.length === dy!.shape.length && lead.every((n, dim) => n === x!.shape[dim]),
  );
}

/** The stride of a dimension, counted from the end; 0 where it is repeated. */
function strideOf({ shape, strides }: TensorOperand, fromEnd: number): number {
  const dim = shape.length - fromEnd;
  return dim < 0 || shape[dim] === 1 ? 0 : strides[dim]!;
}

/** Bytes between rows. */
const rowBytes = (x: TensorOperand, bytes: number): number => strideOf(x, 2) * bytes;

type SharedName = (typeof SHARED)[number];

class Attention {
  private readonly pool: ThreadPool;
  private readonly tile: Tile;
  private readonly codes = new Map<DType, Code>();

  constructor(pool: ThreadPool, tile: Tile) {
    this.pool = pool;
    this.tile = tile;
  }

  forward(y: TensorOperand, logsumexp: TensorOperand, inputs: Operands, attrs: Attrs): void {
    const { query, key, value, attnMask } = inputs as Record<string, TensorOperand>;
    const queries = query!.shape.at(-2)!;
    const entries: number[] = [];
    const operands = { query: query!, key: key!, value: value!, mask: attnMask, y, logsumexp };
    const { bytes } = ELEMENTS[y.dtype]!;
    const shared = this.shared(inputs, { y }, attrs);
    eachMatrix(y, operands, (places) => {
      for (let first = 0; first < queries; first += BLOCK_QUERIES) {
        const moved: Record<(typeof FORWARD_ENTRY)[number], number> = {
          ...places,
          query: places.query + first * shared.queryRow,
          mask: places.mask + first * shared.maskRow,
          y: places.y + first * shared.outRow,
          logsumexp: places.logsumexp + first * bytes,
          first,
          rows: Math.min(BLOCK_QUERIES, queries - first),
        };
        for (const name of FORWARD_ENTRY) entries.push(moved[name]);
      }
    });
    this.run(
      'attention',
      y.dtype,
      entries,
      FORWARD_ENTRY.length,
      shared,
      attrs,
      sizeOf(y.shape.slice(0, -2)),
    );
  }

  backward(outputs: Readonly<Record<string, TensorOperand>>, inputs: Operands, attrs: Attrs): void {
    const { query, key, value, attnMask, y, logsumexp, dy } = inputs as Record<string, TensorOperand>;
    const { dquery, dkey, dvalue } = outputs as Record<string, TensorOperand>;
    const { bytes } = ELEMENTS[y!.dtype]!;
    for (const sums of [dkey!, dvalue!])
      new Uint8Array(this.pool.heap.memory.buffer, address(sums), sizeOf(sums.shape) * bytes).fill(0);
    const entries: number[] = [];
    const operands = {
      query: query!,
      key: key!,
      value: value!,
      mask: attnMask,
      y: y!,
      logsumexp: logsumexp!,
      dy: dy!,
      dquery: dquery!,
      dkey: dkey!,
      dvalue: dvalue!,
    };
    eachMatrix(dy!, operands, (places) => {
      for (const name of BACKWARD_ENTRY) entries.push(places[name]);
    });
    const shared = this.shared(inputs, { y: y! }, attrs);
    const matrices = sizeOf(dy!.shape.slice(0, -2));
    this.run('attentionBackward', y!.dtype, entries, BACKWARD_ENTRY.length, shared, attrs, matrices);
  }

  private shared(
    { query, key, value, attnMask, dy }: Operands,
    { y }: { readonly y: TensorOperand },
    { isCausal }: Attrs,
  ): Record<SharedName, number> {
    const { bytes } = ELEMENTS[y.dtype]!;
    const truths = attnMask?.dtype === 'bool';
    const maskBytes = truths ? 1 : bytes;
    return {
      queries: query!.shape.at(-2)!,
      keys: key!.shape.at(-2)!,
      features: key!.shape.at(-1)!,
      valueFeatures: value!.shape.at(-1)!,
      queryRow: rowBytes(query!, bytes),
      keyRow: rowBytes(key!, bytes),
      valueRow: rowBytes(value!, bytes),
      outRow: rowBytes(y, bytes),
      gradientRow: dy === undefined ? 0 : rowBytes(dy, bytes),
      maskKind: attnMask === undefined ? MaskKind.none : truths ? MaskKind.truths : MaskKind.scores,
      maskRow: attnMask === undefined ? 0 : strideOf(attnMask, 2) * maskBytes,
      maskStep: attnMask === undefined ? 0 : strideOf(attnMask, 1) * maskBytes,
      causal: isCausal === true ? 1 : 0,
    };
  }

  /** Runs a kernel on each entry of a table, shared among threads. */
  private run(
    name: 'attention' | 'attentionBackward',
    dtype: DType,
    entries: readonly number[],
    words: number,
    shared: Record<SharedName, number>,
    { scale }: Attrs,
    matrices: number,
  ): void {
    const { heap } = this.pool;
    const { lane } = ELEMENTS[dtype]!;
    const code = this.code(dtype);
    const { queries, keys, features, valueFeatures } = shared;
    const back = name === 'attentionBackward';
    const work = matrices * queries * keys * (features + valueFeatures) * (back ? 2.5 : 1);
    const threads = this.pool.width(work / PER_NANOSECOND);
    const rows = Math.min(queries, BLOCK_QUERIES);
    const widest = Math.max(keys, features, valueFeatures);
    const deep = Math.min(BLOCK_DEPTH, Math.max(widest, rows)) * lane.bytes;
    const tallest = back ? Math.max(rows, keys) : rows;
    const scores = roundUp(rows * keys * lane.bytes * (back ? 2 : 1), 64);
    const left = roundUp(TILE_BYTES + roundUp(Math.min(tallest, BLOCK_ROWS), ROWS) * deep, 64);
    const right = roundUp(roundUp(Math.min(widest, BLOCK_COLUMNS), columnsOf(lane, this.tile)) * deep, 64);
    const own = scores + left + right;
    const table = roundUp(entries.length * 4, 64);
    withWorkspace(heap, name, table + own * threads, (place) => {
      new Int32Array(heap.memory.buffer, place, entries.length).set(entries);
      const workspace = place + table;
      const args = [
        place,
        ...SHARED.map((key) => shared[key]),
        scale as number,
        workspace,
        workspace + scores,
        workspace + scores + left,
      ];
      const count = entries.length / words;
      const steps = [words * 4];
      const perThread = { steps: args.map((_, i) => (i < args.length - 3 ? 0 : own)), threads };
      for (let first = 0; first < count; first += MOST_CHUNKS) {
        const chunks = Math.min(MOST_CHUNKS, count - first);
        const from = [place + first * words * 4, ...args.slice(1)];
        this.pool.run({ code, name, args: from, steps, workspace: perThread, chunks });
      }
    });
  }

  private code(dtype: DType): Code {
    let code = this.codes.get(dtype);
    if (code === undefined) {
      const module = new ModuleBuilder({ shared: this.pool.heap.shared });
      addAttention(module, ELEMENTS[dtype]!, this.tile);
      code = new Code(this.pool.heap, module.toBytes(), this.tile.compile);
      this.codes.set(dtype, code);
    }
    return code;
  }
}

/** Calls `body` with the addresses of each matrix of a batch, in the order of `like`; 0 for an absent operand. */
function eachMatrix<N extends string>(
  like: TensorOperand,
  operands: Readonly<Record<N, TensorOperand | undefined>>,
  body: (places: Record<N, number>) => void,
): void {
  const lead = like.shape.slice(0, -2);
  const names = Object.keys(operands) as N[];
  const own = { logsumexp: 1 } as Readonly<Record<string, number>>;
  const walked = names.map((name) => {
    const operand = operands[name];
    // Of the log-sum-exp a matrix has a vector.
    const strides = lead.map((_, dim) =>
      operand === undefined ? 0 : strideOf(operand, lead.length - dim + (own[name] ?? 2)),
    );
    return { offset: 0, strides };
  });
  const starts = names.map((name) => (operands[name] === undefined ? 0 : address(operands[name])));
  const sizes = names.map((name) => (operands[name]?.dtype === 'bool' ? 1 : ELEMENTS[like.dtype]!.bytes));
  const matrices = new Odometer(lead, lead.length, walked);
  do {
    const places = {} as Record<N, number>;
    for (const [k, name] of names.entries()) places[name] = starts[k]! + matrices.offsets[k]! * sizes[k]!;
    body(places);
  } while (matrices.next());
}
