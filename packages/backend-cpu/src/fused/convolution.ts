import { type DType, type FusedKernel, isContiguous, type TensorOperand } from '@flambeau/core/backend';
import { Code, type Kernel } from '../threads/code.ts';
import type { ThreadPool } from '../threads/pool.ts';
import { ModuleBuilder } from '../wasm/assembler/index.ts';
import { addConvolution, SCATTER_TAPS } from '../wasm/convolution/kernels.ts';
import { LAYOUT_WORDS, type Name, wordOf } from '../wasm/convolution/layout.ts';
import { ELEMENTS, type Element } from '../wasm/matmul/lane.ts';
import { BLOCK_DEPTH } from '../wasm/matmul/packed.ts';
import { roundUp } from '../wasm/matmul/products.ts';
import { columnsOf, ROWS, TILE_BYTES, type Tile } from '../wasm/matmul/tile.ts';
import { type Geometry, geometryOf } from './geometry.ts';
import { type Attrs, address, heapKernel, type Operands, uniform, withWorkspace } from './operands.ts';

const DTYPES = ['float32', 'float64'];
/** Columns that are unfolded at once. */
const BLOCK_COLUMNS = 512;
const FEWEST_COLUMNS = 64;
/** Sums of slices of the batch are kept apart, and added at the end, while they are not larger than this. */
const SLICE_BYTES = 2 ** 18;
const SLICES = 8;
const MOST_CHUNKS = 512;
const PER_NANOSECOND = 25;

/** The gradients and the convolution itself share one description; what differs is what is made of what. */
interface Job {
  readonly kernel: 'forward' | 'weightGradient' | 'inputGradient';
  readonly geometry: Geometry;
  readonly element: Element;
  /** What windows are read from, or added to. */
  readonly x: TensorOperand;
  readonly y: TensorOperand;
  readonly words: Partial<Record<Name, number>>;
  /** Units are `outer` times groups times blocks of `across` columns. */
  readonly outer: number;
  readonly across: number;
  /** Bytes for packed columns, by their block, and for packed rows or what is scattered. */
  readonly packedRows: (blockColumns: number) => number;
  readonly packedDepth: number;
}

/** Fused kernels for a convolution and its two gradients, without a copy of all its windows. */
export function convolutionKernels(pool: ThreadPool, tile: Tile): Record<string, FusedKernel> {
  const { heap } = pool;
  const runner = new Runner(pool, tile);
  const takes =
    (...names: string[]) =>
    (inputs: Operands, attrs: Attrs): boolean => {
      const operands = names.map((name) => inputs[name]);
      const output = attrs.outputSize as readonly number[];
      return (
        uniform([...operands, inputs.bias], DTYPES) &&
        output.length <= 3 &&
        !output.includes(0) &&
        operands.every((x) => x === inputs.x || isContiguous(x!.shape, x!.strides))
      );
    };
  return {
    convolution: heapKernel(heap, 'convolution', takes('x', 'weight'), ({ y }, { x, weight, bias }, attrs) =>
      runner.forward(y!, x!, weight!, bias, attrs),
    ),
    convolutionWeightGrad: heapKernel(
      heap,
      'convolutionWeightGrad',
      takes('dy', 'x'),
      ({ dw }, { dy, x }, attrs) => runner.weightGradient(dw!, dy!, x!, attrs),
    ),
    convolutionInputGrad: heapKernel(
      heap,
      'convolutionInputGrad',
      takes('dy', 'weight'),
      ({ dx }, { dy, weight }, attrs) => runner.inputGradient(dx!, dy!, weight!, attrs),
    ),
  };
}

class Runner {
  private readonly pool: ThreadPool;
  private readonly tile: Tile;
  private readonly codes = new Map<DType, Code>();

  constructor(pool: ThreadPool, tile: Tile) {
    this.pool = pool;
    this.tile = tile;
  }

  forward(
    y: TensorOperand,
    x: TensorOperand,
    weight: TensorOperand,
    bias: TensorOperand | undefined,
    attrs: Attrs,
  ): void {
    const element = ELEMENTS[x.dtype]!;
    const geometry = geometryOf(x, weight.shape, attrs, element.bytes);
    const { groups, outChannels, taps } = geometry;
    const packed = roundUp(outChannels, ROWS) * taps * element.bytes;
    withWorkspace(this.pool.heap, 'convolution', packed * groups, (target) => {
      this.packWeight(element, geometry, weight, target, packed, false);
      this.run({
        kernel: 'forward',
        geometry,
        element,
        x,
        y,
        words: {
          weight: target,
          weightGroup: packed,
          bias: bias === undefined ? 0 : address(bias),
          biasStep: bias === undefined ? 0 : bias.strides[0]! * element.bytes,
        },
        outer: geometry.images,
        across: geometry.columns,
        packedDepth: Math.min(taps, BLOCK_DEPTH),
        packedRows: () => 0,
      });
    });
  }

  weightGradient(dw: TensorOperand, dy: TensorOperand, x: TensorOperand, attrs: Attrs): void {
    const element = ELEMENTS[x.dtype]!;
    const { bytes } = element;
    const geometry = geometryOf(x, dw.shape, attrs, bytes);
    const { groups, outChannels, taps, columns, images } = geometry;
    const weightGroup = outChannels * taps * bytes;
    const byteLength = groups * weightGroup;
    const slices = byteLength <= SLICE_BYTES ? Math.min(images, SLICES) : 1;
    const sliceImages = Math.ceil(images / slices);
    const outer = Math.ceil(images / sliceImages);
    const depth = Math.min(columns, BLOCK_DEPTH);
    const job = (weight: number): Job => ({
      kernel: 'weightGradient',
      geometry,
      element,
      x,
      y: dy,
      words: { weight, weightGroup, sliceImages, sliceBytes: byteLength },
      outer,
      across: taps,
      packedDepth: depth,
      packedRows: () => roundUp(outChannels, ROWS) * depth * bytes,
    });
    if (outer === 1) {
      this.run(job(address(dw)));
      return;
    }
    withWorkspace(this.pool.heap, 'convolutionWeightGrad', byteLength * outer, (sums) => {
      this.run(job(sums));
      this.functions(element).addSlices!(address(dw), sums, byteLength / bytes, outer, byteLength);
    });
  }

  inputGradient(dx: TensorOperand, dy: TensorOperand, weight: TensorOperand, attrs: Attrs): void {
    const element = ELEMENTS[dy.dtype]!;
    const { bytes } = element;
    const geometry = geometryOf(dx, weight.shape, attrs, bytes);
    const { groups, outChannels, taps } = geometry;
    const packed = roundUp(taps, ROWS) * outChannels * bytes;
    withWorkspace(this.pool.heap, 'convolutionInputGrad', packed * groups, (target) => {
      this.packWeight(element, geometry, weight, target, packed, true);
      this.run({
        kernel: 'inputGradient',
        geometry,
        element,
        x: dx,
        y: dy,
        words: { weight: target, weightGroup: packed },
        outer: geometry.images,
        // An image is whole in one unit, as its windows overlap.
        across: 1,
        packedDepth: Math.min(outChannels, BLOCK_DEPTH),
        packedRows: (blockColumns) => SCATTER_TAPS * blockColumns * bytes,
      });
    });
  }

  /** Packs the weight's rows, or its columns, group by group and depth by depth. */
  private packWeight(
    element: Element,
    { groups, outChannels, taps }: Geometry,
    weight: TensorOperand,
    target: number,
    packed: number,
    turned: boolean,
  ): void {
    const { bytes } = element;
    const pack = this.functions(element).packRows!;
    const [rows, depth] = turned ? [taps, outChannels] : [outChannels, taps];
    const [line, step] = turned ? [bytes, taps * bytes] : [taps * bytes, bytes];
    for (let g = 0; g < groups; g++) {
      for (let l = 0; l < depth; l += BLOCK_DEPTH) {
        pack(
          address(weight) + g * outChannels * taps * bytes + l * step,
          line,
          step,
          target + g * packed + roundUp(rows, ROWS) * l * bytes,
          rows,
          Math.min(BLOCK_DEPTH, depth - l),
        );
      }
    }
  }

  private run(job: Job): void {
    const { kernel, geometry, element, outer, across } = job;
    const { groups, columns, taps, outChannels, images } = geometry;
    const { heap } = this.pool;
    const wide = columnsOf(element.lane, this.tile);
    const threads = this.pool.width((images * groups * outChannels * taps * columns) / PER_NANOSECOND);
    const least = Math.ceil((threads === 1 ? 1 : 2 * threads) / (outer * groups));
    const most = Math.max(1, Math.floor(across / FEWEST_COLUMNS));
    const parts = Math.max(Math.ceil(across / BLOCK_COLUMNS), Math.min(least, most));
    const whole = kernel === 'inputGradient';
    const blockColumns = whole
      ? Math.min(BLOCK_COLUMNS, roundUp(columns, wide))
      : roundUp(Math.ceil(across / parts), wide);
    const blocks = whole ? 1 : Math.ceil(across / blockColumns);
    const image = roundUp(geometry.padded ? geometry.padBytes : 0, 16);
    const packedColumns = TILE_BYTES + image;
    const packedRows = packedColumns + blockColumns * job.packedDepth * element.bytes;
    const own = roundUp(packedRows + job.packedRows(blockColumns), 64);
    const tables = (taps + columns) * 4;
    const header = roundUp(LAYOUT_WORDS * 4 + tables, 64);
    withWorkspace(heap, kernel, header + threads * own, (block) => {
      const tapTable = block + LAYOUT_WORDS * 4;
      const columnTable = tapTable + taps * 4;
      new Int32Array(heap.memory.buffer, tapTable, taps).set(geometry.tapTable());
      new Int32Array(heap.memory.buffer, columnTable, columns).set(geometry.columnTable());
      this.describe(block, job, { blocks, blockColumns, tapTable, columnTable, packedColumns, packedRows });
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

  private describe(
    block: number,
    { geometry, element, x, y, words }: Job,
    more: Partial<Record<Name, number>>,
  ): void {
    const { bytes } = element;
    const { groups, outChannels, columns } = geometry;
    const memory = new Int32Array(this.pool.heap.memory.buffer, block, LAYOUT_WORDS);
    const yRow = columns * bytes;
    const all: Partial<Record<Name, number>> = {
      ...geometry.words,
      x: address(x),
      y: address(y),
      yImage: groups * outChannels * yRow,
      yGroup: outChannels * yRow,
      yRow,
      ...words,
      ...more,
    };
    for (const name in all) memory[wordOf(name as Name)] = all[name as Name]!;
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

  private functions(element: Element): Readonly<Record<string, Kernel>> {
    return this.code(element).functions;
  }
}
