import {
  byteLengthOf,
  DTYPES,
  type DType,
  type MatmulSize,
  type Operand,
  type RequiredKernels,
  sizeOf,
} from '@flambeau/core/backend';
import { accumulatorDType } from '../cuda-c/combine.ts';
import { matmulSource, TILES, type Tile, tileThreads } from '../cuda-c/matmul.ts';
import { type Context, Variants } from './context.ts';
import { gemmOf } from './gemm.ts';
import { arrange, classOf, isWide, type Loops, pointerTo, reachOf, writeCount, writeNest } from './loops.ts';
import { dotOf, sumOf } from './programs.ts';
import { CompiledReduction } from './reduce.ts';

/** The `matmul` kernel: cuBLAS where it is and the layout suits it, else our own tiles. */
export function matmulKernel(context: Context): RequiredKernels['matmul'] {
  const products = new Products(context);
  return (size, output, a, b) => products.run(size, output, a, b);
}

/** Blocks of one launch along the batch; a block takes more matrices where there are more. */
const MOST_BATCHES = 32768;
/** Products that one block should add up before blocks share a sum. */
const PER_CHUNK = 256;
const MOST_CHUNKS = 64;

class Products {
  private readonly context: Context;
  private readonly variants: Variants;
  private readonly dots = new Map<DType, CompiledReduction>();
  private readonly sums = new Map<DType, CompiledReduction>();

  constructor(context: Context) {
    this.context = context;
    this.variants = new Variants(context.launch);
  }

  run(size: MatmulSize, output: Operand, a: Operand, b: Operand): void {
    const { launch } = this.context;
    // A matrix by a vector reads each element once: a reduction keeps up with the memory.
    if (size.m === 1 || size.n === 1) {
      this.dot(size, output, a, b);
      return;
    }
    const product = launch.properties.blas ? gemmOf(size, output, a, b) : undefined;
    if (product !== undefined) launch.gemm(product);
    else this.tiled(size, output, a, b);
  }

  private dot({ batch, m, k, n }: MatmulSize, output: Operand, a: Operand, b: Operand): void {
    const rank = batch.length;
    const outer = (operand: Operand): readonly number[] => operand.strides.slice(0, rank);
    const [row, step] = [a.strides[rank]!, a.strides[rank + 1]!];
    const [bStep, column] = [b.strides[rank]!, b.strides[rank + 1]!];
    const dtype = output.dtype;
    let dot = this.dots.get(dtype);
    if (dot === undefined) this.dots.set(dtype, (dot = new CompiledReduction(this.context, dotOf(dtype))));
    dot.run(
      [...batch, m, n, k],
      rank + 2,
      output,
      [
        { ...a, strides: [...outer(a), row, 0, step] },
        { ...b, strides: [...outer(b), 0, column, bStep] },
      ],
      [],
    );
  }

  private tiled(size: MatmulSize, output: Operand, a: Operand, b: Operand): void {
    const rank = size.batch.length;
    const operands = [output, a, b];
    const batch = arrange({
      shape: size.batch,
      strides: operands.map(({ strides }) => strides.slice(0, rank)),
    });
    const { multiprocessors } = this.context.launch.properties;
    const batches = sizeOf(batch.shape);
    const tile = tileFor(size, batches, multiprocessors, output.dtype);
    const blocks = blocksOf(tile, size) * batches;
    const chunks = Math.min(
      MOST_CHUNKS,
      Math.floor((2 * multiprocessors) / blocks),
      Math.floor(size.k / PER_CHUNK),
    );
    const call: Call = { size, batch, batches, tile, output, a, b };
    if (chunks < 2) this.launch(call, size.k, false);
    else this.inChunks(call, Math.ceil(size.k / chunks));
  }

  /** Parts of the sums over `k`, then their sum. */
  private inChunks(call: Call, chunk: number): void {
    const { launch } = this.context;
    const { size, batches, output } = call;
    const { m, n, k } = size;
    const dtype = accumulatorDType(output.dtype);
    const chunks = Math.ceil(k / chunk);
    const allocation = launch.workspace(chunks * batches * m * n * byteLengthOf(dtype));
    this.launch({ ...call, output: { allocation, dtype, offset: 0, strides: output.strides } }, chunk, true);
    let sum = this.sums.get(output.dtype);
    if (sum === undefined)
      this.sums.set(output.dtype, (sum = new CompiledReduction(this.context, sumOf(dtype, output.dtype))));
    const shape = [...call.batch.shape, m, n, chunks];
    const parts = { allocation, dtype, offset: 0, strides: rowMajorBefore(shape, batches * m * n) };
    const rank = size.batch.length;
    const strides = [...call.batch.strides[0]!, output.strides[rank]!, output.strides[rank + 1]!];
    sum.run(shape, shape.length - 1, { ...output, strides }, [parts], []);
    launch.release(allocation);
  }

  private launch(call: Call, chunk: number, partial: boolean): void {
    const { launch, narrowLimit } = this.context;
    const { size, batch, batches, tile, output, a, b } = call;
    const { m, k, n } = size;
    const rank = size.batch.length;
    const wide =
      isWide(batch, narrowLimit) ||
      reachOf([...size.batch, m + 128, n + 128], output.strides) >= narrowLimit ||
      reachOf([...size.batch, m + 128, k + 128], a.strides) >= narrowLimit ||
      reachOf([...size.batch, k + 128, n + 128], b.strides) >= narrowLimit;
    const batchRank = classOf(batch);
    const dtype = a.dtype;
    let variant = DTYPES[dtype].index * TILES.length + TILES.indexOf(tile);
    variant = (variant * 9 + batchRank) * 4 + (wide ? 2 : 0) + (partial ? 1 : 0);
    const kernel = this.variants.get(variant, () => matmulSource({ dtype, tile, batchRank, wide, partial }));
    const args = launch.arguments.reset();
    pointerTo(args, output, byteLengthOf(output.dtype));
    pointerTo(args, a, byteLengthOf(dtype));
    pointerTo(args, b, byteLengthOf(dtype));
    const numbers = [
      m,
      n,
      k,
      chunk,
      ...output.strides.slice(rank),
      ...a.strides.slice(rank),
      ...b.strides.slice(rank),
      batches,
    ];
    for (const number of numbers) writeCount(args, number, wide);
    writeNest(args, batch, batchRank, wide);
    const grid = [blocksOf(tile, size), Math.min(batches, MOST_BATCHES), Math.ceil(k / chunk)] as const;
    launch.launch(kernel, grid, [tileThreads(tile), 1, 1], 0, args);
  }
}

interface Call {
  readonly size: MatmulSize;
  readonly batch: Loops;
  readonly batches: number;
  readonly tile: Tile;
  readonly output: Operand;
  readonly a: Operand;
  readonly b: Operand;
}

const blocksOf = ({ rows, columns }: Tile, { m, n }: MatmulSize): number =>
  Math.ceil(m / rows) * Math.ceil(n / columns);

/** The largest tile with which the device is busy. */
function tileFor(size: MatmulSize, batches: number, multiprocessors: number, dtype: DType): Tile {
  for (const tile of TILES) {
    // 64 sums of 64 bits do not fit a thread's registers, nor, with what widening takes, those of single bytes.
    if (tile.each === 8 && (byteLengthOf(dtype) === 8 || byteLengthOf(dtype) === 1)) continue;
    if (
      blocksOf(tile, size) * batches >= multiprocessors &&
      tile.rows <= 2 * size.m &&
      tile.columns <= 2 * size.n
    )
      return tile;
  }
  return TILES.at(-1)!;
}

/** Strides of a shape whose last dimension lies `step` apart, the others row-major. */
function rowMajorBefore(shape: readonly number[], step: number): number[] {
  const strides = new Array<number>(shape.length).fill(step);
  let stride = 1;
  for (let dim = shape.length - 2; dim >= 0; dim--) {
    strides[dim] = stride;
    stride *= shape[dim]!;
  }
  return strides;
}
