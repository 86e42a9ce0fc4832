import {
  byteLengthOf,
  DTYPES,
  type Operand,
  type RequiredKernels,
  type ScanCombiner,
  sizeOf,
} from '@flambeau/core/backend';
import { accumulatorDType } from '../cuda-c/combine.ts';
import { SCAN_ITEMS, SCAN_THREADS, type ScanForm, scanSource } from '../cuda-c/scan.ts';
import type { CudaAllocation } from '../launch.ts';
import { type Context, Variants } from './context.ts';
import { arrange, classOf, gridFor, isWide, type Loops, pointerTo, writeCount, writeNest } from './loops.ts';

const COMBINERS: Readonly<Record<ScanCombiner, number>> = { sum: 0, prod: 1, max: 2, min: 3, logaddexp: 4 };
const FORMS: Readonly<Record<ScanForm, number>> = { block: 0, totals: 1, lanes: 2 };

/** Rows from which on a thread for each keeps the device busy. */
const MANY_ROWS = 512;
/** Elements of a chunk, where the blocks of several share one row. */
const CHUNK = SCAN_THREADS * SCAN_ITEMS * 4;
const MOST_CHUNKS = 1024;

/** A scan of rows: the rows' loops over output and input, and the steps along a row. */
interface Rows {
  readonly loops: Loops;
  readonly count: number;
  readonly output: Operand;
  readonly input: Operand;
  readonly yStep: number;
  readonly xStep: number;
  readonly wide: boolean;
}

/** The `scan` kernel. */
export function scanKernel(context: Context): RequiredKernels['scan'] {
  const scanner = new Scanner(context);
  return (combiner, shape, output, input, reverse) => {
    const last = shape.length - 1;
    const count = shape[last]!;
    const strides = [output.strides, input.strides];
    const loops = arrange({ shape: shape.slice(0, last), strides: strides.map((s) => s.slice(0, last)) });
    const wide = isWide({ shape, strides }, context.narrowLimit);
    const [yStep, xStep] = [output.strides[last]!, input.strides[last]!];
    const ends = reverse
      ? {
          output: fromEnd(output, count, yStep),
          input: fromEnd(input, count, xStep),
          yStep: -yStep,
          xStep: -xStep,
        }
      : { output, input, yStep, xStep };
    scanner.run(combiner, { loops, count, wide, ...ends });
  };
}

const fromEnd = (operand: Operand, count: number, step: number): Operand => ({
  ...operand,
  offset: operand.offset + (count - 1) * step,
});

class Scanner {
  private readonly context: Context;
  private readonly variants: Variants;

  constructor(context: Context) {
    this.context = context;
    this.variants = new Variants(context.launch);
  }

  run(combiner: ScanCombiner, rows: Rows): void {
    const rowCount = sizeOf(rows.loops.shape);
    const inner = rows.loops.shape.length - 1;
    const rowStep = rows.loops.strides[0]![inner]! + rows.loops.strides[1]![inner]!;
    const step = Math.abs(rows.yStep) + Math.abs(rows.xStep);
    if (rowCount >= MANY_ROWS && (rowStep < step || rows.count <= 16)) {
      this.launch('lanes', combiner, rows, { rowCount, chunks: 1, chunk: rows.count, carries: null });
      return;
    }
    const busy = this.context.launch.properties.multiprocessors * 2;
    const chunks = Math.min(MOST_CHUNKS, Math.floor(busy / rowCount), Math.floor(rows.count / CHUNK));
    if (chunks < 2) {
      this.launch('block', combiner, rows, { rowCount, chunks: 1, chunk: rows.count, carries: null });
      return;
    }
    this.inChunks(combiner, rows, rowCount, Math.ceil(rows.count / chunks));
  }

  /** Each chunk's combination, then the running combination of those, then each chunk from what lies before it. */
  private inChunks(combiner: ScanCombiner, rows: Rows, rowCount: number, chunk: number): void {
    const { launch } = this.context;
    const dtype = accumulatorDType(rows.input.dtype);
    const chunks = Math.ceil(rows.count / chunk);
    const width = chunks + 1;
    const allocation = launch.workspace(rowCount * width * byteLengthOf(dtype));
    const totals: Operand = { allocation, dtype, offset: 0, strides: [1] };
    this.launch('totals', combiner, { ...rows, output: totals }, { rowCount, chunks, chunk, carries: null });
    const starts = launch.workspace(rowCount * chunks * byteLengthOf(dtype));
    this.launch(
      'block',
      combiner,
      {
        loops: { shape: [rowCount], strides: [[chunks], [width]] },
        count: chunks,
        output: { allocation: starts, dtype, offset: 0, strides: [1] },
        input: totals,
        yStep: 1,
        xStep: 1,
        wide: rows.wide,
      },
      { rowCount, chunks: 1, chunk: chunks, carries: null },
    );
    this.launch('block', combiner, rows, { rowCount, chunks, chunk, carries: starts });
    launch.release(allocation);
    launch.release(starts);
  }

  private launch(form: ScanForm, combiner: ScanCombiner, rows: Rows, parts: Parts): void {
    const { launch } = this.context;
    const { loops, output, input, wide } = rows;
    const rank = classOf(loops);
    const carried = parts.carries !== null;
    const kernel = this.variants.get(numberOf(form, combiner, rows, rank, carried), () =>
      scanSource({ form, combiner, output: output.dtype, input: input.dtype, rank, wide, carried }),
    );
    const args = launch.arguments.reset();
    pointerTo(args, output, byteLengthOf(output.dtype));
    pointerTo(args, input, byteLengthOf(input.dtype));
    if (parts.carries !== null) args.pointer(parts.carries, 0);
    writeCount(args, parts.rowCount, wide);
    writeCount(args, rows.count, wide);
    writeCount(args, rows.yStep, wide);
    writeCount(args, rows.xStep, wide);
    writeCount(args, parts.chunk, wide);
    writeNest(args, loops, rank, wide);
    if (form === 'lanes') {
      const { blocks, size } = gridFor(parts.rowCount, 128);
      launch.launch(kernel, [blocks, 1, 1], [size, 1, 1], 0, args);
      return;
    }
    const { size } = gridFor(Math.ceil(parts.chunk / SCAN_ITEMS), SCAN_THREADS);
    launch.launch(kernel, [parts.rowCount, parts.chunks, 1], [size, 1, 1], 0, args);
  }
}

interface Parts {
  readonly rowCount: number;
  readonly chunks: number;
  readonly chunk: number;
  readonly carries: CudaAllocation | null;
}

/** A number for what sets kernels of scans apart. */
function numberOf(
  form: ScanForm,
  combiner: ScanCombiner,
  rows: Rows,
  rank: number,
  carried: boolean,
): number {
  let number = FORMS[form];
  number = number * 5 + COMBINERS[combiner];
  number = number * 11 + DTYPES[rows.output.dtype].index;
  number = number * 11 + DTYPES[rows.input.dtype].index;
  number = number * 9 + rank;
  return number * 4 + (rows.wide ? 2 : 0) + (carried ? 1 : 0);
}
