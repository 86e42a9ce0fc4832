import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BackendError } from '@flambeau/core/backend';
import type { NativeAddon } from '../native/addon.ts';

/** A variable of the environment; undefined where it is not set or empty. */
export const environment = (name: string): string | undefined => process.env[name] || undefined;

export const warn = (text: string, code: string): void => process.emitWarning(text, { code });

/** Where the addon lies and libraries are looked for. Tests give their own. */
export interface LibraryPaths {
  readonly addon?: string;
  readonly driver?: string;
  readonly nvrtc?: string;
  readonly blas?: string;
}

const windows = process.platform === 'win32';

const own = (given: string | undefined, variable: string): readonly string[] | undefined => {
  const path = given ?? environment(variable);
  return path === undefined ? undefined : [path];
};

export const driverCandidates = ({ driver }: LibraryPaths): readonly string[] =>
  own(driver, 'FLAMBEAU_CUDA_DRIVER') ??
  (windows ? ['nvcuda.dll'] : ['libcuda.so.1', '/usr/lib/wsl/lib/libcuda.so.1']);

export const nvrtcCandidates = ({ nvrtc }: LibraryPaths): readonly string[] =>
  own(nvrtc, 'FLAMBEAU_CUDA_NVRTC') ??
  spread(
    windows
      ? ['nvrtc64_130_0.dll', 'nvrtc64_120_0.dll']
      : ['libnvrtc.so.13', 'libnvrtc.so.12', 'libnvrtc.so.11.2'],
    'cuda_nvrtc',
  );

export const blasCandidates = ({ blas }: LibraryPaths): readonly string[] =>
  own(blas, 'FLAMBEAU_CUDA_CUBLAS') ??
  spread(
    windows
      ? ['cublas64_13.dll', 'cublas64_12.dll']
      : ['libcublas.so.13', 'libcublas.so.12', 'libcublas.so.11'],
    'cublas',
  );

/** Names as the linker finds them, then files in the places of NVIDIA's toolkit and of its Python packages. */
function spread(names: readonly string[], pythonPackage: string): readonly string[] {
  const folders = [...toolkitFolders(), ...pythonFolders(pythonPackage)];
  return [
    ...names,
    ...folders.flatMap((folder) =>
      names.map((name) => join(folder, name)).filter((path) => existsSync(path)),
    ),
  ];
}

function toolkitFolders(): string[] {
  const roots = [environment('CUDA_PATH'), environment('CUDA_HOME'), windows ? undefined : '/usr/local/cuda'];
  return roots.flatMap((root) =>
    root === undefined ? [] : windows ? [join(root, 'bin'), join(root, 'bin', 'x64')] : [join(root, 'lib64')],
  );
}

function pythonFolders(name: string): string[] {
  const roots = [environment('VIRTUAL_ENV'), environment('CONDA_PREFIX'), windows ? undefined : '/usr/local'];
  return roots.flatMap((root) => {
    if (root === undefined) return [];
    const library = join(root, windows ? 'Lib' : 'lib');
    return pythonsIn(library).flatMap((python) =>
      [name, 'cu13'].map((folder) =>
        join(library, python, 'site-packages', 'nvidia', folder, windows ? 'bin' : 'lib'),
      ),
    );
  });
}

function pythonsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith('python'));
  } catch {
    return []; // no such folder
  }
}

/**
 * The native module for this machine.
 * @throws {BackendError} the package has none, or it does not load.
 */
export function loadAddon({ addon }: LibraryPaths): NativeAddon {
  const require = createRequire(import.meta.url);
  const target = `${process.platform}-${process.arch}`;
  const path =
    addon ??
    environment('FLAMBEAU_CUDA_ADDON') ??
    join(
      require.resolve('@flambeau/backend-cuda/package.json'),
      '..',
      'prebuilds',
      target,
      'flambeau-cuda.node',
    );
  if (!existsSync(path))
    throw new BackendError(
      `cuda: this package has no addon for ${target} (${path}); build it with a C++ compiler: npm install --no-save node-addon-api node-api-headers && npx flambeau-cuda-build`,
      { data: { reason: 'no-addon', path } },
    );
  try {
    return require(path) as NativeAddon;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new BackendError(
      `cuda: the addon does not load (${reason}); build it for this machine: npm install --no-save node-addon-api node-api-headers && npx flambeau-cuda-build`,
      { data: { reason: 'bad-addon', path }, cause: error },
    );
  }
}
