import { spawnSync } from 'node:child_process';
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

const compiler = process.env.CXX ?? 'g++';

/** Why the emulator cannot run here; undefined where it can. */
export function whyNotEmulated(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the emulator runs on Linux x64 alone';
  return spawnSync(compiler, ['--version']).status === 0
    ? undefined
    : `there is no ${compiler}; the emulator needs a C++ compiler (Debian: apt install g++)`;
}

/** Where the emulator and all that it compiled lie: another text, another folder. */
export function emulatorFolder(): string {
  const hash = createHash('sha256');
  for (const file of [
    ...readdirSync(sources)
      .sort()
      .map((name) => join(sources, name)),
    declarations,
  ])
    hash.update(readFileSync(file));
  hash.update(compiler);
  return join(cacheRoot, hash.digest('hex').slice(0, 16));
}

/** Builds the emulated driver where it is not built yet; its path comes back. Several processes may call at once. */
export function buildEmulator(): string {
  const folder = emulatorFolder();
  const output = join(folder, 'libemulated-cuda.so');
  if (existsSync(output)) return output;
  mkdirSync(cacheRoot, { recursive: true });
  const work = mkdtempSync(join(cacheRoot, 'build-'));
  for (const header of ['shim.h', 'shared.h', 'hooks.h'])
    copyFileSync(join(sources, header), join(work, header));
  const files = readdirSync(sources)
    .filter((name) => name.endsWith('.cc'))
    .map((name) => join(sources, name));
  const made = join(work, 'libemulated-cuda.so');
  run(['-std=c++17', '-O2', '-fPIC', '-fvisibility=hidden', '-shared', ...files, '-ldl', '-o', made]);
  try {
    renameSync(work, folder);
  } catch {
    rmSync(work, { recursive: true, force: true }); // another process was faster
    if (!existsSync(output)) throw new Error(`the emulator is not at ${output}`);
  }
  return output;
}

function run(args: readonly string[]): void {
  const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${compiler} ${args.join(' ')}: ${stderr}`);
}
