import { describe } from 'vitest';
import { whyNotEmulated } from '../emulator/index.ts';

/** Time enough to build the addon and the emulator on a busy machine. */
export const BUILD_MS = 600_000;

const reason = whyNotEmulated();
if (reason !== undefined)
  process.stderr.write(`\nNOT RUN: the CUDA backend on the emulated driver: ${reason}\n`);

/** Tests that need the emulated driver; where it cannot run, they are skipped under a name that says why. */
export function describeEmulated(name: string, body: () => void): void {
  if (reason === undefined) describe(`${name} (emulated)`, body);
  else describe.skip(`${name} (emulated): ${reason}`, body);
}
