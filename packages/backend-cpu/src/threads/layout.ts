/**
 * The block of shared memory through which threads meet: 32-bit words first, then rows of float64 with the arguments
 * of the call in hand.
 */
export const Word = {
  /** Which call it is, and in the lowest bits how many of its chunks nobody has claimed. */
  claim: 0,
  /** Chunks that are finished. */
  done: 1,
  /** Workers that wait, and must be woken. */
  sleepers: 2,
  /** Workers that have started. */
  ready: 3,
  /** Chunks that threw. */
  failed: 4,
  /** Workers from this index on rest. */
  limit: 5,
  /** Whether the caller sleeps until `done` changes. */
  callerSleeps: 6,
  chunks: 7,
  /** The code, where its bytes lie, and which of its functions is called. */
  code: 8,
  codeAddress: 9,
  codeLength: 10,
  callee: 11,
  argumentCount: 12,
  /** The argument that counts elements, -1 for none; how many in a chunk, and in all. */
  countAt: 13,
  perChunk: 14,
  total: 15,
  /** Pages of the memory: after it grew, threads look at it anew. */
  pages: 16,
  /** How long a worker looks for the next call before it sleeps, in microseconds. */
  spin: 17,
  /** From here on a word for each thread: 0 not started or at rest, 1 awake, 2 asleep. */
  state: 64,
} as const;

/** Arguments of a call, at most. */
export const MOST_ARGUMENTS = 32;
/** Chunks of a call, at most: they are counted in the low bits of `claim`. */
export const CHUNK_BITS = 10;
export const MOST_CHUNKS = (1 << CHUNK_BITS) - 1;
/** The rows of float64: arguments of the first chunk, what they grow by from chunk to chunk, and from thread to thread. */
export const ROWS_OFFSET = 512;
export const BLOCK_BYTES = ROWS_OFFSET + 3 * MOST_ARGUMENTS * 8;

/** What a worker is started with. Everything that it needs, as its source may run apart from this module. */
export interface ThreadStart {
  readonly memory: WebAssembly.Memory;
  readonly block: number;
  /** From 1; the caller is thread 0. */
  readonly thread: number;
  readonly word: typeof Word;
  readonly rowsOffset: number;
  readonly mostArguments: number;
  readonly mostChunks: number;
}
