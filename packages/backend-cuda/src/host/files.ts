import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Files as the cache of kernels needs them. */

export { join };

export const sha256 = (...parts: readonly (string | Uint8Array)[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The bytes of a file; undefined where it cannot be read. */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    const { buffer, byteOffset, length } = readFileSync(path);
    return new Uint8Array(buffer, byteOffset, length);
  } catch {
    return undefined;
  }
}

/** Writes under a temporary name in `scratch`, of the same disk, then moves it into place: readers see all or nothing. */
export function writeWhole(path: string, scratch: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  mkdirSync(scratch, { recursive: true });
  const temporary = join(scratch, `${randomBytes(8).toString('hex')}.tmp`);
  try {
    writeFileSync(temporary, bytes, { flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

export const removeFile = (path: string): void => rmSync(path, { force: true });

/** Removes files of a folder that are older than `ageMs`: what a killed process left. */
export function removeOlder(folder: string, ageMs: number): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return; // not there yet
  }
  for (const name of names) {
    const path = join(folder, name);
    try {
      if (Date.now() - statSync(path).mtimeMs > ageMs) rmSync(path, { force: true });
    } catch {
      // Another process was faster.
    }
  }
}

/** Where a user's caches lie. */
export function userCacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32') return LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
  return XDG_CACHE_HOME || join(homedir(), '.cache');
}
