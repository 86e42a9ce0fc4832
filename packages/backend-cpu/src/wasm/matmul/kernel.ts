import { type MatmulSize, type Operand, type RequiredKernels, sizeOf } from '@flambeau/core/backend';
import { addressOf, allInHeap, staged } from '../../staging.ts';
import type { ThreadPool } from '../../threads/pool.ts';
import { Odometer } from '../../walk.ts';
import { MatmulCodes } from './code.ts';
import { type Element, isPlain } from './lane.ts';
import { type Factors, Products } from './products.ts';
import type { Tile } from './tile.ts';

/** Below this many multiplications JavaScript is as fast, for operands that do not all lie in the heap. */
const SMALL = 2048;

/**
 * The `matmul` kernel in WebAssembly, for operands that lie in the heap or are worth a copy there. What it does not
 * take goes to `fallback`: truths, and outputs that have neither contiguous rows nor contiguous columns.
 */
export function wasmMatmul(
  pool: ThreadPool,
  tile: Tile,
  fallback: RequiredKernels['matmul'],
): RequiredKernels['matmul'] {
  const { heap } = pool;
  const codes = new MatmulCodes(heap, tile);
  const products = new Products(pool, codes);
  return (size, output, a, b) => {
    const element = codes.element(output.dtype);
    const factors = element === undefined ? null : factorsOf(size, output, a, b, element);
    if (element === undefined || factors === null) return fallback(size, output, a, b);
    if (allInHeap(output, [a, b])) {
      runBatch(products, element, size, factors, output, a, b);
      return;
    }
    if (size.m * size.n * size.k * sizeOf(size.batch) > SMALL) {
      const done = staged(heap, [output], [a, b], ([y], [left, right]) =>
        runBatch(products, element, size, factors, y!, left!, right!),
      );
      if (done) return;
    }
    fallback(size, output, a, b);
  };
}

/** The strides of one product, in elements, turned around where the output is stored by columns; null where it is stored by neither. */
function factorsOf(
  { batch, m, k, n }: MatmulSize,
  output: Operand,
  a: Operand,
  b: Operand,
  element: Element,
): (Factors & { readonly turned: boolean }) | null {
  const rank = batch.length;
  const [yRow, yColumn] = [output.strides[rank]!, output.strides[rank + 1]!];
  const [aRow, aStep] = [a.strides[rank]!, a.strides[rank + 1]!];
  const [bStep, bColumn] = [b.strides[rank]!, b.strides[rank + 1]!];
  const byRows = yColumn === 1 || n === 1;
  const byColumns = yRow === 1 || m === 1;
  if (!byRows && !byColumns) return null;
  // A column from a matrix that is stored by columns is a row from one that is stored by rows.
  if (!byRows || (byColumns && n === 1 && m > 1 && isPlain(element) && aRow === 1 && aStep !== 1))
    return {
      rows: n,
      columns: m,
      depth: k,
      aRow: bColumn,
      aStep: bStep,
      bStep: aStep,
      bColumn: aRow,
      ld: yColumn,
      turned: true,
    };
  return { rows: m, columns: n, depth: k, aRow, aStep, bStep, bColumn, ld: yRow, turned: false };
}

function runBatch(
  products: Products,
  element: Element,
  { batch }: MatmulSize,
  factors: Factors & { readonly turned: boolean },
  output: Operand,
  a: Operand,
  b: Operand,
): void {
  const { bytes } = element;
  const [left, right] = factors.turned ? [b, a] : [a, b];
  const rank = batch.length;
  if (rank <= 1) {
    const steps = {
      a: left.strides[0]! * bytes,
      b: right.strides[0]! * bytes,
      out: output.strides[0]! * bytes,
    };
    products.run(
      element,
      factors,
      addressOf(left, bytes),
      addressOf(right, bytes),
      addressOf(output, bytes),
      rank === 0 ? 1 : batch[0]!,
      steps,
    );
    return;
  }
  // The last dimension of the batch goes in one call, the others one by one.
  const last = rank - 1;
  const steps = {
    a: left.strides[last]! * bytes,
    b: right.strides[last]! * bytes,
    out: output.strides[last]! * bytes,
  };
  const walk = new Odometer(batch, last, [left, right, output]);
  const base = [left, right, output].map((operand) => addressOf(operand, bytes) - operand.offset * bytes);
  do {
    const [p, q, y] = walk.offsets as unknown as [number, number, number];
    products.run(
      element,
      factors,
      base[0]! + p * bytes,
      base[1]! + q * bytes,
      base[2]! + y * bytes,
      batch[last]!,
      steps,
    );
  } while (walk.next());
}
