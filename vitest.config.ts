import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions, defaultServerConditions, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { chromiumPath, missing } from './packages/backend-webgpu/test/support/drivers.ts';
import { commands } from './tools/vitest/page.ts';

const chromium = chromiumPath();

const absent = missing();
if (absent.length > 0) {
  const text = `this machine cannot run a part of the tests: ${absent.join('; ')}`;
  // Continuous integration sets it, where nothing may be left out.
  if (process.env.FLAMBEAU_TEST_ALL === '1') throw new Error(`FLAMBEAU_TEST_ALL=1, and ${text}`);
  console.warn(`SKIPPED: ${text}`);
}

/** The headers that allow a page to share memory between threads. */
const isolation: Plugin = {
  name: 'cross-origin-isolation',
  enforce: 'pre',
  configureServer(server) {
    server.middlewares.use((_request, response, next) => {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
      response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
      next();
    });
  },
};

/** The tests in a page, with or without threads. */
const browser = (name: string, isolated: boolean, include = 'packages/*/test/**/*.browser.test.ts') => ({
  extends: true as const,
  plugins: isolated ? [isolation] : [],
  test: {
    name,
    include: [include],
    provide: { isolated },
    browser: {
      enabled: true,
      headless: true,
      // Pages start slowly on busy machines.
      connectTimeout: 240_000,
      screenshotFailures: false,
      ui: false,
      commands,
      provider: playwright({
        launchOptions: {
          executablePath: chromium!,
          args: [
            '--no-sandbox',
            '--enable-unsafe-webgpu',
            '--enable-features=Vulkan',
            '--use-vulkan=swiftshader',
          ],
        },
      }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
});

export default defineConfig({
  // Workspace packages resolve to their sources, so no test needs a build.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
  test: {
    setupFiles: ['tools/vitest/no-console.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    coverage: { include: ['packages/*/src/**'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['{packages,examples}/*/test/**/*.test.ts', '{tools,benchmarks}/test/**/*.test.ts'],
          exclude: ['**/*.{browser,page}.test.ts', '**/node_modules/**'],
        },
      },
      ...(chromium === undefined
        ? []
        : [
            browser('page', false),
            browser('isolated page', true),
            browser('page with WebGPU', false, 'packages/*/test/**/*.page.test.ts'),
          ]),
    ],
  },
});
