import type { NumberArray } from '../allocation.ts';
import { PANEL, type pack, type Tile, type unpack } from './tiles.ts';

/** One operand of a product: where it begins, and its strides along rows and columns. */
export interface Matrix {
  readonly array: NumberArray;
  /** Moves from matrix to matrix of a batch. */
  start: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** Steps along k that a tile takes at once, so that a panel of each operand stays in the first cache. */
const DEPTH = 256;
const MAX_ROWS = 128;
const MAX_COLUMNS = 256;
/** Elements of a packed block: 2 MiB as float64. */
const PACKED = 1 << 18;

const roundUp = (n: number): number => Math.ceil(n / PANEL) * PANEL;

/** How many lines of length `k` are packed at once. */
const linesFor = (lines: number, k: number, most: number): number =>
  Math.min(roundUp(lines), Math.max(PANEL, Math.min(most, Math.floor(PACKED / k / PANEL) * PANEL)));

type Panels = Float64Array | Int32Array;

/** The blocked product for one class of accumulators. It keeps its workspace between calls. */
export class BlockedProduct<T extends Panels> {
  private readonly tile: Tile<T>;
  private readonly make: (length: number) => T;
  private aPanels: T;
  private bPanels: T;
  private block: T;

  constructor(tile: Tile<T>, make: (length: number) => T) {
    this.tile = tile;
    this.make = make;
    this.aPanels = this.bPanels = this.block = make(0);
  }

  /** `y = a b` for one matrix, through the packing loops of its class of arrays. */
  run(
    m: number,
    k: number,
    n: number,
    y: Matrix,
    a: Matrix,
    b: Matrix,
    packLines: typeof pack,
    store: typeof unpack,
  ): void {
    const rows = linesFor(m, k, MAX_ROWS);
    const columns = linesFor(n, k, MAX_COLUMNS);
    if (this.aPanels.length < rows * k) this.aPanels = this.make(rows * k);
    if (this.bPanels.length < columns * k) this.bPanels = this.make(columns * k);
    if (this.block.length < rows * columns) this.block = this.make(rows * columns);
    for (let j = 0; j < n; j += columns) {
      const width = Math.min(columns, n - j);
      packLines(this.bPanels, b.array, b.start + j * b.columnStep, b.columnStep, b.rowStep, width, k);
      for (let i = 0; i < m; i += rows) {
        const height = Math.min(rows, m - i);
        packLines(this.aPanels, a.array, a.start + i * a.rowStep, a.rowStep, a.columnStep, height, k);
        this.multiply(height, k, width, columns);
        store(
          y.array,
          y.start + i * y.rowStep + j * y.columnStep,
          y.rowStep,
          y.columnStep,
          this.block,
          columns,
          height,
          width,
        );
      }
    }
  }

  private multiply(height: number, k: number, width: number, blockWidth: number): void {
    const { tile, block, aPanels, bPanels } = this;
    for (let depth = 0; depth < k; depth += DEPTH) {
      const count = Math.min(DEPTH, k - depth);
      for (let j = 0; j < width; j += PANEL) {
        const bAt = j * k + depth * PANEL;
        for (let i = 0; i < height; i += PANEL) {
          tile(
            block,
            i * blockWidth + j,
            blockWidth,
            aPanels,
            i * k + depth * PANEL,
            bPanels,
            bAt,
            count,
            depth === 0,
          );
        }
      }
    }
  }
}
