import { BACKEND_DTYPES, type Backend, BackendError, byteLengthOf, type DType } from '@flambeau/core/backend';
import { kernels } from './kernels.ts';
import { Memory, type MemoryUse } from './memory.ts';
import { Queue, type Schedule } from './queue.ts';
import { checkDType } from './validate.ts';

declare module '@flambeau/core' {
  /** So that `x.to('alien')` compiles. */
  interface Devices {
    alien: true;
  }
}

export interface AlienOptions {
  /** Default `alien`; another name makes another device. */
  readonly device?: string;
  /** When the device works on its queue. Default `macrotask`. */
  readonly schedule?: Schedule;
  /** The dtypes that the device has. Default: all but complex64. */
  readonly dtypes?: readonly DType[];
  /** How many bytes the device has. Default 1 GiB. */
  readonly capacity?: number;
}

/** The alien backend, and what tests ask of it besides. */
export interface AlienBackend extends Backend {
  /** What the host holds at this moment. */
  readonly memory: MemoryUse;
  /** How much work was enqueued and not run yet. */
  readonly pending: number;
  /** Kernels called so far. */
  readonly launches: number;
  /** The device is gone: work is refused from now on. */
  lose(reason: string): void;
}

/**
 * A device that is nothing like host memory, to prove that core works on any. Its handles hold nothing; work waits on
 * a queue and never runs at the call; fresh memory is poisoned; it reads asynchronously only; and it refuses all that
 * the contract says core never does. It is also the smallest backend: copy it and replace what `compute.ts` does.
 *
 * @example registerBackend(alien());
 */
export function alien(options: AlienOptions = {}): AlienBackend {
  const { device = 'alien', schedule = 'macrotask', dtypes = BACKEND_DTYPES, capacity = 2 ** 30 } = options;
  const memory = new Memory(capacity);
  const queue = new Queue(schedule);
  let tellLost: (reason: BackendError) => void = () => {};
  const lost = new Promise<BackendError>((resolve) => {
    tellLost = resolve;
  });
  let launches = 0;
  const launch = (work: () => void): void => {
    launches += 1;
    queue.enqueue(work);
  };
  return {
    apiVersion: 1,
    device,
    name: 'alien (a test of the contract)',
    limits: { dtypes, maxByteLength: capacity, synchronousReads: false },
    lost,
    kernels: kernels(memory, dtypes, launch),
    get memory() {
      return memory.use;
    },
    get pending() {
      return queue.length;
    },
    get launches() {
      return launches;
    },
    allocate(byteLength, dtype) {
      checkDType('allocate', 'dtype', dtype, dtypes);
      if (byteLength % byteLengthOf(dtype) !== 0)
        throw new BackendError(`alien: allocate: ${byteLength} bytes hold no whole number of ${dtype}`);
      return memory.allocate(byteLength);
    },
    free(allocation) {
      queue.enqueue(memory.free(allocation));
    },
    write(target, byteOffset, bytes) {
      memory.checkRange('write', target, byteOffset, bytes.byteLength);
      const snapshot = bytes.slice();
      queue.enqueue(() => memory.bytes(target).set(snapshot, byteOffset));
    },
    copy(source, sourceOffset, target, targetOffset, byteLength) {
      memory.checkRange('copy', source, sourceOffset, byteLength);
      memory.checkRange('copy', target, targetOffset, byteLength);
      const apart = Math.abs(sourceOffset - targetOffset) >= byteLength;
      if (source === target && !apart) throw new BackendError('alien: copy: source and target overlap');
      queue.enqueue(() => {
        const bytes = memory.bytes(source).subarray(sourceOffset, sourceOffset + byteLength);
        memory.bytes(target).set(bytes, targetOffset);
      });
    },
    async read(source, byteOffset, byteLength) {
      memory.checkRange('read', source, byteOffset, byteLength);
      return queue.wait(() => memory.bytes(source).slice(byteOffset, byteOffset + byteLength));
    },
    synchronize: () => queue.wait(() => {}),
    lose(reason) {
      const error = new BackendError(`${device} was lost: ${reason}`);
      queue.lose(error);
      tellLost(error);
    },
  };
}
