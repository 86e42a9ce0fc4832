import { ArgumentError, BackendError } from '@flambeau/core/backend';
import { NO_ADAPTER, requestGpu } from '#host';

/** Where the device comes from. */
export interface DeviceOptions {
  /** The page's own device. It is used as it is and never destroyed. */
  readonly device?: GPUDevice;
  /** The adapter to ask for a device. Default: what the platform gives. */
  readonly adapter?: GPUAdapter;
  /** Which of several adapters. Default `high-performance`. */
  readonly powerPreference?: GPUPowerPreference;
  /** Asks for a software adapter. */
  readonly forceFallbackAdapter?: boolean;
}

/** A device and what is known of it. */
export interface AcquiredDevice {
  readonly device: GPUDevice;
  /** What it runs on, for people. */
  readonly name: string;
  readonly software: boolean;
  /** Whether it was made here, and so may be destroyed here. */
  readonly owned: boolean;
}

/** Limits that the backend makes use of; it asks for the best that the adapter has. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxUniformBufferBindingSize',
  'minUniformBufferOffsetAlignment',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

const FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|\bwarp\b/i;

/**
 * A device with all that its adapter offers.
 * @throws {BackendError} there is no WebGPU, no adapter, or the adapter gives no device.
 */
export async function acquireDevice(options: DeviceOptions): Promise<AcquiredDevice> {
  const { device } = options;
  if (device !== undefined) {
    if (options.adapter !== undefined || options.powerPreference !== undefined)
      throw new ArgumentError('webgpu: give either device or adapter and powerPreference, not both');
    return { ...describe(device.adapterInfo), device, owned: false };
  }
  const adapter = options.adapter ?? (await requestAdapter(options));
  const requiredLimits: Record<string, number> = {};
  for (const limit of LIMITS) requiredLimits[limit] = adapter.limits[limit];
  const requiredFeatures = FEATURES.filter((feature) => adapter.features.has(feature));
  try {
    const made = await adapter.requestDevice({ label: 'flambeau', requiredFeatures, requiredLimits });
    return { ...describe(adapter.info), device: made, owned: true };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackendError(`webgpu: the adapter ${describe(adapter.info).name} gives no device: ${reason}`, {
      cause: error,
    });
  }
}

async function requestAdapter(options: DeviceOptions): Promise<GPUAdapter> {
  const gpu = await requestGpu();
  const { powerPreference = 'high-performance', forceFallbackAdapter = false } = options;
  const adapter = await gpu.requestAdapter({ powerPreference, forceFallbackAdapter });
  if (adapter === null) throw new BackendError(NO_ADAPTER);
  return adapter;
}

function describe(info: GPUAdapterInfo | undefined): { name: string; software: boolean } {
  const words = [info?.vendor, info?.architecture, info?.device, info?.description].filter(Boolean);
  const name = info?.description || words.join(' ') || 'unknown adapter';
  return { name, software: info?.isFallbackAdapter === true || SOFTWARE.test(words.join(' ')) };
}
