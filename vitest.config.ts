import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Workspace packages resolve to their sources, so no test needs a build.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'packages',
          include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
          exclude: ['examples/bundles/**'],
          setupFiles: ['tools/vitest/no-console.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'bundles',
          include: ['examples/bundles/test/**/*.test.ts'],
          globalSetup: ['tools/vitest/build.ts'],
        },
      },
    ],
  },
});
