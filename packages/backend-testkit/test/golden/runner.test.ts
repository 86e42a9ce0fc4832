import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFramework } from '../../src/cli/load-framework.ts';
import type { Framework, TensorLike } from '../../src/golden/framework.ts';
import { runFile } from '../../src/golden/index.ts';
import { readSuite } from '../../src/host/cases.ts';

const files = readSuite('ops');
const text = (name: string): string => files.get(name) ?? '';
const float32 = new Set(['float32']);

type Operator = (...args: unknown[]) => TensorLike;

describe('running a file', () => {
  let framework: Framework;
  let operator: (name: string) => Operator;

  beforeAll(async () => {
    framework = await loadFramework('cpu');
    operator = (name) => framework.core[name] as Operator;
  });

  /** The framework with one operator replaced. */
  const replacing = (name: string, by: Operator): Framework => ({
    ...framework,
    core: { ...framework.core, [name]: by },
  });

  it('passes what is right', async () => {
    const report = await runFile(framework, 'add', text('add'), float32);
    expect(report).toMatchObject({ passed: true, cases: 6, casesPassed: 6, failures: [] });
  });

  it('fails a wrong result and says how it differs', async () => {
    const wrong = replacing('add', (x, y) => operator('mul')(x, y));
    const { passed, casesPassed, failures } = await runFile(wrong, 'add', text('add'), float32);
    expect(passed).toBe(false);
    // One case is of tensors without elements, whose sum and product are the same.
    expect(casesPassed).toBe(1);
    expect(failures[0]).toMatchObject({ index: 0, label: 'float32', kind: 'differs' });
    expect(failures[0]?.reasons[0]).toMatch(/^out: max abs error .* at \[\]: got .*, expected /);
  });

  it('fails a right result with a wrong gradient', async () => {
    const cut = replacing('exp', (x) => {
      const y = operator('exp')(x) as unknown as { detach(): TensorLike };
      return operator('add')(y.detach(), operator('mul')(x, 0));
    });
    const { failures } = await runFile(cut, 'exp', text('exp'), float32);
    expect(failures[0]?.reasons[0]).toMatch(/^grad\[0\]: max abs error/);
  });

  it('fails a result of another dtype', async () => {
    const wide = replacing('exp', (x) => {
      const y = operator('exp')(x) as unknown as { to(options: object): TensorLike };
      return y.to({ dtype: 'float64' });
    });
    const { failures } = await runFile(wide, 'exp', text('exp'), float32);
    expect(failures[0]?.reasons).toEqual(['out: dtype float64, expected float32']);
  });

  it('fails an operator that throws, with its words', async () => {
    const broken = replacing('exp', () => {
      throw new RangeError('exp: not today');
    });
    const { failures } = await runFile(broken, 'exp', text('exp'), float32);
    expect(failures[0]).toMatchObject({ kind: 'threw', reasons: ['RangeError: exp: not today'] });
  });

  it('fails what it cannot map', async () => {
    const unknown = text('exp').replace('"op":"exp"', '"op":"exponentiate"');
    const { passed, failures } = await runFile(framework, 'exponentiate', unknown, float32);
    expect(passed).toBe(false);
    expect(failures[0]).toMatchObject({
      kind: 'unmapped',
      reasons: ['exponentiate is not in the table of operators'],
    });
    const option = text('exp').replace('"kwargs":{}', '"kwargs":{"speed":2}');
    expect((await runFile(framework, 'exp', option, float32)).failures[0]?.kind).toBe('unmapped');
  });

  it('fails an operator that the framework does not have', async () => {
    const { exp: _, Tensor: __, ...core } = framework.core;
    const { failures } = await runFile({ ...framework, core }, 'exp', text('exp'), float32);
    expect(failures[0]).toMatchObject({ kind: 'unmapped', reasons: ['there is no operator exp'] });
  });

  it('does not count what is filtered out', async () => {
    const report = await runFile(framework, 'add', text('add'), new Set(['float16']));
    expect(report).toMatchObject({ passed: true, cases: 0 });
  });
});

describe('the command', () => {
  const golden = fileURLToPath(new URL('../../src/cli/golden.ts', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'golden-'));
  const run = (...args: string[]) => {
    const nodeArgs = ['--conditions=source', '--import', 'tsx', golden, ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, nodeArgs, { encoding: 'utf8' });
    return { status, stderr, lines: stdout.trimEnd().split('\n') };
  };

  beforeAll(() => {
    writeFileSync(join(folder, 'exp.json'), text('exp'));
    writeFileSync(join(folder, 'wrong.json'), text('exp').replace('"op":"exp"', '"op":"sin"'));
    writeFileSync(join(folder, 'list.txt'), 'exp\n');
    writeFileSync(join(folder, 'missing.txt'), 'exp.json\nabsent\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('ends with 1 and names the file that failed', () => {
    const json = join(folder, 'report');
    const { status, lines } = run('--dir', folder, '--backend', 'cpu', '--dtypes', 'float32', '--json', json);
    expect(status).toBe(1);
    expect(lines[0]).toBe('FAIL wrong: 2 of 2 cases');
    expect(lines.at(-1)).toBe('golden: 1 passed of 2 files, 2 passed of 4 cases');
    const report = JSON.parse(readFileSync(json, 'utf8')) as { summary: string; files: { file: string }[] };
    expect(report.summary).toBe(lines.at(-1));
    expect(report.files.map(({ file }) => file)).toEqual(['exp', 'wrong']);
  });

  it('ends with 0 when what the list names passes', () => {
    const { status, lines } = run('--dir', folder, '--list', join(folder, 'list.txt'), '--dtypes', 'float32');
    expect(status).toBe(0);
    expect(lines).toEqual(['golden: 1 passed of 1 files, 2 passed of 2 cases']);
  });

  it('fails a listed file that is not there', () => {
    const { status, lines } = run(
      '--dir',
      folder,
      '--list',
      join(folder, 'missing.txt'),
      '--dtypes',
      'float32',
    );
    expect(status).toBe(1);
    expect(lines).toContain('FAIL absent: there is no such file');
    expect(lines.at(-1)).toBe('golden: 1 passed of 2 files, 2 passed of 2 cases');
  });

  it('explains itself on a wrong option', () => {
    const { status, stderr } = run('--speed', '2');
    expect(status).toBe(2);
    expect(stderr).toContain("Unknown option '--speed'");
  });
});
