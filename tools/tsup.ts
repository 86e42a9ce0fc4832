import type { Options } from 'tsup';

/**
 * The build that every package shares: ES modules with declarations and source maps. `#host` stays an import, so that
 * the conditions in a package's `imports` choose the file system or its absence where the package is used.
 */
export function library(entry: Record<string, string>): Options {
  return {
    entry,
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
    dts: {
      // tsup's declaration plugin sets `baseUrl`, which TypeScript 6 calls deprecated, and cannot build composite
      // projects; it expands no `${configDir}`, so the root is named here again.
      compilerOptions: { ignoreDeprecations: '6.0', composite: false, incremental: false, rootDir: '.' },
    },
  };
}
