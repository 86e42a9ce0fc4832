import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KernelSource } from '../src/launch.ts';

/** What the compiler says of one kernel. */
export interface KernelReport {
  readonly key: string;
  readonly arch: string;
  readonly registers: number;
  readonly sharedBytes: number;
  readonly spillBytes: number;
}

const run = promisify(execFile);

/** The version line of nvcc, or undefined where it is not installed. */
export async function findNvcc(): Promise<string | undefined> {
  try {
    const { stdout } = await run('nvcc', ['--version']);
    return /release [^\n]*/.exec(stdout)?.[0];
  } catch {
    return undefined;
  }
}

/** A kernel as one of many in one text: in a namespace of its own, its entry under a name of its own. */
export function numbered(kernel: KernelSource, i: number): string {
  const text = kernel.source().replace(new RegExp(`\\b${kernel.entry}\\(`), `kernel_${i}(`);
  return `namespace n${i} {\n${text}\n}`;
}

const ENTRY =
  /Compiling entry function 'kernel_(\d+)' for '\w+'[\s\S]*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads[\s\S]*?Used (\d+) registers([^\n]*)/g;

/**
 * Compiles kernels with nvcc for one architecture, such as `sm_90`, and reads what ptxas says of them. It needs no
 * GPU.
 */
export async function reportKernels(sources: readonly KernelSource[], arch: string): Promise<KernelReport[]> {
  const folder = await mkdtemp(join(tmpdir(), 'flambeau-kernels-'));
  try {
    const file = join(folder, 'kernels.cu');
    await writeFile(file, sources.map(numbered).join('\n'));
    const { stderr } = await run(
      'nvcc',
      [`-arch=${arch}`, '-std=c++17', '-cubin', '-Xptxas', '-v', '-o', join(folder, 'kernels.cubin'), file],
      { maxBuffer: 2 ** 26 },
    );
    return [...stderr.matchAll(ENTRY)].map(([, i, , stores, loads, registers, rest]) => ({
      key: sources[Number(i)]!.key,
      arch,
      registers: Number(registers),
      sharedBytes: Number(/(\d+) bytes smem/.exec(rest!)?.[1] ?? 0),
      spillBytes: Number(stores) + Number(loads),
    }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Multiprocessor {
  readonly sharedBytes: number;
  readonly threads: number;
  readonly blocks: number;
}

const REGISTERS = 65536;
const MULTIPROCESSORS: Readonly<Record<string, Multiprocessor>> = {
  sm_80: { sharedBytes: 164 * 1024, threads: 2048, blocks: 32 },
  sm_90: { sharedBytes: 228 * 1024, threads: 2048, blocks: 32 },
};

/**
 * The share of a multiprocessor's threads that blocks of a kernel can occupy at once, by registers (given out to warps
 * in units of 256) and shared memory (with the 1 KiB that the system takes for each block).
 */
export function occupancy(report: KernelReport, threads: number, dynamicBytes = 0): number {
  const device = MULTIPROCESSORS[report.arch]!;
  const warps = Math.ceil(threads / 32);
  const perWarp = Math.ceil((report.registers * 32) / 256) * 256;
  const byRegisters = Math.floor(Math.floor(REGISTERS / perWarp) / warps);
  const byShared = Math.floor(device.sharedBytes / (report.sharedBytes + dynamicBytes + 1024));
  const blocks = Math.min(byRegisters, byShared, device.blocks, Math.floor(device.threads / (warps * 32)));
  return (blocks * warps * 32) / device.threads;
}
