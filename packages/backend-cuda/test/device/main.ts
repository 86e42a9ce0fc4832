import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cpu } from '@flambeau/backend-cpu';
import { conformanceCases, runConformance } from '@flambeau/backend-testkit';
import { type FileReport, failureLines, summaryLine } from '@flambeau/backend-testkit/golden';
import { BackendError, registerBackend } from '@flambeau/core';
import { buildAddon } from '../../src/cli/build-addon.ts';
import { type CudaBackend, cuda } from '../../src/index.ts';
import { rehearseCases } from '../emulated/rehearsal.ts';
import { compileAhead } from '../emulator/ahead.ts';
import { emulatedCuda, whyNotEmulated } from '../emulator/index.ts';
import { goldenFiles, rehearseGolden, runGolden } from './golden.ts';

const USAGE = `npm run test:cuda -- [--emulated] [--json PATH]

The conformance suite and PyTorch's cases of tier 1 on the CUDA device; on the emulated driver where there is no GPU, or
with --emulated, and then every line says so. The report goes to packages/backend-cuda/reports, or where --json says.`;

interface Target {
  readonly backend: CudaBackend;
  /** Why it is emulated; undefined on hardware. */
  readonly emulated: string | undefined;
}

/** What a machine without a GPU, or without its software, lacks. */
const ABSENT = new Set(['no-driver', 'no-device']);

async function open(emulated: boolean): Promise<Target> {
  if (emulated) return { backend: await emulatedCuda(), emulated: 'asked for' };
  await buildAddon();
  try {
    return { backend: cuda(), emulated: undefined };
  } catch (error) {
    // A driver that is there and does not work is a failure, not a reason to go on without it.
    if (!(error instanceof BackendError) || !ABSENT.has(String(error.data.reason))) throw error;
    const unable = whyNotEmulated();
    if (unable !== undefined) throw new Error(`there is no GPU (${error.message}), and ${unable}`);
    return { backend: await emulatedCuda(), emulated: error.message };
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      emulated: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const { backend, emulated } = await open(values.emulated);
  const kind = emulated === undefined ? 'device' : 'EMULATED';
  const say = (text: string): void => console.log(`[${kind}] ${text}`);
  say(`${backend.name}${emulated === undefined ? '' : `: ${emulated}`}`);
  registerBackend(cpu());
  const files = goldenFiles();
  if (emulated !== undefined) {
    const count = await compileAhead([
      ...(await rehearseCases(backend, conformanceCases())),
      ...(await rehearseGolden(backend, files)),
    ]);
    say(`${count} kernels compiled`);
  }
  registerBackend(backend);
  const conformance = await runConformance(backend, {
    onCase: ({ name, status, reason }) => {
      if (status === 'failed') say(`FAIL ${name}: ${reason}`);
    },
  });
  const count = (status: string): number =>
    conformance.results.filter((result) => result.status === status).length;
  say(
    `conformance: ${count('passed')} passed, ${count('failed')} failed, ${count('inapplicable')} do not apply`,
  );
  const golden: FileReport[] = [];
  for (const file of files) {
    const report = await runGolden(file, backend);
    if (!report.passed) for (const line of failureLines(report)) say(line);
    golden.push(report);
  }
  say(summaryLine(golden));
  const report = {
    emulated: emulated !== undefined,
    reason: emulated,
    device: backend.name,
    properties: backend.properties,
    node: process.version,
    date: new Date().toISOString(),
    conformance,
    golden: { summary: summaryLine(golden), files: golden },
  };
  const path =
    values.json ??
    join(
      fileURLToPath(new URL('../../reports/', import.meta.url)),
      emulated === undefined ? 'device.json' : 'emulated.json',
    );
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(report, null, 1)}\n`);
  say(`the report is ${path}`);
  if (!conformance.passed || golden.some(({ passed }) => !passed)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`test:cuda: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
