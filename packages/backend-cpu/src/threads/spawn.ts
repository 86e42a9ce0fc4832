import { builtin } from '../host/process.ts';
import type { ThreadStart } from './layout.ts';
import { serveThread } from './serve.ts';
import { startThread } from './start.ts';

/** A worker of either kind of host. */
export interface Thread {
  terminate(): void;
}

interface NodeWorker {
  unref(): void;
  on(event: 'error' | 'exit', listener: () => void): void;
  terminate(): Promise<number>;
}

interface NodeThreads {
  readonly Worker: new (source: string | URL, options: object) => NodeWorker;
}

interface WebWorker {
  postMessage(message: unknown): void;
  terminate(): void;
  onerror: ((event: { preventDefault?(): void }) => void) | null;
}

interface Host {
  readonly Worker?: new (
    url: string | URL,
    options?: { readonly name?: string; readonly type?: string },
  ) => WebWorker;
  readonly navigator?: { readonly hardwareConcurrency?: number };
}

// The hosts' own objects: core's types know neither Node nor the page.
const host = globalThis as unknown as Host;

/** How many threads the machine runs at once. */
export function machineThreads(): number {
  const os = builtin('os') as { availableParallelism?(): number } | undefined;
  return os?.availableParallelism?.() ?? host.navigator?.hardwareConcurrency ?? 1;
}

const inlineSource = (): string => `(${startThread})(${serveThread});`;

/**
 * Starts a worker. It never keeps a process from exiting.
 *
 * @param ended called when it has ended, or could not start.
 * @returns null where the host has no workers.
 */
export function spawnThread(
  start: ThreadStart,
  workerUrl: string | URL | undefined,
  ended: () => void,
): Thread | null {
  const node = builtin('worker_threads') as NodeThreads | undefined;
  if (node !== undefined) return spawnInNode(node, start, workerUrl, ended);
  if (host.Worker === undefined) return null;
  return spawnInPage(host.Worker, start, workerUrl, ended);
}

function spawnInNode(
  { Worker }: NodeThreads,
  start: ThreadStart,
  workerUrl: string | URL | undefined,
  ended: () => void,
): Thread {
  // Flags and environment of the process are its own affair: a loader in them would be run for every thread.
  const options = {
    workerData: start,
    execArgv: [],
    env: {},
    eval: workerUrl === undefined,
    name: 'flambeau',
  };
  const worker = new Worker(workerUrl ?? inlineSource(), options);
  worker.unref();
  worker.on('error', () => {});
  worker.on('exit', ended);
  return { terminate: () => void worker.terminate() };
}

function spawnInPage(
  Worker: NonNullable<Host['Worker']>,
  start: ThreadStart,
  workerUrl: string | URL | undefined,
  ended: () => void,
): Thread {
  const url = workerUrl ?? URL.createObjectURL(new Blob([inlineSource()], { type: 'text/javascript' }));
  const worker = new Worker(
    url,
    workerUrl === undefined ? { name: 'flambeau' } : { name: 'flambeau', type: 'module' },
  );
  worker.onerror = (event) => {
    event.preventDefault?.();
    worker.terminate();
    ended();
  };
  worker.postMessage(start);
  return { terminate: () => worker.terminate() };
}
