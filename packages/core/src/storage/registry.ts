import type { DType } from '../dtype.ts';
import { BackendError, DeviceError } from '../errors.ts';
import type { Backend, BackendLimits, FusedKernel, Kernels, OptionalKernels } from './contract.ts';
import { DeviceMemory } from './memory.ts';
import { version } from './version.ts';

/** Devices known to the types; a plugin adds its own: `declare module '@flambeau/core' { interface Devices { mine: true } }`. */
export interface Devices {
  cpu: true;
  webgpu: true;
  cuda: true;
  meta: true;
}

/** A device's name, with an index where there are several: `'cpu' | 'webgpu' | 'cuda:1'`. */
export type Device = keyof Devices | `${keyof Devices}:${number}`;

/** A registered device: the backend and the fused kernels that lie over it. */
export class DeviceEntry {
  readonly backend: Backend;
  readonly device: Device;
  readonly kernels: Kernels;
  readonly limits: BackendLimits;
  readonly memory: DeviceMemory;
  private readonly dtypes: ReadonlySet<DType>;
  private lastSupported: DType | null = null;
  /** Fused kernels by operator name, newest layer first. */
  private layers: OptionalKernels[] = [];

  constructor(backend: Backend) {
    this.backend = backend;
    this.device = backend.device as Device;
    this.kernels = backend.kernels;
    this.limits = backend.limits;
    this.memory = new DeviceMemory(backend);
    this.dtypes = new Set(backend.limits.dtypes);
  }

  supports(dtype: DType): boolean {
    if (dtype === this.lastSupported) return true;
    if (!this.dtypes.has(dtype)) return false;
    this.lastSupported = dtype;
    return true;
  }

  fused(op: string): FusedKernel | undefined {
    for (const layer of this.layers) {
      const kernel = layer[op];
      if (kernel !== undefined) return kernel;
    }
    return this.kernels.fused?.[op];
  }

  addLayer(table: OptionalKernels): () => void {
    if (!this.layers.includes(table)) this.layers = [table, ...this.layers];
    return () => {
      this.layers = this.layers.filter((layer) => layer !== table);
    };
  }
}

interface GlobalState {
  readonly version: string;
  readonly devices: Map<string, DeviceEntry>;
  defaultDevice: string | undefined;
}

const KEY = Symbol.for('flambeau.core');
const globals = globalThis as { [KEY]?: GlobalState };

/** The registry is shared by all copies of one version of core, and refused to copies of another. */
function globalState(): GlobalState {
  const state = (globals[KEY] ??= { version, devices: new Map(), defaultDevice: undefined });
  if (state.version !== version) {
    throw new BackendError(
      `flambeau: two versions of @flambeau/core are loaded, ${state.version} and ${version}; install one (npm ls @flambeau/core shows who wants which)`,
      { data: { loaded: state.version, second: version } },
    );
  }
  return state;
}

const state = globalState();

/**
 * Makes a backend's device available. The first one becomes the default device. Registering a device again returns
 * the backend that was there first.
 *
 * @throws {BackendError} the backend was made for another version of the contract.
 * @example registerBackend(cpu());
 */
export function registerBackend(backend: Backend): Backend {
  if (backend.apiVersion !== 1) {
    throw new BackendError(
      `registerBackend: ${backend.device} implements version ${String(backend.apiVersion)} of the contract, core has version 1; update one of them`,
    );
  }
  const present = state.devices.get(backend.device);
  if (present !== undefined) return present.backend;
  state.devices.set(backend.device, new DeviceEntry(backend));
  if (backend.device !== 'meta') state.defaultDevice ??= backend.device;
  return backend;
}

/** Takes a device away; tensors on it stay valid. Returns whether it was there. */
export function unregisterBackend(device: string): boolean {
  if (state.defaultDevice === device)
    state.defaultDevice = [...state.devices.keys()].find((d) => d !== device && d !== 'meta');
  return state.devices.delete(device);
}

/** Lays fused kernels over a device; call what it returns to take them off again. */
export function registerKernels(device: Device, table: OptionalKernels): () => void {
  return deviceEntry(device).addLayer(table);
}

/**
 * The entry of a device.
 * @throws {DeviceError} no backend is registered for it.
 */
export function deviceEntry(device: string | undefined): DeviceEntry {
  const name = device ?? state.defaultDevice;
  if (name === undefined) {
    throw new DeviceError(
      "no backend is registered; import from 'flambeau', or registerBackend(cpu()) with cpu from '@flambeau/backend-cpu'",
    );
  }
  const entry = state.devices.get(name);
  if (entry === undefined) {
    const known = [...state.devices.keys()].join(', ');
    throw new DeviceError(
      `device ${name} has no backend; registered devices: ${known || 'none'}. Register one: registerBackend(…)`,
      {
        data: { device: name },
      },
    );
  }
  return entry;
}

/** The entries of all devices but `meta`, which holds no data. */
export const deviceEntries = (): DeviceEntry[] =>
  [...state.devices.values()].filter(({ device }) => device !== 'meta');

/** Whether a backend is registered for a device. */
export const hasDevice = (device: string): boolean => state.devices.has(device);

/**
 * Whether a device stores tensors of a dtype.
 * @throws {DeviceError} no backend is registered for it.
 */
export const supportsDType = (device: Device, dtype: DType): boolean => deviceEntry(device).supports(dtype);

/** The device on which tensors are made when none is named. @throws {DeviceError} no backend is registered. */
export const getDefaultDevice = (): Device => deviceEntry(undefined).device;

/** Whether tensors are made there when no device is named. */
export const isDefaultDevice = (device: string): boolean => state.defaultDevice === device;

/** @throws {DeviceError} no backend is registered for `device`. */
export function setDefaultDevice(device: Device): void {
  state.defaultDevice = deviceEntry(device).device;
}

/**
 * The first of several devices that has a backend.
 * @throws {DeviceError} none has.
 * @example setDefaultDevice(pickDevice(['webgpu', 'cpu']))
 */
export function pickDevice(devices: readonly Device[]): Device {
  const found = devices.find(hasDevice);
  if (found === undefined) throw new DeviceError(`pickDevice: none of ${devices.join(', ')} has a backend`);
  return found;
}
