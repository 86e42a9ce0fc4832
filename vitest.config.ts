import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Workspace packages resolve to their sources, so no test needs a build.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
  test: {
    include: ['{packages,examples}/*/test/**/*.test.ts', 'tools/test/**/*.test.ts'],
    setupFiles: ['tools/vitest/no-console.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    coverage: { include: ['packages/*/src/**'] },
  },
});
