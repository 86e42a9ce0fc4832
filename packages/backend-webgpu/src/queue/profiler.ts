import { BackendError } from '@flambeau/core/backend';
import { MAP_MODE_READ, USAGE } from '../device/flags.ts';

/** What one shader took. */
export interface ProfileEntry {
  /** The shader's key. */
  readonly shader: string;
  readonly launches: number;
  readonly elapsedMs: number;
}

/** Launches that one set of queries holds: two timestamps each. */
const LAUNCHES = 2048;

interface Page {
  readonly queries: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly mapped: GPUBuffer;
  readonly keys: string[];
  resolvedCount: number;
}

/** Times every launch by the device's own clock, each in a pass of its own. */
export class Profiler {
  /** Whether launches are timed now. */
  active = false;
  private readonly device: GPUDevice;
  private pages: Page[] = [];

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /** @throws {BackendError} the device has no clock to be read. */
  start(): void {
    if (!this.device.features.has('timestamp-query'))
      throw new BackendError('webgpu: profile: this device has no timestamp-query');
    this.active = true;
  }

  /** Where the next launch writes its two timestamps. */
  next(key: string): GPUComputePassTimestampWrites {
    let page = this.pages.at(-1);
    if (page === undefined || page.keys.length === LAUNCHES) {
      page = this.makePage();
      this.pages.push(page);
    }
    const first = page.keys.length * 2;
    page.keys.push(key);
    return {
      querySet: page.queries,
      beginningOfPassWriteIndex: first,
      endOfPassWriteIndex: first + 1,
    };
  }

  private makePage(): Page {
    const { device } = this;
    const size = LAUNCHES * 16;
    return {
      queries: device.createQuerySet({ type: 'timestamp', count: LAUNCHES * 2 }),
      resolved: device.createBuffer({ size, usage: USAGE.QUERY_RESOLVE | USAGE.COPY_SRC }),
      mapped: device.createBuffer({ size, usage: USAGE.MAP_READ | USAGE.COPY_DST }),
      keys: [],
      resolvedCount: 0,
    };
  }

  /** Ends a batch: its timestamps go where the host can read them. */
  resolve(encoder: GPUCommandEncoder): void {
    for (const page of this.pages) {
      const count = page.keys.length;
      if (page.resolvedCount === count) continue;
      encoder.resolveQuerySet(page.queries, 0, count * 2, page.resolved, 0);
      encoder.copyBufferToBuffer(page.resolved, 0, page.mapped, 0, count * 16);
      page.resolvedCount = count;
    }
  }

  /** Ends timing and says what each shader took, the longest first. Call it when all launches are submitted. */
  async stop(): Promise<ProfileEntry[]> {
    this.active = false;
    const { pages } = this;
    this.pages = [];
    const totals = new Map<string, { launches: number; elapsedMs: number }>();
    for (const page of pages) {
      await page.mapped.mapAsync(MAP_MODE_READ);
      const stamps = new BigUint64Array(page.mapped.getMappedRange());
      for (const [i, key] of page.keys.entries()) {
        const total = totals.get(key) ?? { launches: 0, elapsedMs: 0 };
        totals.set(key, total);
        total.launches += 1;
        total.elapsedMs += Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6;
      }
      page.mapped.destroy();
      page.resolved.destroy();
      page.queries.destroy();
    }
    return [...totals]
      .map(([shader, total]) => ({ shader, ...total }))
      .sort((a, b) => b.elapsedMs - a.elapsedMs);
  }
}
