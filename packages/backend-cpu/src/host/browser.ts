import type { Heap } from '../heap/heap.ts';
import type { Tile } from '../wasm/matmul/tile.ts';

/** Pages cannot set V8's flags. */
export function revectorizedTile(_heap: Heap | null, _relaxed: boolean): Tile | null {
  console.warn(
    'flambeau: cpu({ revectorize: true }) has no effect in a browser: it needs Node 24 or later on x64',
  );
  return null;
}
