import { AutogradError } from '../errors.ts';
import type { Synchronous } from '../graph/mode.ts';
import {
  type DeviceMemory,
  type MemoryOptions,
  type MemoryUse,
  setReclaimByteLength,
} from '../storage/memory.ts';
import { type Device, deviceEntries, deviceEntry } from '../storage/registry.ts';
import { scope } from '../storage/scope.ts';

const memories = (device: Device | undefined): DeviceMemory[] =>
  device === undefined ? deviceEntries().map((entry) => entry.memory) : [deviceEntry(device).memory];

/** What tensors take on each device, and how dropped ones are found. */
export const memory = {
  /**
   * What lives on a device, in bytes and in tensors that share no memory; small ones in JavaScript's own heap are
   * not counted.
   *
   * @throws {DeviceError} no backend is registered for it.
   * @example memory.use('cpu').byteLength
   */
  use(device?: Device): MemoryUse {
    const { storages, byteLength, peakByteLength, spilledByteLength, reclaims, reclaimMs } =
      deviceEntry(device).memory;
    return { storages, byteLength, peakByteLength, spilledByteLength, reclaims, reclaimMs };
  },

  /**
   * A line for each device: how much lives there, in how many tensors, and what found no room.
   *
   * @throws {DeviceError} no backend is registered for `device`.
   * @example memory.summary() // 'cpu: 12.5 MiB in 14 tensors, at most 31.0 MiB so far'
   */
  summary: (device?: Device): string =>
    memories(device)
      .map((one) => one.summary())
      .join('\n'),

  /**
   * Frees what the program has dropped, now. Where the host cannot be asked (browsers), await `nextTurn()`.
   *
   * @throws {DeviceError} no backend is registered for `device`.
   */
  reclaim(device?: Device): void {
    for (const one of memories(device)) one.reclaim();
  },

  /** @throws {ArgumentError} a threshold is no positive number. */
  configure({ reclaimByteLength }: MemoryOptions): void {
    if (reclaimByteLength === undefined) return;
    setReclaimByteLength(reclaimByteLength);
    for (const one of memories(undefined)) one.reset();
  },
};

/**
 * Runs a synchronous function and frees every tensor that it made, but for what it returns and what is state:
 * parameters, buffers, `.grad`, an optimiser's. Memory stays flat without it wherever a loop waits, and in Node in
 * every loop; this is for loops in a page that never wait, and for the smallest footprint.
 *
 * @throws {AutogradError} the function returns a promise.
 * @example const loss = tidy(() => { const loss = mseLoss(model.forward(x), y); loss.backward(); return loss.detach(); });
 */
export function tidy<R>(body: () => Synchronous<R>): R {
  return scope(() => {
    const result: R = body();
    if (typeof result === 'object' && result !== null && 'then' in result)
      throw new AutogradError(
        'tidy takes a synchronous function, but this one returned a promise: tensors made after its first await would be missed; wrap what lies between two awaits',
        { op: 'tidy' },
      );
    return result;
  });
}
