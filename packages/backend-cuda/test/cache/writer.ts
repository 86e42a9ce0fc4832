import { writeSync } from 'node:fs';
import { cacheKey, DiskCache } from '../../src/cache/disk-cache.ts';

// Writes entries until it is killed; the first line says that it has begun.
const cache = new DiskCache(process.argv[2]!);
for (let round = 0; ; round++) {
  for (let i = 0; i < 8; i++) cache.put(cacheKey([`kernel ${i}`]), new Uint8Array(2_000_000).fill(i));
  if (round === 0) writeSync(1, 'writing\n');
}
