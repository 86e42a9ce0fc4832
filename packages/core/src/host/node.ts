import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError, FlambeauError } from '../errors.ts';
import type { HostFile, HostFiles } from './files.ts';

/** Under this name `console.log` looks for an object's own text. */
export const inspectSymbol: symbol = Symbol.for('nodejs.util.inspect.custom');

export { collector, Listed } from './collector.ts';
export { provokeCollection } from './provoke.ts';

export const files: HostFiles = { open: openFile, writeAtomically, writeAtomicallySync };

/** A system's error as one of ours; ours as they are. */
function failure(op: string, path: string | URL, error: unknown): unknown {
  if (error instanceof FlambeauError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new CheckpointError(`${op}: ${String(path)}: ${reason}`, {
    op,
    cause: error,
    data: { path: String(path) },
  });
}

const pathOf = (path: string | URL): string => (typeof path === 'string' ? path : fileURLToPath(path));

function checkRegular(op: string, path: string | URL, stats: fs.Stats): void {
  if (!stats.isFile()) throw new CheckpointError(`${op}: ${String(path)} is no regular file`, { op });
}

async function openFile(op: string, path: string | URL): Promise<HostFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(pathOf(path), 'r');
    const stats = await handle.stat();
    checkRegular(op, path, stats);
    return new NodeFile(op, path, handle, stats.size);
  } catch (error) {
    await handle?.close();
    throw failure(op, path, error);
  }
}

class NodeFile implements HostFile {
  readonly byteLength: number;
  private readonly op: string;
  private readonly path: string | URL;
  private readonly handle: FileHandle;

  constructor(op: string, path: string | URL, handle: FileHandle, byteLength: number) {
    this.op = op;
    this.path = path;
    this.handle = handle;
    this.byteLength = byteLength;
  }

  async read(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    try {
      while (filled < length) {
        const { bytesRead } = await this.handle.read(bytes, filled, length - filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (error) {
      throw failure(this.op, this.path, error);
    }
    return bytes.subarray(0, filled);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** A name in the same folder, so that the file can take the other's name in one step. Short, as names are limited. */
const temporaryBeside = (target: string): string =>
  join(dirname(target), `.${basename(target).slice(0, 40)}.${randomBytes(6).toString('hex')}.tmp`);

/** Folders cannot be flushed everywhere; where they can, a failing disk is an error. */
function checkFolderFlush(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code === 'EIO') throw error;
}

async function writeAtomically(
  op: string,
  path: string | URL,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  let handle: FileHandle | undefined;
  let temporary: string | undefined;
  try {
    const { target, mode } = await destination(op, path);
    temporary = temporaryBeside(target);
    handle = await open(temporary, 'wx');
    for await (const chunk of chunks) await handle.writeFile(chunk);
    if (mode !== undefined) await handle.chmod(mode);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, target);
    temporary = undefined;
    await flushFolder(dirname(target));
  } catch (error) {
    await handle?.close().catch(() => {});
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => {});
    throw failure(op, path, error);
  }
}

/** The file that a name leads to, through links, and its permissions where it exists. */
async function destination(
  op: string,
  path: string | URL,
): Promise<{ target: string; mode: number | undefined }> {
  try {
    const target = await realpath(pathOf(path));
    const stats = await stat(target);
    checkRegular(op, path, stats);
    return { target, mode: stats.mode };
  } catch (error) {
    if (isAbsent(error)) return { target: pathOf(path), mode: undefined };
    throw error;
  }
}

async function flushFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    checkFolderFlush(error);
  } finally {
    await handle?.close();
  }
}

function writeAtomicallySync(op: string, path: string | URL, chunks: Iterable<Uint8Array>): void {
  let descriptor: number | undefined;
  let temporary: string | undefined;
  try {
    const { target, mode } = destinationSync(op, path);
    temporary = temporaryBeside(target);
    descriptor = fs.openSync(temporary, 'wx');
    for (const chunk of chunks) fs.writeFileSync(descriptor, chunk);
    if (mode !== undefined) fs.fchmodSync(descriptor, mode);
    fs.fsyncSync(descriptor);
    fs.closeSync(descriptor);
    descriptor = undefined;
    fs.renameSync(temporary, target);
    temporary = undefined;
    flushFolderSync(dirname(target));
  } catch (error) {
    if (descriptor !== undefined) fs.closeSync(descriptor);
    if (temporary !== undefined) fs.rmSync(temporary, { force: true });
    throw failure(op, path, error);
  }
}

function destinationSync(op: string, path: string | URL): { target: string; mode: number | undefined } {
  try {
    const target = fs.realpathSync(pathOf(path));
    const stats = fs.statSync(target);
    checkRegular(op, path, stats);
    return { target, mode: stats.mode };
  } catch (error) {
    if (isAbsent(error)) return { target: pathOf(path), mode: undefined };
    throw error;
  }
}

function flushFolderSync(folder: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(folder, 'r');
    fs.fsyncSync(descriptor);
  } catch (error) {
    checkFolderFlush(error);
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}
