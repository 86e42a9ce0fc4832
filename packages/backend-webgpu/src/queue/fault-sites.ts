import { BackendError } from '@flambeau/core/backend';
import type { FaultSite } from './types.ts';

/** Words of the fault buffer: how many faults, then the site and the index of the first. */
export const FAULT_BYTES = 16;

interface Site {
  readonly op: string;
  readonly size: number;
}

/** The launches that may report an index out of range, by number. */
export class FaultSites {
  private readonly sites: Site[] = [];
  private readonly numbers = new Map<string, FaultSite>();
  /** Whether a launch since the last look at the buffer may have reported. */
  outstanding = false;

  siteOf(op: string, size: number): FaultSite {
    this.outstanding = true;
    const key = `${op}/${size}`;
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.sites.length;
      this.sites.push({ op, size });
      this.numbers.set(key, number);
    }
    return number;
  }

  /** The fault that the buffer's words speak of. */
  read(words: Uint32Array): BackendError | undefined {
    if (words[0] === 0) return undefined;
    const site = this.sites[words[1]!];
    if (site === undefined) return undefined;
    const { op, size } = site;
    const index = words[2]! | 0;
    return new BackendError(`${op}: index ${index} is out of range for size ${size}`, {
      op,
      data: { index, size },
    });
  }
}
