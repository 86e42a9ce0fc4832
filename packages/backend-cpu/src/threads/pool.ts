import { BackendError } from '@flambeau/core/backend';
import type { Heap } from '../heap/heap.ts';
import type { Code } from './code.ts';
import { BLOCK_BYTES, CHUNK_BITS, MOST_ARGUMENTS, MOST_CHUNKS, ROWS_OFFSET, Word } from './layout.ts';
import { machineThreads, spawnThread, type Thread } from './spawn.ts';

/** One call of a kernel in chunks, which threads share among themselves. All arguments are numbers. */
export interface Work {
  readonly code: Code;
  /** The export of `code` that each chunk calls. */
  readonly name: string;
  /** The arguments of the first chunk, on the calling thread. */
  readonly args: readonly number[];
  /** What each argument grows by from one chunk to the next. */
  readonly steps: readonly number[];
  /** What each argument grows by from one thread to the next: workspace, which is there for so many, as `width` said. */
  readonly workspace?: { readonly steps: readonly number[]; readonly threads: number };
  readonly chunks: number;
  /** The argument that says how many elements there are: `per` for each chunk, of `total`. */
  readonly count?: { readonly at: number; readonly per: number; readonly total: number };
}

/** Parts into which kernels divide the share of each thread: one that comes late leaves its parts to the others. */
export const PARTS_PER_THREAD = 4;

/** Work below this many nanoseconds is not worth sharing with threads that are awake, with such that sleep. */
const WORTH_AWAKE_NS = 12_000;
const WORTH_ASLEEP_NS = 60_000;
/** How long a worker looks for the next call before it sleeps. */
const SPIN_US = 150;
/** How long the caller looks for the end of the others' chunks before it sleeps, in looks. */
const JOIN_LOOKS = 20_000;
/** A chunk is a matter of milliseconds: a thread that takes this long is gone. */
const JOIN_SLICE_MS = 50;
const JOIN_SLICES = 200;
/** Respawning stops when this many workers ended without having started. */
const MOST_FAILURES = 3;
const MOST_THREADS = 64;

let chosen: number | null = null;

/**
 * Sets how many threads every CPU backend computes with, the caller among them.
 *
 * @param count from 1; `'auto'` goes back to what each backend was made with.
 * @throws {BackendError} `count` is neither `'auto'` nor an integer of 1 or more.
 * @example setNumThreads(1);
 */
export function setNumThreads(count: number | 'auto'): void {
  if (count === 'auto') {
    chosen = null;
    return;
  }
  if (!Number.isInteger(count) || count < 1)
    throw new BackendError(
      `setNumThreads: the count must be an integer of 1 or more, or 'auto', got ${String(count)}`,
      { op: 'setNumThreads' },
    );
  chosen = Math.min(count, MOST_THREADS);
}

/** How many threads CPU backends compute with, where they can. */
export const getNumThreads = (): number => chosen ?? defaultCount();

let machine: number | null = null;
function defaultCount(): number {
  machine ??= Math.max(1, Math.min(machineThreads(), MOST_THREADS));
  return machine;
}

export interface ThreadOptions {
  /** Default: as many as the machine runs at once. */
  readonly threads?: number | 'auto';
  readonly workerUrl?: string | URL;
}

/**
 * Threads that share a heap. The caller takes part in every call and waits only for chunks that a worker has claimed,
 * so a worker that sleeps, or has not started yet, holds nobody up.
 */
export class ThreadPool {
  readonly heap: Heap;
  private readonly own: number | null;
  private readonly workerUrl: string | URL | undefined;
  private readonly threads: (Thread | null)[] = [];
  private block = 0;
  private words = new Int32Array(0);
  private rows = new Float64Array(0);
  private call = 0;
  private failures = 0;
  private broken = false;
  private limit = 0;
  /** When work was done alone as the workers slept. */
  private missedAt = Number.NEGATIVE_INFINITY;

  constructor(heap: Heap, options: ThreadOptions = {}) {
    this.heap = heap;
    this.own = options.threads === undefined || options.threads === 'auto' ? null : options.threads;
    this.workerUrl = options.workerUrl;
  }

  /** How many threads compute, the caller among them. */
  get count(): number {
    return !this.heap.shared || this.broken ? 1 : (chosen ?? this.own ?? defaultCount());
  }

  /** Workers that have started. */
  get ready(): number {
    return this.block === 0 ? 0 : Atomics.load(this.words, Word.ready);
  }

  /**
   * Among how many threads work of so many nanoseconds is worth sharing: 1 to do it alone. Workers are started when
   * this is first more than 1.
   */
  width(nanoseconds: number): number {
    if (nanoseconds < WORTH_AWAKE_NS) return 1;
    const { count } = this;
    if (count === 1) {
      if (!this.heap.shared && (chosen ?? this.own) !== 1) tellWhyAlone();
      return 1;
    }
    if (this.limit !== count) this.resize(count);
    if (this.block === 0) return 1;
    const awake = Atomics.load(this.words, Word.ready) - Atomics.load(this.words, Word.sleepers);
    if (nanoseconds < WORTH_ASLEEP_NS && awake < 1) {
      this.wakeIfRepeated();
      return 1;
    }
    // Workers have numbers, and any of them may come: work is divided for all of them.
    return this.ready === 0 ? 1 : count;
  }

  /** Wakes sleeping workers for the work to come, where work that they would have shared came twice while one would have looked for it. */
  private wakeIfRepeated(): void {
    const now = performance.now();
    if (now - this.missedAt < SPIN_US / 1000) Atomics.notify(this.words, Word.claim);
    this.missedAt = now;
  }

  /** Does the work, with the help of whoever has time. @throws {BackendError} a thread was lost in the middle of it. */
  run(work: Work): void {
    const { code, name, chunks, args } = work;
    const alone = this.block === 0 || chunks === 1 || chunks > MOST_CHUNKS || work.workspace?.threads === 1;
    const codeAddress = alone ? 0 : code.publish();
    if (codeAddress === 0 || args.length > MOST_ARGUMENTS) {
      for (let chunk = 0; chunk < chunks; chunk++) runChunk(work, chunk);
      return;
    }
    const { words, rows } = this;
    for (let i = 0; i < args.length; i++) {
      rows[i] = args[i]!;
      rows[MOST_ARGUMENTS + i] = work.steps[i] ?? 0;
      rows[2 * MOST_ARGUMENTS + i] = work.workspace?.steps[i] ?? 0;
    }
    words[Word.failed] = 0;
    words[Word.chunks] = chunks;
    words[Word.code] = code.id;
    words[Word.codeAddress] = codeAddress;
    words[Word.codeLength] = code.byteLength;
    words[Word.callee] = code.indexOf(name);
    words[Word.argumentCount] = args.length;
    words[Word.countAt] = work.count?.at ?? -1;
    words[Word.perChunk] = work.count?.per ?? 0;
    words[Word.total] = work.count?.total ?? 0;
    words[Word.pages] = this.heap.memory.buffer.byteLength / 65536;
    Atomics.store(words, Word.done, 0);
    this.call = (this.call + 1) & 0x1fffff;
    Atomics.store(words, Word.claim, (this.call << CHUNK_BITS) | chunks);
    if (Atomics.load(words, Word.sleepers) > 0) Atomics.notify(words, Word.claim);
    this.takePart(work);
    this.join(work);
  }

  /** Ends the workers. The next work that is worth it starts new ones. */
  close(): void {
    for (const thread of this.threads) thread?.terminate();
    this.threads.length = 0;
    this.limit = 0;
    // A worker on its way out may still look at the old block: it is left to it.
    this.block = 0;
  }

  private takePart(work: Work): void {
    const { words } = this;
    for (;;) {
      const claim = Atomics.load(words, Word.claim);
      const left = claim & MOST_CHUNKS;
      if (left === 0) return;
      if (Atomics.compareExchange(words, Word.claim, claim, claim - 1) !== claim) continue;
      try {
        runChunk(work, work.chunks - left);
      } catch (error) {
        // Nothing may run on when the caller is told of it.
        this.abandon(work);
        throw error;
      }
      Atomics.add(words, Word.done, 1);
    }
  }

  /** Claims what is left without doing it, and waits for what others do. */
  private abandon(work: Work): void {
    Atomics.add(this.words, Word.done, 1);
    const left = Atomics.exchange(this.words, Word.claim, this.call << CHUNK_BITS) & MOST_CHUNKS;
    Atomics.add(this.words, Word.done, left);
    this.join(work, false);
  }

  private join(work: Work, report = true): void {
    const { words } = this;
    const ended = (): boolean => Atomics.load(words, Word.done) === work.chunks;
    for (let look = 0; look < JOIN_LOOKS && !ended(); look++);
    if (!ended()) this.sleepUntil(ended);
    if (ended()) {
      if (report) this.check();
      return;
    }
    this.close();
    throw new BackendError(
      `cpu: a thread was lost in the middle of ${work.name}; its result is void, and the threads start anew`,
    );
  }

  private sleepUntil(ended: () => boolean): void {
    const { words } = this;
    Atomics.store(words, Word.callerSleeps, 1);
    for (let slice = 0; slice < JOIN_SLICES; slice++) {
      const done = Atomics.load(words, Word.done);
      if (ended()) break;
      pause(words, done);
    }
    Atomics.store(words, Word.callerSleeps, 0);
  }

  private check(): void {
    const failed = Atomics.load(this.words, Word.failed);
    if (failed === 0) return;
    this.close();
    throw new BackendError(`cpu: ${failed} pieces of work failed on another thread; its result is void`);
  }

  private resize(count: number): void {
    if (this.block === 0 && !this.prepare()) return;
    this.limit = count;
    for (let thread = 1; thread < count; thread++) if (!this.threads[thread]) this.spawn(thread);
    Atomics.store(this.words, Word.limit, count);
    Atomics.notify(this.words, Word.limit);
  }

  private prepare(): boolean {
    const block = this.heap.allocateWorkspace(BLOCK_BYTES);
    if (block === 0) {
      this.broken = true;
      return false;
    }
    const { buffer } = this.heap.memory;
    this.block = block;
    this.words = new Int32Array(buffer, block, ROWS_OFFSET / 4);
    this.rows = new Float64Array(buffer, block + ROWS_OFFSET, 3 * MOST_ARGUMENTS);
    this.words.fill(0);
    this.words[Word.spin] = SPIN_US;
    return true;
  }

  private spawn(thread: number): void {
    const { block, words } = this;
    const { memory } = this.heap;
    const start = {
      memory,
      block,
      thread,
      word: Word,
      rowsOffset: ROWS_OFFSET,
      mostArguments: MOST_ARGUMENTS,
      mostChunks: MOST_CHUNKS,
    };
    const ended = (): void => {
      // A pool that was closed has another block, or none.
      if (this.block !== block) return;
      this.threads[thread] = null;
      // The next work that is worth it starts another.
      this.limit = 0;
      const state = words[Word.state + thread]!;
      if (state === 0) {
        if (++this.failures >= MOST_FAILURES) this.broken = true;
        return;
      }
      words[Word.state + thread] = 0;
      Atomics.sub(words, Word.ready, 1);
      if (state === 2) Atomics.sub(words, Word.sleepers, 1);
    };
    try {
      this.threads[thread] = spawnThread(start, this.workerUrl, ended);
    } catch {
      this.threads[thread] = null;
    }
    if (this.threads[thread] === null) this.broken = true;
  }
}

let told = false;

/** Tells a page's developer, once, why there is one thread. */
function tellWhyAlone(): void {
  const page = globalThis as { readonly crossOriginIsolated?: boolean; readonly document?: unknown };
  if (told || page.crossOriginIsolated !== false || page.document === undefined) return;
  told = true;
  // biome-ignore lint/suspicious/noConsole: debug output is where a developer looks, and nobody else.
  console.debug(
    'flambeau: one thread, as this page is not cross-origin isolated; serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
  );
}

/** Waits until `done` changes or a slice of time is over; in a page's main thread, which may not wait, by looking. */
function pause(words: Int32Array<ArrayBufferLike>, done: number): void {
  try {
    Atomics.wait(words, Word.done, done, JOIN_SLICE_MS);
  } catch {
    const until = performance.now() + JOIN_SLICE_MS;
    while (Atomics.load(words, Word.done) === done && performance.now() < until);
  }
}

function runChunk({ code, name, args, steps, count }: Work, chunk: number): void {
  const kernel = code.functions[name]!;
  if (chunk === 0 && count === undefined) {
    kernel(...args);
    return;
  }
  const own = args.map((value, i) => value + chunk * (steps[i] ?? 0));
  if (count !== undefined) own[count.at] = Math.min(count.per, count.total - chunk * count.per);
  kernel(...own);
}
