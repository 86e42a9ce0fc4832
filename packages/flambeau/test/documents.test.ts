import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

/** Every `ts` block of these documents runs as a program of its own and prints what its comments say. */
const DOCUMENTS = ['README.md'];

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
// Inside the workspace, so that package names resolve.
const folder = join(root, 'packages', 'flambeau', '.cache', 'documents');
const run = promisify(execFile);

function blocks(document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8');
  return Array.from(text.matchAll(/^```ts\n(.*?)^```/gms), (match) => match[1]!);
}

/** What a block says it prints: the comment behind each `console.log`. */
const promised = (code: string): string[] =>
  Array.from(code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm), (match) => match[1]!);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(DOCUMENTS)('%s', (document) => {
  const codes = blocks(document);

  it('has blocks, and each says what it prints', () => {
    expect(codes.length).toBeGreaterThan(0);
    for (const code of codes) expect(promised(code).length, code).toBeGreaterThan(0);
  });

  it.each(codes.map((code, i) => [i + 1, code] as const))('block %i runs', async (i, code) => {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${document}-${i}.ts`);
    writeFileSync(file, code);
    const { stdout } = await run(process.execPath, ['--conditions=source', '--import', 'tsx', file], {
      cwd: root,
    });
    expect(stdout.trimEnd().split('\n')).toEqual(promised(code));
  });
});
