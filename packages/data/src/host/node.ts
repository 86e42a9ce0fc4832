import { readFile } from 'node:fs/promises';
import { fetchBytes, isWebAddress } from './fetch.ts';

/** The bytes of a file, by path or URL, or of a web address; `undefined` where there is none. */
export async function readBytes(location: string | URL): Promise<Uint8Array | undefined> {
  if (isWebAddress(location)) return fetchBytes(location);
  try {
    return await readFile(location);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
