import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findNvcc } from '../../tools/kernel-report.ts';

const nvcc = await findNvcc();
const source = fileURLToPath(new URL('../../native/check/abi.cc', import.meta.url));
const title = `by ${nvcc ?? 'nvcc, which IS NOT INSTALLED: declarations are not compared'}`;

const compare = (...options: string[]): Promise<{ stderr: string }> =>
  promisify(execFile)('nvcc', ['-std=c++17', '-c', '-o', '/dev/null', ...options, source]);

describe('our declarations of the driver', () => {
  describe.skipIf(nvcc === undefined)(title, () => {
    it("agree with the vendor's headers, as far as they are installed", { timeout: 120_000 }, async () => {
      const { stderr } = await compare();
      const left = new Set(stderr.match(/NOT COMPARED: \S+ is not installed/g));
      for (const told of left) process.stderr.write(`${told}\n`);
    });

    it('are refused where a parameter has another size', { timeout: 120_000 }, async () => {
      await expect(compare('-DFLAMBEAU_PLANTED_FAULT')).rejects.toThrow(
        "cuMemAlloc_v2 is declared otherwise in the vendor's header",
      );
    });
  });
});
