/** Where batches come from. `next` begins a batch; several may be under way. */
export interface BatchSource<B> {
  next(): Promise<IteratorResult<B, undefined>>;
  /** Lets go of what the source holds open, also while batches are under way. */
  close(): Promise<void>;
}

/**
 * The batches of a source in order, with up to `count` begun ahead of the one that was handed out. No more are begun
 * until the next one is asked for. A failure is thrown when its batch's turn comes, and closes the source.
 */
export async function* ahead<B>(
  source: BatchSource<B>,
  count: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<B, void, undefined> {
  const begun: Promise<IteratorResult<B, undefined>>[] = [];
  const fill = (): void => {
    while (begun.length <= count) {
      const batch = source.next();
      // Also a batch that nobody will wait for any more may fail.
      batch.catch(() => {});
      begun.push(batch);
    }
  };
  const abort = watch(signal);
  let finished = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      fill();
      const { done, value } = await abort.before(begun.shift()!);
      if (done) {
        finished = true;
        return;
      }
      if (count > 0) fill();
      yield value;
    }
  } finally {
    abort.release();
    if (!finished) await close(source, signal);
  }
}

/** Closes a source that was left early. One that hangs must not keep an aborted loop from ending. */
async function close<B>(source: BatchSource<B>, signal: AbortSignal | undefined): Promise<void> {
  const closing = source.close();
  if (signal?.aborted) closing.catch(() => {});
  else await closing;
}

interface AbortWatch {
  /** What the promise gives, unless the signal comes first: then its reason is thrown. */
  before<R>(promise: Promise<R>): Promise<R>;
  release(): void;
}

function watch(signal: AbortSignal | undefined): AbortWatch {
  if (signal === undefined) return { before: (promise) => promise, release: () => {} };
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  aborted.catch(() => {});
  return {
    before: (promise) => Promise.race([aborted, promise]),
    release: () => signal.removeEventListener('abort', onAbort),
  };
}
