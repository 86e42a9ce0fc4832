import { BLOCK_ROWS, ROWS } from './packed.ts';

/** Fewer tiles than this read the packed block of `b` too often for what they compute. */
const LEAST_TILES = 3;
/** What reading the packed block anew costs, in tiles of a chunk; and the part of a chunk that a late thread idles. */
const READING = 0.15;
const IDLING = 0.1;

/**
 * Rows of a chunk when threads share the rows of a packed product: whole tiles, so chosen that the thread with the
 * most to do has little more than the others.
 *
 * @param threads at least 2.
 */
export function rowsOfChunk(rows: number, threads: number): number {
  let best = LEAST_TILES * ROWS;
  let least = Number.POSITIVE_INFINITY;
  for (let tiles = LEAST_TILES; tiles * ROWS <= BLOCK_ROWS; tiles++) {
    const per = tiles * ROWS;
    const chunks = Math.ceil(rows / per);
    if (chunks < threads) break;
    const cost = longestShare(rows, per, chunks, threads) * (1 + READING / tiles) + per * IDLING;
    if (cost < least) {
      least = cost;
      best = per;
    }
  }
  return best;
}

/** Rows of the thread that has the most, when each takes the next chunk as soon as it is done with one. */
export function longestShare(rows: number, per: number, chunks: number, threads: number): number {
  const turns = Math.ceil(chunks / threads);
  const last = rows - (chunks - 1) * per;
  return chunks % threads === 1 ? (turns - 1) * per + last : turns * per;
}
