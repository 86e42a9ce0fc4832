import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskCache } from '../../src/cache/disk-cache.ts';
import type { NativeAddon } from '../../src/native/addon.ts';
import { architecture, Compiler } from '../../src/native/compiler.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flambeau-compiler-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An NVRTC whose images are its input, and that counts. */
function fake() {
  const compiled: string[] = [];
  const addon = {
    compile(source: string, _: string, options: readonly string[]) {
      compiled.push(source);
      if (source.includes('error'))
        return { log: 'k.cu(1): warning: no\nk.cu(2): error: what is that\n1 error' };
      return { image: new TextEncoder().encode(`${options.join(' ')} ${source}`), log: '' };
    },
  } as unknown as NativeAddon; // the compiler asks for nothing else
  return { addon, compiled };
}

const target = { sm: 90, nvrtcVersion: '13.0', archs: [75, 80, 90] };
const kernel = (text: string) => ({ key: text, entry: 'k', source: () => text });
const decode = (image: Uint8Array): string => new TextDecoder().decode(image);

describe('architectures', () => {
  it('compiles machine code for devices that NVRTC knows', () =>
    expect(architecture(target)).toEqual({ name: 'sm_90', cubin: true }));
  it('compiles PTX of the nearest older one for newer devices', () =>
    expect(architecture({ ...target, sm: 120 })).toEqual({ name: 'compute_90', cubin: false }));
  it('refuses devices that are too old', () =>
    expect(() => architecture({ ...target, sm: 61 })).toThrow(
      'NVRTC 13.0 compiles for sm_75 and newer, this device is sm_61; install an older NVRTC',
    ));
});

describe('the compiler', () => {
  it('compiles once for all processes', () => {
    const { addon, compiled } = fake();
    for (let i = 0; i < 3; i++) {
      const compiler = new Compiler(addon, target, new DiskCache(folder));
      expect(compiler.compile(kernel('a'), decode)).toBe('--gpu-architecture=sm_90 --std=c++17 a');
    }
    expect(compiled).toEqual(['a']);
  });

  it('compiles anew for another source, device or NVRTC', () => {
    const { addon, compiled } = fake();
    const cache = new DiskCache(folder);
    new Compiler(addon, target, cache).compile(kernel('a'), decode);
    new Compiler(addon, target, cache).compile(kernel('b'), decode);
    new Compiler(addon, { ...target, sm: 80 }, cache).compile(kernel('a'), decode);
    new Compiler(addon, { ...target, nvrtcVersion: '12.9' }, cache).compile(kernel('a'), decode);
    expect(compiled).toEqual(['a', 'b', 'a', 'a']);
  });

  it('replaces an entry that the driver refuses', () => {
    const { addon, compiled } = fake();
    const compiler = new Compiler(addon, target, new DiskCache(folder));
    compiler.compile(kernel('a'), decode);
    let refusals = 0;
    const picky = (image: Uint8Array): string => {
      if (refusals++ === 0) throw new Error('invalid image');
      return decode(image);
    };
    expect(compiler.compile(kernel('a'), picky)).toContain(' a');
    expect(compiled).toEqual(['a', 'a']);
  });

  it('keeps nothing without a cache', () => {
    const { addon, compiled } = fake();
    const compiler = new Compiler(addon, target, null);
    compiler.compile(kernel('a'), decode);
    compiler.compile(kernel('a'), decode);
    expect(compiled).toEqual(['a', 'a']);
  });

  it('tells the first error, and carries source and log', () => {
    const compiler = new Compiler(fake().addon, target, null);
    let thrown: unknown;
    try {
      compiler.compile(kernel('error'), decode);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'BACKEND',
      message: expect.stringContaining(
        'kernel k does not compile: k.cu(2): error: what is that; please report',
      ),
      data: { source: 'error', log: expect.stringContaining('1 error') },
    });
  });
});
