import { warn } from '../host/environment.ts';
import {
  join,
  readIfThere,
  removeFile,
  removeOlder,
  sha256,
  toHex,
  userCacheFolder,
  writeWhole,
} from '../host/files.ts';

/** The start of every entry; the digit is the format's version. */
const MAGIC = new TextEncoder().encode('flambeau-cubin-1');
const DIGEST_BYTES = 32;
const HOUR_MS = 3_600_000;

/** The name of what these parts decide: each goes in with its length, so that no two lists read the same. */
export const cacheKey = (parts: readonly string[]): string =>
  toHex(sha256(...parts.map((part) => `${part.length}:${part}`)));

/**
 * Compiled kernels on disk, by what decides them. Entries are written whole and checked on reading, so that several
 * processes may share the folder and one may be killed at any time: an entry is there, right and whole, or it is
 * compiled anew.
 */
export class DiskCache {
  private readonly folder: string;
  private swept = false;
  private broken = false;

  constructor(folder: string = join(userCacheFolder(), 'flambeau', 'cuda')) {
    this.folder = folder;
  }

  get(key: string): Uint8Array | undefined {
    const path = this.pathOf(key);
    const file = readIfThere(path);
    if (file === undefined) return undefined;
    const payload = payloadOf(file);
    if (payload === undefined) this.remove(path);
    return payload;
  }

  put(key: string, payload: Uint8Array): void {
    if (this.broken) return;
    try {
      this.sweep();
      const file = new Uint8Array(MAGIC.length + DIGEST_BYTES + payload.length);
      file.set(MAGIC);
      file.set(sha256(payload), MAGIC.length);
      file.set(payload, MAGIC.length + DIGEST_BYTES);
      writeWhole(this.pathOf(key), this.scratch, file);
    } catch (error) {
      this.giveUp(error);
    }
  }

  /** Takes an entry away that turned out not to load. */
  drop(key: string): void {
    this.remove(this.pathOf(key));
  }

  private get scratch(): string {
    return join(this.folder, 'unfinished');
  }

  private pathOf(key: string): string {
    return join(this.folder, key.slice(0, 2), key);
  }

  private remove(path: string): void {
    try {
      removeFile(path);
    } catch (error) {
      this.giveUp(error);
    }
  }

  private sweep(): void {
    if (this.swept) return;
    this.swept = true;
    removeOlder(this.scratch, HOUR_MS);
  }

  private giveUp(error: unknown): void {
    if (this.broken) return;
    this.broken = true;
    const reason = error instanceof Error ? error.message : String(error);
    warn(
      `cuda: compiled kernels cannot be kept in ${this.folder} (${reason}) and are compiled in every process; name another folder in FLAMBEAU_CUDA_CACHE, or 0 for none`,
      'FLAMBEAU_CUDA_CACHE',
    );
  }
}

function payloadOf(file: Uint8Array): Uint8Array | undefined {
  const start = MAGIC.length + DIGEST_BYTES;
  if (file.length < start || !equal(file.subarray(0, MAGIC.length), MAGIC)) return undefined;
  const payload = file.subarray(start);
  return equal(file.subarray(MAGIC.length, start), sha256(payload)) ? payload : undefined;
}

const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
