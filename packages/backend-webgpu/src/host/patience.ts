/**
 * Waiting for a software adapter in Node. While anything of Dawn's is awaited, its binding asks in every turn of the event
 * loop, which takes a whole processor from an adapter that computes on the same ones. So turns are made to sleep, for a
 * share of the time waited so far: a result is late by that share at most.
 */

const SHARE = 1 / 8;
/** Longer sleeps would save nothing more, and let other work of the event loop wait. */
const LONGEST_MS = 0.25;
/** What a sleep costs at least. */
const SHORTEST_MS = 0.02;

const cell = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
let since = 0;
let isTurning = false;

function turn(): void {
  if (waiting === 0) {
    isTurning = false;
    return;
  }
  const sleepMs = Math.min(LONGEST_MS, (performance.now() - since) * SHARE);
  if (sleepMs >= SHORTEST_MS) Atomics.wait(cell, 0, 0, sleepMs);
  setImmediate(turn);
}

/** What `pending` gives; until then the event loop turns slowly. */
export async function patiently<R>(pending: Promise<R>): Promise<R> {
  waiting += 1;
  since = performance.now();
  if (!isTurning) {
    isTurning = true;
    setImmediate(turn);
  }
  try {
    return await pending;
  } finally {
    waiting -= 1;
  }
}
