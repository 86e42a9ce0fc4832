import {
  BackendError,
  byteLengthOf,
  DTYPES,
  type Operand,
  type RequiredKernels,
  sizeOf,
} from '@flambeau/core/backend';
import {
  keyBytes,
  mergeSource,
  SORT_THREADS,
  type SortVariant,
  sortChunksSource,
  takeSource,
} from '../cuda-c/sort.ts';
import type { CudaAllocation, LaunchArguments } from '../launch.ts';
import { type Context, Variants } from './context.ts';
import { arrange, classOf, isWide, type Loops, pointerTo, writeCount, writeNest } from './loops.ts';

/** Elements that a block sorts in shared memory: two for each thread, 12 bytes each at most. */
const CHUNK = 2048;
const FEWEST = 64;

const ceilPower = (x: number): number => 2 ** Math.ceil(Math.log2(x));

/** Rows to be sorted, with the loops over values, indices and input around them. */
interface Rows {
  readonly loops: Loops;
  readonly rowCount: number;
  readonly count: number;
  readonly values: Operand;
  readonly indices: Operand;
  readonly input: Operand;
  readonly steps: readonly [values: number, indices: number, input: number];
  readonly variant: SortVariant;
  readonly descending: boolean;
}

interface Keys {
  readonly keys: CudaAllocation;
  readonly places: CudaAllocation;
}

/** The `sort` kernel: chunks in shared memory, then merges. */
export function sortKernel(context: Context): RequiredKernels['sort'] {
  const sorter = new Sorter(context);
  return (shape, values, indices, input, descending) => {
    const last = shape.length - 1;
    const operands = [values, indices, input];
    const strides = operands.map((operand) => operand.strides);
    const loops = arrange({ shape: shape.slice(0, last), strides: strides.map((s) => s.slice(0, last)) });
    const count = shape[last]!;
    if (count >= 2 ** 30)
      throw new BackendError(`sort: rows have fewer than 2^30 elements, got ${count}`, { op: 'sort' });
    const wide = isWide({ shape, strides }, context.narrowLimit);
    sorter.run({
      loops,
      rowCount: sizeOf(loops.shape),
      count,
      values,
      indices,
      input,
      steps: [strides[0]![last]!, strides[1]![last]!, strides[2]![last]!],
      variant: { dtype: input.dtype, rank: classOf(loops), wide },
      descending,
    });
  };
}

class Sorter {
  private readonly context: Context;
  private readonly variants: Variants;

  constructor(context: Context) {
    this.context = context;
    this.variants = new Variants(context.launch);
  }

  run(rows: Rows): void {
    if (rows.count <= CHUNK) {
      this.chunks(rows, ceilPower(Math.max(rows.count, 2)), null);
      return;
    }
    const { launch } = this.context;
    const total = rows.rowCount * rows.count;
    const room = (): Keys => ({
      keys: launch.workspace(total * keyBytes(rows.variant.dtype)),
      places: launch.workspace(total * 4),
    });
    let [from, to] = [room(), room()];
    this.chunks(rows, CHUNK, from);
    for (let run = CHUNK; run < rows.count; run *= 2) {
      this.merge(rows, run, total, from, to);
      [from, to] = [to, from];
    }
    this.take(rows, total, from.places);
    for (const { keys, places } of [from, to]) {
      launch.release(keys);
      launch.release(places);
    }
  }

  private number(kind: number, { dtype, rank, wide }: SortVariant): number {
    return ((kind * 11 + DTYPES[dtype].index) * 9 + rank) * 2 + (wide ? 1 : 0);
  }

  private chunks(rows: Rows, width: number, workspace: Keys | null): void {
    const { launch } = this.context;
    const { variant, loops, rowCount, count } = rows;
    const whole = workspace === null;
    const kernel = this.variants.get(this.number(whole ? 0 : 1, variant), () =>
      sortChunksSource(variant, whole),
    );
    const perRow = Math.ceil(count / width);
    const chunks = rowCount * perRow;
    const elements = Math.max(width, Math.min(512, ceilPower(chunks) * width), FEWEST);
    const args = launch.arguments.reset();
    if (whole) this.results(args, rows);
    else args.pointer(workspace.keys, 0).pointer(workspace.places, 0);
    pointerTo(args, rows.input, byteLengthOf(variant.dtype));
    const { wide } = variant;
    writeCount(args, chunks, wide);
    writeCount(args, perRow, wide).i32(count).i32(width);
    writeCount(args, rows.steps[2], wide);
    if (whole) {
      writeCount(args, rows.steps[0], wide);
      writeCount(args, rows.steps[1], wide);
    }
    const flip = rows.descending ? -1 : 0;
    if (keyBytes(variant.dtype) === 8) args.i64(flip);
    else args.i32(flip);
    writeNest(args, whole ? loops : { ...loops, strides: loops.strides.slice(2) }, variant.rank, wide);
    const shared = elements * (keyBytes(variant.dtype) + 4);
    launch.launch(kernel, [Math.ceil(chunks / (elements / width)), 1, 1], [elements / 2, 1, 1], shared, args);
  }

  private results(args: LaunchArguments, rows: Rows): void {
    pointerTo(args, rows.values, byteLengthOf(rows.variant.dtype));
    pointerTo(args, rows.indices, 4);
  }

  private merge(rows: Rows, run: number, total: number, from: Keys, to: Keys): void {
    const { launch } = this.context;
    const { dtype, wide } = rows.variant;
    const kernel = this.variants.get(this.number(2, { dtype, rank: 0, wide }), () =>
      mergeSource(dtype, wide),
    );
    const args = launch.arguments.reset();
    args.pointer(to.keys, 0).pointer(to.places, 0).pointer(from.keys, 0).pointer(from.places, 0);
    writeCount(args, total, wide).i32(rows.count).i32(run);
    launch.launch(kernel, [Math.ceil(total / SORT_THREADS), 1, 1], [SORT_THREADS, 1, 1], 0, args);
  }

  private take(rows: Rows, total: number, places: CudaAllocation): void {
    const { launch } = this.context;
    const { variant, loops, steps } = rows;
    const kernel = this.variants.get(this.number(3, variant), () => takeSource(variant));
    const args = launch.arguments.reset();
    this.results(args, rows);
    pointerTo(args, rows.input, byteLengthOf(variant.dtype)).pointer(places, 0);
    writeCount(args, total, variant.wide).i32(rows.count);
    writeCount(args, steps[2], variant.wide);
    writeCount(args, steps[0], variant.wide);
    writeCount(args, steps[1], variant.wide);
    writeNest(args, loops, variant.rank, variant.wide);
    launch.launch(kernel, [Math.ceil(total / SORT_THREADS), 1, 1], [SORT_THREADS, 1, 1], 0, args);
  }
}
