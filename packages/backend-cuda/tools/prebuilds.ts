import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { buildAddon } from '../src/cli/build-addon.ts';

/**
 * Builds the addon for every machine that the package is released for: `npm run prebuilds -w @flambeau/backend-cuda`,
 * on Linux x64 with g++ and g++-aarch64-linux-gnu. Ends with status 1 where one does not build, or would ask for a
 * newer libc than Node itself does.
 */

interface Target {
  readonly compiler: string;
  readonly objdump: string;
  readonly debian: string;
}

const TARGETS: Readonly<Record<string, Target>> = {
  'linux-x64': { compiler: 'g++', objdump: 'objdump', debian: 'g++' },
  'linux-arm64': {
    compiler: 'aarch64-linux-gnu-g++',
    objdump: 'aarch64-linux-gnu-objdump',
    debian: 'g++-aarch64-linux-gnu',
  },
};

/** Node 20 runs from glibc 2.28 on, and brings no C++ library newer than that of GCC 8. */
const NEWEST = { GLIBC: 28, GLIBCXX: 25, CXXABI: 11 } as const;

/** The symbol versions that a library asks for beyond those. */
function tooNew(objdump: string, file: string): string[] {
  const text = execFileSync(objdump, ['-T', file], { encoding: 'utf8' });
  const found = [...text.matchAll(/\((GLIBC|GLIBCXX|CXXABI)_(\d+)\.(\d+)(?:\.(\d+))?\)/g)];
  return [
    ...new Set(
      found
        .filter(([, name, , minor, patch]) => {
          const version = name === 'GLIBC' ? Number(minor) : Number(patch ?? 0);
          return version > NEWEST[name as keyof typeof NEWEST];
        })
        .map(([whole]) => whole.slice(1, -1)),
    ),
  ];
}

let failed = false;
for (const [target, { compiler, objdump, debian }] of Object.entries(TARGETS)) {
  try {
    const start = performance.now();
    const file = await buildAddon({ compiler, target, force: true });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const newer = tooNew(objdump, file);
    if (newer.length > 0)
      throw new Error(`it asks for ${newer.join(', ')}, which machines of Node 20 may lack`);
    process.stdout.write(
      `${target}: ${(statSync(file).size / 1024).toFixed(0)} kB in ${seconds} s, ${file}\n`,
    );
  } catch (error) {
    failed = true;
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`prebuilds: ${target}: ${reason} (Debian: apt install ${debian})\n`);
  }
}
if (failed) process.exitCode = 1;
