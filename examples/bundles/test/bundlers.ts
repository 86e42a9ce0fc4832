import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import webpack from 'webpack';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Builds the packages, so that the bundles hold what is published. Turbo skips what has not changed. */
export async function buildPackages(): Promise<void> {
  try {
    await promisify(execFile)(
      'npx',
      ['turbo', 'run', 'build', '--filter=flambeau', '--output-logs=errors-only'],
      {
        cwd: join(root, '../..'),
        env: { ...process.env, NODE_ENV: 'production', TURBO_TELEMETRY_DISABLED: '1' },
      },
    );
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`the packages do not build:\n${stdout}\n${stderr}`);
  }
}

/** The page as Vite's production build makes it. */
export async function bundleWithVite(outDir: string): Promise<void> {
  await build({
    root,
    configFile: join(root, 'vite.config.ts'),
    mode: 'production',
    logLevel: 'error',
    build: { outDir },
  });
}

/** The page as webpack's production mode makes it; the script itself is plain JavaScript, so no loader is needed. */
export async function bundleWithWebpack(outDir: string): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const entry = join(outDir, 'entry.mjs');
  await writeFile(entry, await pageScript());
  const compiler = webpack({
    mode: 'production',
    context: root,
    entry,
    target: 'web',
    output: { path: outDir, filename: 'main.js' },
    resolve: { modules: [join(root, 'node_modules'), join(root, '../../node_modules')] },
    performance: false,
  });
  await new Promise<void>((resolve, reject) => {
    compiler.run((error, stats) => {
      compiler.close(() => {
        if (error) reject(error);
        else if (stats?.hasErrors() || stats?.hasWarnings())
          reject(new Error(stats.toString('errors-warnings')));
        else resolve();
      });
    });
  });
  await writeFile(
    join(outDir, 'index.html'),
    '<!doctype html><meta charset="utf-8"><body></body><script src="./main.js"></script>\n',
  );
}

/** `src/main.ts` without its types. */
async function pageScript(): Promise<string> {
  const { transformWithOxc } = await import('vite');
  const path = join(root, 'src/main.ts');
  return (await transformWithOxc(await readFile(path, 'utf8'), path)).code;
}

/** All JavaScript under a folder, as one text. */
export async function scripts(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.js'));
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
}
