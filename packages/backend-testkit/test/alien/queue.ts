import { BackendError } from '@flambeau/core/backend';

/** When the device works on what was enqueued: in a turn of its own, after the current one, or only when waited for. */
export type Schedule = 'macrotask' | 'microtask' | 'lazy';

/**
 * The device's queue. Nothing runs while the host is enqueuing. A fault stops the work that met it, is kept, and is
 * thrown to whoever waits next; work after it goes on.
 */
export class Queue {
  private readonly schedule: Schedule;
  private waiting: (() => void)[] = [];
  private awake = false;
  private fault: BackendError | undefined;
  private lostBy: BackendError | undefined;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
  }

  /** How much work was enqueued and not run yet. */
  get length(): number {
    return this.waiting.length;
  }

  enqueue(work: () => void): void {
    if (this.lostBy !== undefined) throw this.lostBy;
    this.waiting.push(work);
    this.wake();
  }

  /** Runs all that was enqueued before, then `work`, and gives its result. @throws {BackendError} the first fault since. */
  async wait<R>(work: () => R): Promise<R> {
    if (this.lostBy !== undefined) throw this.lostBy;
    let result: { readonly value: R } | { readonly error: unknown } | undefined;
    this.waiting.push(() => {
      try {
        this.throwFault();
        result = { value: work() };
      } catch (error) {
        result = { error };
      }
    });
    await Promise.resolve();
    this.drain();
    if (result === undefined) throw this.lostBy ?? new BackendError('alien: the queue stopped');
    if ('error' in result) throw result.error;
    return result.value;
  }

  /** Keeps a fault for the next one who waits. The first counts. */
  report(fault: BackendError): void {
    this.fault ??= fault;
  }

  /** From now on all work is refused. */
  lose(reason: BackendError): void {
    this.lostBy = reason;
    this.waiting = [];
  }

  private throwFault(): void {
    const { fault } = this;
    this.fault = undefined;
    if (fault !== undefined) throw fault;
  }

  private wake(): void {
    if (this.awake || this.schedule === 'lazy') return;
    this.awake = true;
    const run = (): void => {
      this.awake = false;
      this.drain();
    };
    if (this.schedule === 'microtask') queueMicrotask(run);
    else setTimeout(run, 0);
  }

  private drain(): void {
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      for (const work of batch) {
        try {
          work();
        } catch (error) {
          this.report(
            error instanceof BackendError
              ? error
              : new BackendError(`alien: ${String(error)}`, { cause: error }),
          );
        }
      }
    }
  }
}
