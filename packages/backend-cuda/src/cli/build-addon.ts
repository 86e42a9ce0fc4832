import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageFolder = fileURLToPath(new URL('../../', import.meta.url));
const require = createRequire(import.meta.url);

const FLAGS = ['-std=c++17', '-O2', '-fPIC', '-fvisibility=hidden', '-ffunction-sections', '-fdata-sections'];
const DEFINES = ['-DNAPI_VERSION=8', '-DNAPI_CPP_EXCEPTIONS', '-DNDEBUG'];
const WARNINGS = ['-Wall', '-Wextra', '-Wno-unused-parameter', '-Wno-cast-function-type', '-Werror'];

export interface BuildOptions {
  /** A C++ compiler that understands g++'s options, such as a cross compiler. Default: `CXX`, or g++. */
  readonly compiler?: string;
  /** The machine that the compiler builds for, such as `linux-arm64`. Default: this one. */
  readonly target?: string;
  /** Builds although nothing has changed. */
  readonly force?: boolean;
}

/** Where the addon lies for a machine. */
export const addonPath = (target = `${process.platform}-${process.arch}`): string =>
  join(packageFolder, 'prebuilds', target, 'flambeau-cuda.node');

/**
 * Builds the addon where it is out of date; its path comes back. Several processes may call at once.
 * @throws {Error} there is no compiler, the headers are missing, or a source does not compile.
 */
export async function buildAddon(options: BuildOptions = {}): Promise<string> {
  const { compiler = process.env.CXX || 'g++', target, force = false } = options;
  if (process.platform !== 'linux')
    throw new Error(`the addon builds on Linux so far, this is ${process.platform}`);
  const output = addonPath(target);
  const folder = join(packageFolder, 'native', 'src');
  const files = readdirSync(folder).map((name) => join(folder, name));
  if (!force && !isStale(output, files)) return output;
  const include = [headers('node-addon-api', '.'), headers('node-api-headers', 'include')];
  mkdirSync(dirname(output), { recursive: true });
  // In a folder of its own, and moved into place whole.
  const work = mkdtempSync(join(dirname(output), '.build-'));
  try {
    const sources = files.filter((file) => file.endsWith('.cc'));
    const common = [...FLAGS, ...DEFINES, ...WARNINGS, ...include.flatMap((path) => ['-isystem', path])];
    const objects = await Promise.all(
      sources.map(async (source, i) => {
        const object = join(work, `${i}.o`);
        await run(compiler, [...common, '-c', source, '-o', object]);
        return object;
      }),
    );
    const made = join(work, 'addon.node');
    await run(compiler, ['-shared', '-s', '-Wl,--gc-sections', ...objects, '-o', made]);
    renameSync(made, output);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return output;
}

function headers(name: string, folder: string): string {
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), folder);
  } catch {
    throw new Error(
      `the headers of ${name} are missing; run: npm install --no-save node-addon-api node-api-headers`,
    );
  }
}

function isStale(output: string, inputs: readonly string[]): boolean {
  if (!existsSync(output)) return true;
  const made = statSync(output).mtimeMs;
  return inputs.some((input) => statSync(input).mtimeMs > made);
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'ENOENT'
          ? new Error(`there is no ${command}; install a C++ compiler (Debian: apt install g++), or set CXX`)
          : error,
      ),
    );
    child.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with ${signal ?? code}`)),
    );
  });
}
