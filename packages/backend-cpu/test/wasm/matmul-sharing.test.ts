import { describe, expect, test } from 'vitest';
import { BLOCK_ROWS, ROWS } from '../../src/wasm/matmul/packed.ts';
import { longestShare, rowsOfChunk } from '../../src/wasm/matmul/sharing.ts';

/** What the threads have when each takes the next chunk once it is done, played through. */
function played(rows: number, per: number, threads: number): number {
  const busy = new Array<number>(threads).fill(0);
  for (let at = 0; at < rows; at += per) {
    const next = busy.indexOf(Math.min(...busy));
    busy[next]! += Math.min(per, rows - at);
  }
  return Math.max(...busy);
}

describe('rowsOfChunk', () => {
  test('is whole tiles that fit the packed block', () => {
    for (let rows = 4 * ROWS; rows < 3000; rows += 7) {
      for (const threads of [2, 3, 8]) {
        const per = rowsOfChunk(rows, threads);
        expect(per % ROWS).toBe(0);
        expect(per).toBeGreaterThan(0);
        expect(per).toBeLessThanOrEqual(BLOCK_ROWS);
      }
    }
  });

  test.each([128, 256, 384, 512, 1000, 1024, 2048])('two threads share %i rows evenly', (rows) => {
    expect(played(rows, rowsOfChunk(rows, 2), 2)).toBeLessThanOrEqual((rows / 2) * 1.07);
  });

  test('the longest share is that of threads that take the next chunk when they are done', () => {
    for (const threads of [2, 3, 4, 8]) {
      for (const rows of [24, 100, 256, 257, 512, 1024]) {
        for (const per of [18, 24, 36, 66, 132]) {
          const chunks = Math.ceil(rows / per);
          if (chunks >= threads)
            expect(longestShare(rows, per, chunks, threads)).toBe(played(rows, per, threads));
        }
      }
    }
  });
});
