import { DataError } from '../errors.ts';

export const isWebAddress = (location: string | URL): boolean => /^https?:/i.test(String(location));

/** The bytes at a web address; `undefined` where the server says that there is nothing. */
export async function fetchBytes(location: string | URL): Promise<Uint8Array | undefined> {
  const response = await fetch(location);
  if (response.status === 404) return undefined;
  if (!response.ok)
    throw new DataError(`${location}: the server answered ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
