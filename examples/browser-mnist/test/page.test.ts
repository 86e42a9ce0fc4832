import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

const executablePath = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));

/** A seven, as a hand draws it. */
const SEVEN = [
  [80, 70],
  [140, 68],
  [200, 70],
  [175, 130],
  [150, 180],
  [135, 225],
] as const;

async function draw(page: Page, points: readonly (readonly [x: number, y: number])[]): Promise<void> {
  const box = await page.locator('#digit').boundingBox();
  if (box === null) throw new Error('the pad cannot be seen');
  for (const [i, [x, y]] of points.entries()) {
    await page.mouse.move(box.x + x, box.y + y, { steps: 5 });
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

// The head of a test run says what a machine without Chromium leaves out.
describe.skipIf(executablePath === undefined)('the page', () => {
  let server: ViteDevServer;
  let browser: Browser;
  beforeAll(async () => {
    server = await createServer({
      root,
      configFile: fileURLToPath(new URL('../vite.config.ts', import.meta.url)),
      logLevel: 'error',
      server: { port: 0, host: '127.0.0.1' },
    });
    await server.listen();
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-first-run'],
    });
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  it.each(['webgpu', 'cpu'])(
    'learns on %s and recognises a drawn digit',
    { timeout: 300_000 },
    async (device) => {
      const page = await browser.newPage({ viewport: { width: 1200, height: 640 } });
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') faults.push(message.text());
      });
      await page.goto(server.resolvedUrls!.local[0]!);
      await page.locator('#train:enabled').waitFor({ timeout: 120_000 });
      await page.locator('#device').selectOption(device);
      await page.locator('#train').click();
      await page.waitForFunction(
        () =>
          Number(/step (\d+)/.exec(document.querySelector('#status')?.textContent ?? '')?.[1] ?? 0) >= 150,
        undefined,
        { timeout: 240_000 },
      );
      await page.locator('#stop').click();
      await page.locator('#status', { hasText: 'test accuracy' }).waitFor({ timeout: 60_000 });
      const text = (await page.locator('#status').textContent()) ?? '';
      expect(Number(/test accuracy ([\d.]+)/.exec(text)?.[1])).toBeGreaterThan(80);
      await draw(page, SEVEN);
      await page.locator('#prediction', { hasText: 'a 7' }).waitFor({ timeout: 30_000 });
      await page.screenshot({ path: fileURLToPath(new URL(`screenshots/${device}.png`, import.meta.url)) });
      expect(faults).toEqual([]);
      await page.close();
    },
  );
});
