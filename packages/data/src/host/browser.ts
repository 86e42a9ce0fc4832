import { fetchBytes } from './fetch.ts';

/** The bytes at an address, relative to the page; `undefined` where there is none. */
export const readBytes = (location: string | URL): Promise<Uint8Array | undefined> => fetchBytes(location);
