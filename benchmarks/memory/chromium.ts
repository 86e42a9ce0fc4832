import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { benchmarks } from '../compare/processes.ts';
import type { Figures, Loop, MemoryDevice } from './training.ts';

/**
 * The loop in headless Chromium. Memory is that of the page's process, which its workers share, as Linux counts it;
 * on WebGPU the GPU process is looked at too, and the larger growth counts.
 */

export interface Place {
  readonly device: MemoryDevice;
  readonly worker: boolean;
  /** Whether the page is cross-origin isolated, so that memory can be shared. */
  readonly isolated: boolean;
}

const WARM_STEPS = 100;

const FLAGS: Readonly<Record<MemoryDevice, readonly string[]>> = {
  cpu: ['--disable-gpu'],
  webgpu: ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-vulkan=swiftshader'],
};

/** @throws {Error} the browser does not start, or the loop fails in it. */
export async function runInChromium(
  executablePath: string,
  { device, worker, isolated }: Place,
  loop: Loop,
  steps: number,
): Promise<Figures & { readonly aboveByteLength: number }> {
  const server = await serve(isolated);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...FLAGS[device]] });
  try {
    const page = await browser.newPage();
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://localhost:${port}/?device=${device}${worker ? '&worker' : ''}`);
    await page.waitForFunction('globalThis.flambeauRun !== undefined');
    if ((await page.evaluate('crossOriginIsolated')) !== isolated)
      throw new Error(`the page is ${isolated ? 'not ' : ''}cross-origin isolated`);
    const run = (count: number): Promise<Figures> =>
      page.evaluate(`flambeauRun(${JSON.stringify(loop)}, ${count})`) as Promise<Figures>;
    await run(WARM_STEPS);
    const watched = await processesOf(browser, device === 'cpu' ? ['renderer'] : ['renderer', 'GPU']);
    const live = watched.map((pid) => status(pid, 'VmRSS'));
    for (const pid of watched) writeFileSync(`/proc/${pid}/clear_refs`, '5'); // the peak starts anew
    const figures = await run(steps);
    const above = watched.map((pid, i) => status(pid, 'VmHWM') - live[i]!);
    return { ...figures, aboveByteLength: Math.max(...above) };
  } finally {
    await browser.close();
    server.close();
  }
}

async function processesOf(browser: Browser, kinds: readonly string[]): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  return processInfo.filter(({ type }) => kinds.includes(type)).map(({ id }) => id);
}

function status(pid: number, field: string): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'));
  if (line === null) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(line[1]) * 1024;
}

const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

function serve(isolated: boolean): Promise<Server> {
  const script = readFileSync(join(benchmarks, '.cache', 'memory-browser.js'));
  const server = createServer(({ url }, response) => {
    const isScript = url === '/memory.js';
    response.writeHead(200, {
      'Content-Type': isScript ? 'text/javascript' : 'text/html',
      ...(isolated ? HEADERS : {}),
    });
    response.end(isScript ? script : '<!doctype html><script type="module" src="/memory.js"></script>');
  });
  return new Promise((resolve) => server.listen(0, () => resolve(server)));
}
