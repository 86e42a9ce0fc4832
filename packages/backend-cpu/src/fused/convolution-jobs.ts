import type { DType, TensorOperand } from '@flambeau/core/backend';
import { Code, type Kernel } from '../threads/code.ts';
import type { ThreadPool } from '../threads/pool.ts';
import { ModuleBuilder } from '../wasm/assembler/index.ts';
import { addConvolution } from '../wasm/convolution/kernels.ts';
import { LAYOUT_WORDS, type Layout, writeLayout } from '../wasm/convolution/layout.ts';
import type { Element } from '../wasm/matmul/lane.ts';
import { roundUp } from '../wasm/matmul/products.ts';
import { columnsOf, TILE_BYTES, type Tile } from '../wasm/matmul/tile.ts';
import type { Geometry } from './geometry.ts';
import { address, withWorkspace } from './operands.ts';

/** Columns that are unfolded at once. */
export const BLOCK_COLUMNS = 512;
const FEWEST_COLUMNS = 64;
const MOST_CHUNKS = 512;
const PER_NANOSECOND = 25;

/** The gradients and the convolution itself share one description; what differs is what is made of what. */
export interface Job {
  readonly kernel: 'forward' | 'weightGradient' | 'inputGradient' | 'direct' | 'directWeightGradient';
  readonly geometry: Geometry;
  readonly element: Element;
  /** What windows are read from, or added to. */
  readonly x: TensorOperand;
  readonly y: TensorOperand;
  readonly words: Layout;
  /** Units are `outer` times groups times blocks of `across` columns, vectors or taps, of at most so many. */
  readonly outer: number;
  readonly across: number;
  readonly mostAcross: number;
  /** How deep packed columns are; bytes for packed rows or what is scattered, by the block's columns. */
  readonly packedDepth: number;
  readonly packedRows: (blockColumns: number) => number;
}

/** Runs jobs on the threads that suit their sizes. */
export class ConvolutionJobs {
  readonly pool: ThreadPool;
  private readonly tile: Tile;
  private readonly codes = new Map<DType, Code>();

  constructor(pool: ThreadPool, tile: Tile) {
    this.pool = pool;
    this.tile = tile;
  }

  run(job: Job): void {
    const { kernel, geometry, element, outer, across, mostAcross } = job;
    const { groups, columns, taps, outChannels, images } = geometry;
    const { heap } = this.pool;
    const wide = columnsOf(element.lane, this.tile);
    const threads = this.pool.width((images * groups * outChannels * taps * columns) / PER_NANOSECOND);
    const least = Math.ceil((threads === 1 ? 1 : 2 * threads) / (outer * groups));
    const most = Math.max(1, Math.floor(across / FEWEST_COLUMNS));
    const parts = Math.max(Math.ceil(across / mostAcross), Math.min(least, most));
    const whole = kernel === 'inputGradient';
    const blockColumns = whole
      ? Math.min(BLOCK_COLUMNS, roundUp(columns, wide))
      : roundUp(Math.ceil(across / parts), wide);
    const blocks = whole ? 1 : Math.ceil(across / blockColumns);
    const image = roundUp(geometry.padded ? geometry.padBytes : 0, 16);
    const packedColumns = TILE_BYTES + image;
    const packedRows = packedColumns + blockColumns * job.packedDepth * element.bytes;
    const own = roundUp(packedRows + job.packedRows(blockColumns), 64);
    const tapTable = geometry.tapTable();
    const direct = kernel === 'direct' || kernel === 'directWeightGradient';
    const columnTable = direct ? geometry.vectorTable() : geometry.columnTable();
    const header = roundUp(LAYOUT_WORDS * 4 + tapTable.byteLength + columnTable.byteLength, 64);
    withWorkspace(heap, kernel, header + threads * own, (block) => {
      const taps = block + LAYOUT_WORDS * 4;
      const columns = taps + tapTable.byteLength;
      new Int32Array(heap.memory.buffer, taps, tapTable.length).set(tapTable);
      new Int32Array(heap.memory.buffer, columns, columnTable.length).set(columnTable);
      this.describe(block, job, {
        blocks,
        blockColumns,
        tapTable: taps,
        columnTable: columns,
        packedColumns,
        packedRows,
      });
      const units = outer * groups * blocks;
      const per = Math.ceil(units / MOST_CHUNKS);
      const args = [0, threads === 1 ? units : per, block, block + header];
      if (threads === 1) {
        this.functions(element)[kernel]!(...args);
        return;
      }
      this.pool.run({
        code: this.code(element),
        name: kernel,
        args,
        steps: [per],
        workspace: { steps: [0, 0, 0, own], threads },
        chunks: Math.ceil(units / per),
        count: { at: 1, per, total: units },
      });
    });
  }

  private describe(block: number, { geometry, element, x, y, words }: Job, more: Layout): void {
    const { bytes } = element;
    const { groups, outChannels, columns } = geometry;
    const yRow = columns * bytes;
    writeLayout(this.pool.heap, block, {
      ...geometry.words,
      x: address(x),
      y: address(y),
      yImage: groups * outChannels * yRow,
      yGroup: outChannels * yRow,
      yRow,
      ...words,
      ...more,
    });
  }

  private code(element: Element): Code {
    let code = this.codes.get(element.dtype);
    if (code === undefined) {
      const module = new ModuleBuilder({ shared: this.pool.heap.shared });
      addConvolution(module, element, this.tile);
      code = new Code(this.pool.heap, module.toBytes(), this.tile.compile);
      this.codes.set(element.dtype, code);
    }
    return code;
  }

  functions(element: Element): Readonly<Record<string, Kernel>> {
    return this.code(element).functions;
  }
}
