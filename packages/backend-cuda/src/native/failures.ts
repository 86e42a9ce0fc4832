import { BackendError } from '@flambeau/core/backend';

/** What the native module throws: `kind` says what went wrong, `message` the driver's or the linker's own words. */
interface NativeFailure extends Error {
  readonly kind: string;
  readonly result: number;
}

const isFailure = (error: unknown): error is NativeFailure => error instanceof Error && 'kind' in error;

/** The driver's result of a failure; 0 for anything else. */
export const resultOf = (error: unknown): number => (isFailure(error) ? error.result : 0);

/** What the texts speak of. */
export interface FailureScene {
  /** The driver's version, once it is known. */
  readonly driverVersion?: number;
}

const showVersion = (version: number): string =>
  `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;

/** The Python package with an NVRTC for this major version of CUDA. */
const nvrtcPackage = (major: number): string =>
  major >= 13 ? 'nvidia-cuda-nvrtc' : `nvidia-cuda-nvrtc-cu${major}`;

function textOf({ kind, message }: NativeFailure, { driverVersion = 13_000 }: FailureScene): string {
  const major = Math.floor(driverVersion / 1000);
  switch (kind) {
    case 'no-driver':
      return "no CUDA driver was found (libcuda.so.1); install NVIDIA's driver, or use another backend such as cpu()";
    case 'driver-old':
      return `the CUDA driver has no ${message}, it is too old; update NVIDIA's driver to version 525 or newer`;
    case 'driver-broken':
      return `the CUDA driver does not start (${message}); check that nvidia-smi works, and that the driver's module and library have one version`;
    case 'no-device':
      return `the CUDA driver sees no GPU (${message}); check nvidia-smi and CUDA_VISIBLE_DEVICES`;
    case 'no-nvrtc':
      return `NVRTC, which compiles the kernels, was not found; install it, for instance with pip install ${nvrtcPackage(major)} or with NVIDIA's CUDA toolkit ${major}, and name its file in FLAMBEAU_CUDA_NVRTC if it lies in no usual place`;
    case 'nvrtc-old':
      return `the NVRTC that was found has no ${message}, it is too old; install one of CUDA 11.2 or newer, for instance with pip install ${nvrtcPackage(major)}`;
    case 'nvrtc-broken':
      return `NVRTC does not work (${message}); install it anew, for instance with pip install ${nvrtcPackage(major)}`;
    case 'driver-older-than-nvrtc':
      return `the driver runs CUDA ${showVersion(driverVersion)} and is too old for the NVRTC that was found, of CUDA ${message}; update NVIDIA's driver, or install an NVRTC of CUDA ${major}: pip install ${nvrtcPackage(major)}`;
    default:
      return message;
  }
}

/** A failure of the native module as an error for people; anything else stays as it is. */
export function explain(error: unknown, scene: FailureScene = {}): unknown {
  if (!isFailure(error)) return error;
  return new BackendError(`cuda: ${textOf(error, scene)}`, {
    data: { reason: error.kind, detail: error.message },
    cause: error,
  });
}

/** Results after which a context computes nothing more: every later call fails. */
const FATAL = new Set([
  214, // uncorrectable memory error
  219, // NVLink error
  700, // illegal address
  702, // launch timed out
  710, // assertion in a kernel
  714, // hardware stack error
  715, // illegal instruction
  716, // misaligned address
  717, // invalid address space
  718, // invalid program counter
  719, // launch failed
]);

export const isFatal = (result: number): boolean => FATAL.has(result);

/** The error that ends a device. `words` are the driver's. */
export const deadContext = (device: string, call: string, words: string): BackendError =>
  new BackendError(
    `${device}: ${call}: a kernel failed (${words}); the device's context is dead and its tensors are lost: start the program anew. With CUDA_LAUNCH_BLOCKING=1 the error names the kernel`,
    { data: { reason: 'dead-context', call, detail: words } },
  );

/** A kernel that NVRTC refuses: a fault of this package. The text has the first line of the log, `data` has it all. */
export function doesNotCompile(entry: string, source: string, log: string): BackendError {
  const first = log.split('\n').find((line) => /error/i.test(line)) ?? log.split('\n')[0] ?? '';
  return new BackendError(
    `cuda: kernel ${entry} does not compile: ${first.trim()}; please report it with error.data.source and error.data.log`,
    { data: { reason: 'compile', entry, source, log } },
  );
}
