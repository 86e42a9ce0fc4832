import { resolve } from 'node:path';
import type { Options } from 'tsup';

type Entries = Readonly<Record<string, string>>;

/**
 * The build that every package shares: ES modules with declarations and source maps. `#host` stays an import, so that
 * the conditions in a package's `imports` choose the file system or its absence where the package is used.
 *
 * `namespaces` are modules that a package exports as one value (`nn.functional`): each is a file of its own, as in one file
 * with the others it would be an object that holds on to all it names, for bundlers too.
 */
export function library(entry: Entries, namespaces: Entries = {}): Options {
  return {
    entry: { ...entry, ...namespaces },
    format: 'esm',
    target: 'es2023',
    platform: 'neutral',
    clean: true,
    sourcemap: true,
    splitting: true,
    minify: false,
    treeshake: false,
    removeNodeProtocol: false,
    external: ['#host', /^node:/],
    esbuildPlugins: [apart(namespaces)],
    dts: {
      entry: { ...entry },
      // tsup's declaration plugin sets `baseUrl`, which TypeScript 6 calls deprecated, and cannot build composite
      // projects; it expands no `${configDir}`, so the root is named here again.
      compilerOptions: { ignoreDeprecations: '6.0', composite: false, incremental: false, rootDir: '.' },
    },
  };
}

/** Leaves the import of a namespace an import: all files of a build lie side by side. */
function apart(namespaces: Entries): NonNullable<Options['esbuildPlugins']>[number] {
  const names = new Map(Object.entries(namespaces).map(([name, file]) => [resolve(file), name]));
  return {
    name: 'namespaces-apart',
    setup(build) {
      build.onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) => {
        const name = kind === 'entry-point' ? undefined : names.get(resolve(resolveDir, path));
        return name === undefined ? null : { path: `./${name}.js`, external: true };
      });
    },
  };
}
