import { CheckpointError } from '../errors.ts';
import type { Collector } from './collector.ts';
import type { HostFiles } from './files.ts';

/** Under this name `console.log` in Node looks for an object's own text. */
export const inspectSymbol: symbol = Symbol.for('nodejs.util.inspect.custom');

function refuseWriting(op: string): CheckpointError {
  const sync = op.endsWith('Sync');
  const text = `${op}: there is no file system here; use ${sync ? 'serializeSync' : 'await serialize'}(stateDict) for the bytes`;
  return new CheckpointError(
    sync ? text : `${text}, or give a WritableStream: await handle.createWritable()`,
    { op },
  );
}

/** A page has no file system: checkpoints come and go as bytes, blobs and streams. */
export const files: HostFiles = {
  async open(op) {
    throw new CheckpointError(
      `${op}: there is no file system here; give the bytes, a Blob or a stream: (await fetch(url)).body`,
      { op },
    );
  },
  async writeAtomically(op) {
    throw refuseWriting(op);
  },
  writeAtomicallySync(op) {
    throw refuseWriting(op);
  },
};

/** A page cannot ask for a collection; `provokeCollection` only makes one likely. */
export const collector: Collector | null = null;

export class Listed {}

export { provokeCollection } from './provoke.ts';
