import type { ThreadStart } from './layout.ts';

type Kernel = (...args: number[]) => unknown;

/**
 * A worker's life: it claims chunks of calls, one after the other, and never returns. Its text is what inline workers
 * are made of, so it names nothing but its parameter and JavaScript's own globals, and uses no syntax that older
 * targets replace by helper functions.
 */
export function serveThread(start: ThreadStart): void {
  const { memory, block, thread, word, rowsOffset, mostArguments, mostChunks } = start;
  // A fresh look at memory that grew since this thread began.
  memory.grow(0);
  const words = new Int32Array(memory.buffer, block, rowsOffset / 4);
  const rows = new Float64Array(memory.buffer, block + rowsOffset, 3 * mostArguments);
  const kernels: Kernel[][] = [];
  let pages = 0;

  const load = (code: number): Kernel[] => {
    const known = kernels[code];
    if (known !== undefined) return known;
    const address = words[word.codeAddress]! >>> 0;
    const bytes = new Uint8Array(memory.buffer, address, words[word.codeLength]!).slice();
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: memory } });
    const made = Object.keys(instance.exports).map((name) => instance.exports[name] as Kernel);
    kernels[code] = made;
    return made;
  };

  const runChunk = (chunk: number): void => {
    if (pages !== words[word.pages]!) {
      memory.grow(0);
      pages = words[word.pages]!;
    }
    const kernel = load(words[word.code]!)[words[word.callee]!]!;
    const args: number[] = [];
    for (let i = 0; i < words[word.argumentCount]!; i++)
      args.push(rows[i]! + chunk * rows[mostArguments + i]! + thread * rows[2 * mostArguments + i]!);
    const countAt = words[word.countAt]!;
    if (countAt >= 0) {
      const per = words[word.perChunk]!;
      args[countAt] = Math.min(per, words[word.total]! - chunk * per);
    }
    kernel.apply(null, args);
  };

  /** Looks for a while whether `claim` changes, then sleeps until it does. */
  const rest = (claim: number): void => {
    const until = performance.now() + words[word.spin]! / 1000;
    do {
      for (let i = 0; i < 256; i++) if (Atomics.load(words, word.claim) !== claim) return;
    } while (performance.now() < until);
    words[word.state + thread] = 2;
    Atomics.add(words, word.sleepers, 1);
    Atomics.wait(words, word.claim, claim);
    Atomics.sub(words, word.sleepers, 1);
    words[word.state + thread] = 1;
  };

  words[word.state + thread] = 1;
  Atomics.add(words, word.ready, 1);
  for (;;) {
    // In this order: who sees a call sees the limit that held when it was made.
    const claim = Atomics.load(words, word.claim);
    const limit = Atomics.load(words, word.limit);
    if (thread >= limit) {
      words[word.state + thread] = 0;
      Atomics.sub(words, word.ready, 1);
      Atomics.wait(words, word.limit, limit);
      words[word.state + thread] = 1;
      Atomics.add(words, word.ready, 1);
      continue;
    }
    const left = claim & mostChunks;
    if (left === 0) {
      rest(claim);
      continue;
    }
    // Only a claimed chunk holds the call open, so its description is read after the claim alone.
    if (Atomics.compareExchange(words, word.claim, claim, claim - 1) !== claim) continue;
    try {
      runChunk(words[word.chunks]! - left);
    } catch {
      Atomics.add(words, word.failed, 1);
    }
    Atomics.add(words, word.done, 1);
    if (Atomics.load(words, word.callerSleeps) === 1) Atomics.notify(words, word.done);
  }
}
