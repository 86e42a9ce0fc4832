import { SingleBar } from 'cli-progress';

/** How often a plain line is written in the course of an epoch. */
const PLAIN_LINES = 4;

/** A bar on a terminal, plain lines elsewhere. */
export class Progress {
  private readonly label: string;
  private readonly total: number;
  private readonly bar: SingleBar | undefined;
  private done = 0;

  constructor(label: string, total: number) {
    this.label = label;
    this.total = total;
    if (!process.stdout.isTTY) return;
    this.bar = new SingleBar({
      format: `${label} [{bar}] {value}/{total} loss {loss}, {eta_formatted} left`,
      stream: process.stdout,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
    });
    this.bar.start(total, 0, { loss: '-' });
  }

  /** Counts one batch; `lossSum` is the sum of the losses so far. */
  step(lossSum: number): void {
    this.done += 1;
    const loss = (lossSum / this.done).toFixed(4);
    if (this.bar !== undefined) this.bar.update(this.done, { loss });
    else if (this.isDue()) console.log(`${this.label}: ${this.done} of ${this.total} batches, loss ${loss}`);
  }

  private isDue(): boolean {
    const share = (done: number): number => Math.floor((done * PLAIN_LINES) / this.total);
    return this.done < this.total && share(this.done) > share(this.done - 1);
  }

  stop(): void {
    this.bar?.stop();
  }
}
