import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { addonPath, buildAddon } from '../../src/cli/build-addon.ts';

const cli = fileURLToPath(new URL('../../src/cli/build.ts', import.meta.url));

describe('building the addon', () => {
  afterAll(() => rmSync(dirname(addonPath('linux-none')), { recursive: true, force: true }));

  it('says what to install where there is no compiler', async () => {
    await expect(buildAddon({ compiler: 'no-such-g++', target: 'linux-none', force: true })).rejects.toThrow(
      'there is no no-such-g++; install a C++ compiler (Debian: apt install g++), or set CXX',
    );
  });

  it('says so in one line, and ends with 1', async () => {
    const ended = promisify(execFile)(
      process.execPath,
      ['--conditions=source', '--import', 'tsx', cli, '--force'],
      { env: { ...process.env, CXX: 'no-such-g++' } },
    );
    await expect(ended).rejects.toMatchObject({
      code: 1,
      stderr:
        'flambeau-cuda-build: there is no no-such-g++; install a C++ compiler (Debian: apt install g++), or set CXX\n',
    });
  });
});
