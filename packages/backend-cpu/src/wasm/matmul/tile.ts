import type { Lane } from './lane.ts';

/** What a product's tile is made of. */
export interface Tile {
  /** Whether multiplications and additions are fused. */
  readonly relaxed: boolean;
  /**
   * Vectors of columns: with two, six rows take 15 of the 16 vector registers; four are for compilers that join pairs
   * of vectors.
   */
  readonly vectors: 2 | 4;
  /** Compiles modules with this tile; default: as any module. */
  readonly compile?: (bytes: Uint8Array<ArrayBuffer>) => WebAssembly.Module;
}

/** Rows of a tile. */
export const ROWS = 6;
export const columnsOf = (lane: Lane, { vectors }: Tile): number => vectors * lane.width;
/** Bytes for a tile at an edge, before the packed blocks. */
export const TILE_BYTES = ROWS * 4 * 16;
