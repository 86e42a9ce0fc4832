import { BackendError, type FlambeauError } from '@flambeau/core/backend';

/** What becomes of submitted work: the first fault, the loss of the device, and who waits for either. */
export class Outcome {
  /** Resolves when the device is gone. */
  readonly lost: Promise<BackendError>;
  private readonly onClose: () => void;
  private fault: FlambeauError | undefined;
  private lostBy: BackendError | undefined;
  private readonly waiting = new Set<(reason: BackendError) => void>();
  private readonly submissions = new Set<Promise<void>>();

  /** `owned` says whether errors that nobody catches are ours; `onClose` is told when no work is taken any more. */
  constructor(device: GPUDevice, owned: boolean, onClose: () => void) {
    this.onClose = onClose;
    this.lost = device.lost.then(({ reason, message }) =>
      this.close([reason, message].filter(Boolean).join(': ')),
    );
    if (owned) {
      device.addEventListener('uncapturederror', (event) => {
        // Node's Dawn logs an error that no handler has prevented.
        event.preventDefault();
        this.report(deviceError(event.error));
      });
    }
  }

  get isLost(): boolean {
    return this.lostBy !== undefined;
  }

  /** @throws {BackendError} the device is lost. */
  checkPresent(): void {
    if (this.lostBy !== undefined) throw this.lostBy;
  }

  /** Keeps a fault for whoever waits next. The first counts. */
  report(fault: FlambeauError): void {
    this.fault ??= fault;
  }

  /** No work is taken any more. */
  close(why: string): BackendError {
    if (this.lostBy !== undefined) return this.lostBy;
    const error = new BackendError(
      `webgpu: the device is lost (${why}), and what was on it; make another: unregisterBackend('webgpu'), registerBackend(await webgpu())`,
      { data: { why } },
    );
    this.lostBy = error;
    this.onClose();
    for (const reject of this.waiting) reject(error);
    this.waiting.clear();
    return error;
  }

  /** Keeps an eye on the error scope of a submission. */
  watch(scope: Promise<GPUError | null>): void {
    const check = scope
      .then((error) => {
        if (error !== null) this.report(deviceError(error));
      })
      // A device that is lost says so elsewhere.
      .catch(() => {})
      .finally(() => this.submissions.delete(check));
    this.submissions.add(check);
  }

  /** What `wait` gives; a lost device ends the wait. */
  until<R>(wait: () => Promise<R>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      if (this.lostBy !== undefined) {
        reject(this.lostBy);
        return;
      }
      this.waiting.add(reject);
      wait()
        .then(resolve, (error: unknown) => reject(this.lostBy ?? this.fault ?? waitError(error)))
        .finally(() => this.waiting.delete(reject));
    });
  }

  /**
   * Waits until `checks` and all submissions are known, and throws the first fault since somebody waited: one that was
   * reported here, or else `found`.
   */
  async settle(checks: readonly Promise<void>[], found: BackendError | undefined): Promise<void> {
    await Promise.all([...this.submissions, ...checks]);
    if (this.lostBy !== undefined) throw this.lostBy;
    const fault = this.fault ?? found;
    this.fault = undefined;
    if (fault !== undefined) throw fault;
  }
}

function deviceError(error: GPUError): BackendError {
  return new BackendError(`webgpu: the device refused a command: ${error.message.split('\n')[0]}`, {
    data: { message: error.message },
  });
}

function waitError(error: unknown): BackendError {
  const reason = error instanceof Error ? error.message : String(error);
  return new BackendError(`webgpu: reading from the device failed: ${reason}`, { cause: error });
}
