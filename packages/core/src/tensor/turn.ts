import { deviceEntries } from '../storage/registry.ts';

/** Longest time between two turns of the event loop at waiting points, in milliseconds. */
const TURN_MS = 8;

interface HostTimers {
  readonly setImmediate?: (callback: () => void) => unknown;
}

let lastTurnMs = performance.now();

/** Lets the event loop turn once, so that timers, input and rendering have their chance. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      lastTurnMs = performance.now();
      resolve();
    };
    const { setImmediate } = globalThis as HostTimers;
    if (setImmediate !== undefined) {
      setImmediate(done);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    const received = (): void => {
      port1.close();
      done();
    };
    port1.addEventListener('message', received, { once: true });
    port1.start();
    port2.postMessage(null);
  });
}

/** A place where a program waits anyway: looks for dropped tensors, and takes a turn when the last one is 8 ms ago. */
export async function waitingPoint(): Promise<void> {
  for (const { memory } of deviceEntries()) await memory.reclaimWaiting(nextTurn);
  if (performance.now() - lastTurnMs >= TURN_MS) await nextTurn();
}
