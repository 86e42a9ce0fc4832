#!/usr/bin/env node
import { statSync } from 'node:fs';
import { buildAddon } from './build-addon.ts';

// Builds the addon from source with the machine's C++ compiler: `npx flambeau-cuda-build`, or
// `npm run build:native` in this package. Nothing of CUDA is needed.

try {
  const start = performance.now();
  const output = await buildAddon({ force: process.argv.includes('--force') });
  const seconds = (performance.now() - start) / 1000;
  console.log(`${output}: ${(statSync(output).size / 1024).toFixed(0)} kB in ${seconds.toFixed(1)} s`);
} catch (error) {
  console.error(`flambeau-cuda-build: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
