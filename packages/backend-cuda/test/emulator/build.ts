import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('native/', import.meta.url));
const packageFolder = fileURLToPath(new URL('../../', import.meta.url));
const declarations = join(packageFolder, 'native/src/driver.h');
/** Built things lie here, by what they were built of; git ignores it. */
const cacheRoot = join(packageFolder, '.cache', 'emulator');
/** What kernels are compiled with. */
const HEADERS = ['shim.h', 'shared.h', 'hooks.h'];

const compiler = process.env.CXX || 'g++';

/** Why the emulator cannot run here; undefined where it can. */
export function whyNotEmulated(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the emulator runs on Linux x64 alone';
  return spawnSync(compiler, ['--version']).status === 0
    ? undefined
    : `there is no ${compiler}; the emulator needs a C++ compiler (Debian: apt install g++)`;
}

const hashOf = (files: readonly string[]): string => {
  const hash = createHash('sha256').update(compiler);
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
};

/** The folder of kernels that the emulator compiled: another shim or other flags, another folder. */
export const kernelFolder = (check: boolean): string =>
  join(
    cacheRoot,
    `kernels-${check ? 'check-' : ''}${hashOf([...HEADERS, 'nvrtc.cc'].map((name) => join(sources, name)))}`,
  );

/** Builds the emulated driver where it is not built yet; its path comes back. Several processes may call at once. */
export async function buildEmulator(): Promise<string> {
  const all = readdirSync(sources).sort();
  const folder = join(
    cacheRoot,
    `driver-${hashOf([...all.map((name) => join(sources, name)), declarations])}`,
  );
  const output = join(folder, 'libemulated-cuda.so');
  if (existsSync(output)) return output;
  mkdirSync(cacheRoot, { recursive: true });
  const work = mkdtempSync(join(cacheRoot, 'build-'));
  for (const header of HEADERS) copyFileSync(join(sources, header), join(work, header));
  const objects = await Promise.all(
    all
      .filter((name) => name.endsWith('.cc'))
      .map(async (name) => {
        const object = join(work, `${name}.o`);
        await run([
          '-std=c++17',
          '-O1',
          '-fPIC',
          '-fvisibility=hidden',
          '-c',
          join(sources, name),
          '-o',
          object,
        ]);
        return object;
      }),
  );
  await run(['-shared', ...objects, '-ldl', '-o', join(work, 'libemulated-cuda.so')]);
  try {
    renameSync(work, folder);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    if (!existsSync(output)) throw error; // else another process was faster
  }
  return output;
}

function run(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${compiler} ${args.join(' ')} ended with ${code}`)),
    );
  });
}
