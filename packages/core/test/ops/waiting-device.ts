import { cpu } from '@flambeau/backend-cpu';
import { type Device, registerBackend } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';

/** A device that can be read only by waiting, as WebGPU. */
export function waitingDevice(): Device {
  const real = cpu();
  const backend: Backend = {
    apiVersion: 1,
    device: 'waiting',
    name: 'cpu without synchronous reads',
    limits: { ...real.limits, synchronousReads: false },
    lost: real.lost,
    kernels: real.kernels,
    allocate: (byteLength, dtype) => real.allocate(byteLength, dtype),
    free: (allocation) => real.free(allocation),
    write: (target, byteOffset, bytes) => real.write(target, byteOffset, bytes),
    copy: (source, sourceOffset, target, targetOffset, byteLength) =>
      real.copy(source, sourceOffset, target, targetOffset, byteLength),
    read: (source, byteOffset, byteLength) => real.read(source, byteOffset, byteLength),
    synchronize: () => real.synchronize(),
  };
  registerBackend(backend);
  return 'waiting' as Device; // A name that only this test adds.
}
