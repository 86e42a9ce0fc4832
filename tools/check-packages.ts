import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Checks what would be published, after a build: the manifest (publint), what TypeScript finds under every module
// resolution (attw), dead files and dependencies (knip), and the size of a page's bundle (size-limit).

const root = fileURLToPath(new URL('..', import.meta.url));
const failed: string[] = [];

function run(title: string, command: string, args: string[]): void {
  console.log(`\n— ${title}`);
  const { status } = spawnSync('npx', ['--no-install', command, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) failed.push(title);
}

for (const folder of readdirSync(`${root}/packages`)) {
  const manifest = JSON.parse(readFileSync(`${root}/packages/${folder}/package.json`, 'utf8')) as {
    name: string;
    private?: boolean;
  };
  if (manifest.private) continue;
  if (!existsSync(`${root}/packages/${folder}/dist/index.js`)) {
    failed.push(`${manifest.name} has no build; run npm run build first`);
    continue;
  }
  run(`publint ${manifest.name}`, 'publint', ['--strict', `packages/${folder}`]);
  run(`attw ${manifest.name}`, 'attw', ['--pack', `packages/${folder}`, '--profile', 'esm-only', '--quiet']);
}
run('knip', 'knip', ['--no-config-hints']);
run('size-limit', 'size-limit', []);

if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(', ')}`);
  process.exitCode = 1;
} else console.log('\nall package checks passed');
