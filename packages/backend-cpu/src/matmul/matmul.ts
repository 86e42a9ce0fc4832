import {
  DTYPES,
  type DType,
  isFloating,
  type MatmulSize,
  type Operand,
  type RequiredKernels,
} from '@flambeau/core/backend';
import { bigintsOf, KIND_OF, numbersOf } from '../allocation.ts';
import { perKind } from '../policy.ts';
import { Odometer } from '../walk.ts';
import { isHalf, narrowInto, widened, wideWorkspace } from '../widen.ts';
import { BlockedProduct, type Matrix } from './blocked.ts';
import { directFloat, directInt, rowTimesRows } from './direct.ts';
import { floatTile, intTile, pack, unpack } from './tiles.ts';

/** Below this many multiplications packing costs more than it saves. */
const SMALL = 2048;
/** Products with fewer rows or columns would waste most of a 4x4 tile. */
const THIN = 3;

type Product = (m: number, k: number, n: number, y: Matrix, a: Matrix, b: Matrix) => void;

/**
 * The `matmul` kernel. float32 and float64 add in float64, halves go through float32, integers wrap, truths give
 * whether any pair is true.
 */
export function matmulKernel(bySource: boolean): RequiredKernels['matmul'] {
  const productFor = products(bySource);
  const run: RequiredKernels['matmul'] = (size, output, a, b) => {
    const { batch, m, k, n } = size;
    if (isHalf(output.dtype)) {
      const shape = [...batch, m, n];
      const wide = wideWorkspace(shape);
      run(size, wide, widened([...batch, m, k], a), widened([...batch, k, n], b));
      narrowInto(shape, output, wide);
    } else if (output.dtype === 'int64') {
      bigintProduct(size, output, a, b);
    } else {
      const rank = batch.length;
      const product = productFor(output.dtype);
      const [y, left, right] = [matrixOf(output, rank), matrixOf(a, rank), matrixOf(b, rank)];
      product(m, k, n, y, left, right);
      if (rank === 0) return;
      const walk = new Odometer(batch, rank, [output, a, b]);
      while (walk.next()) {
        y.start = walk.offsets[0]!;
        left.start = walk.offsets[1]!;
        right.start = walk.offsets[2]!;
        product(m, k, n, y, left, right);
      }
    }
  };
  return run;
}

/** The first matrix of an operand. */
const matrixOf = (operand: Operand, rank: number): Matrix => ({
  array: numbersOf(operand),
  start: operand.offset,
  rowStep: operand.strides[rank]!,
  columnStep: operand.strides[rank + 1]!,
});

/** The product of each dtype, made when first needed. */
function products(bySource: boolean): (dtype: DType) => Product {
  const packs = perKind(pack, bySource);
  const stores = perKind(unpack, bySource);
  const floats = perKind(directFloat, bySource);
  const ints = perKind(directInt, bySource);
  const rows = perKind(rowTimesRows, bySource);
  const floatBlocks = new BlockedProduct(floatTile, (length) => new Float64Array(length));
  const intBlocks = new BlockedProduct(intTile, (length) => new Int32Array(length));
  const make = (dtype: DType): Product => {
    const kind = KIND_OF[dtype];
    const floating = isFloating(dtype);
    const direct = (floating ? floats : ints)(kind);
    const blocks = floating ? floatBlocks : intBlocks;
    const [packLines, store, row] = [packs(kind), stores(kind), rows(kind)];
    return (m, k, n, y, a, b) => {
      if (floating && m <= THIN && b.columnStep === 1 && b.rowStep !== 1 && n > THIN) {
        rowProduct(row, m, k, n, y, a, b);
      } else if (floating && n <= THIN && a.rowStep === 1 && a.columnStep !== 1 && m > THIN) {
        rowProduct(row, n, k, m, transposed(y), transposed(b), transposed(a));
      } else if (m <= THIN || n <= THIN || m * k * n <= SMALL) {
        direct(
          m,
          k,
          n,
          y.array,
          y.start,
          y.rowStep,
          y.columnStep,
          a.array,
          a.start,
          a.rowStep,
          a.columnStep,
          b.array,
          b.start,
          b.rowStep,
          b.columnStep,
        );
      } else {
        blocks.run(m, k, n, y, a, b, packLines, store);
      }
    };
  };
  const table: Product[] = [];
  return (dtype) => (table[DTYPES[dtype].index] ??= dtype === 'bool' ? truths(make('int32')) : make(dtype));
}

const transposed = ({ array, start, rowStep, columnStep }: Matrix): Matrix => ({
  array,
  start,
  rowStep: columnStep,
  columnStep: rowStep,
});

/** A few rows times a matrix with contiguous rows. */
function rowProduct(
  row: typeof rowTimesRows,
  m: number,
  k: number,
  n: number,
  y: Matrix,
  a: Matrix,
  b: Matrix,
): void {
  const sums = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    row(sums, k, n, a.array, a.start + i * a.rowStep, a.columnStep, b.array, b.start, b.rowStep);
    const at = y.start + i * y.rowStep;
    for (let j = 0; j < n; j++) y.array[at + j * y.columnStep] = sums[j]!;
  }
}

/** Truths are multiplied as int32 and counted; any count but 0 is true. */
function truths(product: Product): Product {
  const widen = (x: Matrix, rows: number, columns: number): Matrix => {
    const array = new Int32Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++)
        array[i * columns + j] = x.array[x.start + i * x.rowStep + j * x.columnStep]!;
    }
    return { array, start: 0, rowStep: columns, columnStep: 1 };
  };
  return (m, k, n, y, a, b) => {
    const counts: Matrix = { array: new Int32Array(m * n), start: 0, rowStep: n, columnStep: 1 };
    product(m, k, n, counts, widen(a, m, k), widen(b, k, n));
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        y.array[y.start + i * y.rowStep + j * y.columnStep] = counts.array[i * n + j] === 0 ? 0 : 1;
      }
    }
  };
}

function bigintProduct({ batch, m, k, n }: MatmulSize, output: Operand, a: Operand, b: Operand): void {
  const rank = batch.length;
  const y = bigintsOf(output);
  const left = bigintsOf(a);
  const right = bigintsOf(b);
  const steps = (operand: Operand): [number, number] => [operand.strides[rank]!, operand.strides[rank + 1]!];
  const [[yRow, yColumn], [aRow, aColumn], [bRow, bColumn]] = [steps(output), steps(a), steps(b)];
  const walk = new Odometer(batch, rank, [output, a, b]);
  const { offsets } = walk;
  do {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0n;
        let p = offsets[1]! + i * aRow;
        let q = offsets[2]! + j * bColumn;
        for (let l = 0; l < k; l++, p += aColumn, q += bRow)
          sum = BigInt.asIntN(64, sum + left[p]! * right[q]!);
        y[offsets[0]! + i * yRow + j * yColumn] = sum;
      }
    }
  } while (walk.next());
}
