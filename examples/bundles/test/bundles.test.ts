import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launch, serve } from './browser.ts';
import { buildPackages, bundleWithVite, bundleWithWebpack, scripts } from './bundlers.ts';

const inCI = process.env.CI !== undefined && process.env.CI !== 'false';
if (!chromiumPath) {
  const text = 'no Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH';
  if (inCI) throw new Error(text);
  console.warn(`SKIPPED: the bundles are built but not run in a browser; ${text}`);
}

beforeAll(buildPackages, 300_000);

describe.each([
  { bundler: 'vite', bundle: bundleWithVite },
  { bundler: 'webpack', bundle: bundleWithWebpack },
])('a minified $bundler bundle', ({ bundle }) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flambeau-bundle-'));
    await bundle(folder);
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('holds no Node module', async () => {
    const text = await scripts(folder);
    expect(text.length).toBeGreaterThan(0);
    expect(text).not.toMatch(/["'`]node:/);
    expect(text).not.toMatch(/__vite-browser-external|externalized for browser/);
  });

  describe.skipIf(!chromiumPath)('in Chromium', () => {
    let browser: Browser;
    let server: Server;
    let url: string;
    beforeAll(async () => {
      ({ server, url } = await serve(folder));
      browser = await launch();
    });
    afterAll(async () => {
      await browser.close();
      server.close();
    });

    it('adds two tensors and trains a step', async () => {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => faults.push(`console.${message.type()}: ${message.text()}`));
      await page.goto(url);
      const report = await page.evaluate(() => globalThis.report);
      expect(report.sum).toBe('tensor([4., 4., 4.])');
      expect(report.lossBefore).toBeGreaterThan(0);
      expect(report.lossAfter).toBeLessThan(report.lossBefore);
      expect(faults).toEqual([]);
    });
  });
});
