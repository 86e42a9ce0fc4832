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
  const abort = watch(signal);
  let finished = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      while (begun.length <= count) begun.push(begin(source));
      const { done, value } = await abort.before(begun.shift()!);
      if (done) {
        finished = true;
        return;
      }
      yield value;
    }
  } finally {
    abort.release();
    if (!finished) await close(source, signal?.aborted || begun.length > 0);
  }
}

function begin<B>(source: BatchSource<B>): Promise<IteratorResult<B, undefined>> {
  const batch = source.next();
  // Also a batch that nobody waits for any more may fail.
  batch.catch(() => {});
  return batch;
}

/** Closes a source that was left early. A busy one closes when it can, and the loop ends without it. */
async function close<B>(source: BatchSource<B>, busy: boolean): Promise<void> {
  const closing = source.close();
  if (busy) closing.catch(() => {});
  else await closing;
}

interface AbortWatch {
  /** What the promise gives, unless the signal comes first: then its reason is thrown. */
  before<R>(promise: Promise<R>): Promise<R>;
  release(): void;
}

function watch(signal: AbortSignal | undefined): AbortWatch {
  if (signal === undefined) return { before: (promise) => promise, release: () => {} };
  // Not `Promise.race` with one long-lived promise, which would keep every batch alive.
  let refuse = (_reason: unknown): void => {};
  const onAbort = (): void => refuse(signal.reason);
  signal.addEventListener('abort', onAbort);
  return {
    before: (promise) =>
      new Promise((resolve, reject) => {
        refuse = reject;
        promise.then(resolve, reject);
      }),
    release: () => signal.removeEventListener('abort', onAbort),
  };
}
