import { DTYPES, type DType } from '../dtype.ts';
import { BackendError } from '../errors.ts';
import type { Allocation, Backend, Kernels } from './contract.ts';
import { registerBackend } from './registry.ts';

const nothing = (): void => {};

/** A device that computes shapes and dtypes and holds no data. */
const kernels: Kernels = {
  pointwise: nothing,
  reduce: nothing,
  argReduce: nothing,
  scan: nothing,
  matmul: nothing,
  gather: nothing,
  scatter: nothing,
  sort: nothing,
};

const unreadable = (): never => {
  throw new BackendError('meta: tensors of the meta device have a shape and a dtype but no data');
};

export const meta: Backend = {
  apiVersion: 1,
  device: 'meta',
  name: 'meta (no data)',
  limits: {
    dtypes: Object.keys(DTYPES) as DType[],
    maxByteLength: Number.MAX_SAFE_INTEGER,
    synchronousReads: true,
  },
  lost: new Promise(nothing),
  kernels,
  allocate: (byteLength): Allocation => ({ byteLength, collected: true }),
  free: nothing,
  write: nothing,
  copy: nothing,
  read: async () => unreadable(),
  readSync: unreadable,
  synchronize: async () => {},
};

registerBackend(meta);
