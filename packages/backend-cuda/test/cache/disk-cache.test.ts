import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheKey, DiskCache } from '../../src/cache/disk-cache.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flambeau-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const payload = (seed: number, length = 5000): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255);

const entries = (): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^..[/\\][0-9a-f]{64}$/.test(name),
  );

describe('the cache of kernels', () => {
  it('gives what was put, in this process and the next', () => {
    const cache = new DiskCache(folder);
    const key = cacheKey(['source', 'sm_90']);
    expect(cache.get(key)).toBeUndefined();
    cache.put(key, payload(1));
    expect(new DiskCache(folder).get(key)).toEqual(payload(1));
  });

  it('has a key for each list of parts', () => {
    const keys = [['ab', 'c'], ['a', 'bc'], ['abc'], ['ab', 'c', ''], ['c', 'ab'], ['2:ab', 'c']].map(
      (parts) => cacheKey(parts),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each([
    ['a changed byte', (file: Uint8Array) => file.with(100, file[100]! ^ 1)],
    ['a missing end', (file: Uint8Array) => file.subarray(0, -1)],
    ['bytes too many', (file: Uint8Array) => Uint8Array.from([...file, 0])],
    ['another format', (file: Uint8Array) => file.with(15, 50)],
    ['nothing in it', () => new Uint8Array(0)],
  ])('takes an entry with %s for none, and replaces it', (_, damage) => {
    const cache = new DiskCache(folder);
    const key = cacheKey(['x']);
    cache.put(key, payload(2));
    const [name] = entries();
    const path = join(folder, name!);
    writeFileSync(path, damage(new Uint8Array(readFileSync(path))));
    expect(cache.get(key)).toBeUndefined();
    expect(entries()).toEqual([]);
    cache.put(key, payload(3));
    expect(cache.get(key)).toEqual(payload(3));
  });

  it('removes what killed processes left, and only that', () => {
    const scratch = join(folder, 'unfinished');
    mkdirSync(scratch);
    writeFileSync(join(scratch, 'old.tmp'), 'x');
    writeFileSync(join(scratch, 'new.tmp'), 'x');
    const yesterday = new Date(Date.now() - 86_400_000);
    utimesSync(join(scratch, 'old.tmp'), yesterday, yesterday);
    new DiskCache(folder).put('ab'.repeat(32), payload(4));
    expect(readdirSync(scratch)).toEqual(['new.tmp']);
  });

  it('says once that it cannot write, and goes on', () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const cache = new DiskCache(join(file, 'inside'));
    cache.put('cd'.repeat(32), payload(5));
    cache.put('ef'.repeat(32), payload(6));
    expect(warning).toHaveBeenCalledOnce();
    expect(warning.mock.calls[0]![0]).toContain('compiled kernels cannot be kept in');
  });

  it('survives a process that is killed while it writes', async () => {
    const writer = fileURLToPath(new URL('./writer.ts', import.meta.url));
    for (const afterMs of [0, 3, 11]) {
      const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', writer, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(child, 'exit');
      try {
        await once(child.stdout, 'data'); // it writes from now on, again and again
        await new Promise((resolve) => setTimeout(resolve, afterMs));
      } finally {
        child.kill('SIGKILL');
        await ended;
      }
    }
    const cache = new DiskCache(folder);
    const keys = Array.from({ length: 8 }, (_, i) => cacheKey([`kernel ${i}`]));
    keys.forEach((key, i) => {
      const found = cache.get(key);
      if (found !== undefined) expect(found.every((byte) => byte === i)).toBe(true);
      cache.put(key, payload(i));
      expect(cache.get(key)).toEqual(payload(i));
    });
  }, 120_000);
});
