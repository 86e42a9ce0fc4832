#!/usr/bin/env node
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type FileReport,
  failureLines,
  notStoredLines,
  readList,
  runFile,
  summaryLine,
  unreadable,
} from '../golden/index.ts';
import { isSuite, readSuite, suites } from '../host/cases.ts';
import { loadFramework } from './load-framework.ts';

const usage = `golden --backend NAME [--dir DIR | --suite ${suites.join('|')}|all] [--options JSON] [--list FILE] [--dtypes A,B] [--json OUT]

Runs PyTorch's reference cases on a backend.

  --backend NAME   cpu, webgpu, cuda, alien, or MODULE#FACTORY                     (cpu)
  --options JSON   what the backend is made with, e.g. '{"threads":1}'
  --dir DIR        a folder of cases: operators, modules or optimisers
  --suite NAME     without --dir: which of the cases that come with the package    (all)
  --list FILE      only the files named in FILE, one a line
  --dtypes A,B     only cases of these dtypes
  --json OUT       write the report to OUT as well

The last line says how many files and cases passed; the exit code is 1 if a file failed.`;

class UsageError extends Error {}

interface Options {
  backend: string;
  backendOptions: unknown;
  dir: string | undefined;
  suite: string;
  list: string | undefined;
  dtypes: ReadonlySet<string> | undefined;
  json: string | undefined;
}

function parseOptions(): Options | undefined {
  const text = { type: 'string' } as const;
  let values: Partial<
    Record<'backend' | 'options' | 'dir' | 'suite' | 'list' | 'dtypes' | 'json', string>
  > & {
    help?: boolean;
  };
  try {
    const options = {
      backend: text,
      options: text,
      dir: text,
      suite: text,
      list: text,
      dtypes: text,
      json: text,
    };
    ({ values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help) return undefined;
  const { backend = 'cpu', dir, suite = 'all', list, dtypes, json } = values;
  if (suite !== 'all' && !isSuite(suite)) throw new UsageError(`no suite ${suite}`);
  if (dir !== undefined && values.suite !== undefined)
    throw new UsageError('give --dir or --suite, not both');
  const wanted = dtypes?.split(',').map((name) => name.trim());
  return {
    backend,
    backendOptions: parseJson(values.options),
    dir,
    suite,
    list,
    dtypes: wanted && new Set(wanted),
    json,
  };
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`--options is no JSON: ${(error as Error).message}`);
  }
}

/** All files by name without `.json`. */
function readFiles({ dir, suite }: Options): Map<string, string> {
  if (dir === undefined)
    return new Map((isSuite(suite) ? [suite] : suites).flatMap((name) => [...readSuite(name)]));
  const names = readdirSync(dir).filter((name) => name.endsWith('.json'));
  return new Map(
    names.sort().map((name) => [name.replace(/\.json$/, ''), readFileSync(join(dir, name), 'utf8')]),
  );
}

async function runAll(options: Options): Promise<FileReport[]> {
  const files = readFiles(options);
  const names = options.list === undefined ? [...files.keys()] : readList(readFileSync(options.list, 'utf8'));
  const framework = await loadFramework(options.backend, options.backendOptions);
  const reports: FileReport[] = [];
  for (const name of names) {
    const text = files.get(name);
    const report =
      text === undefined
        ? unreadable(name, 'there is no such file')
        : await runFile(framework, name, text, options.dtypes).catch((error: Error) =>
            unreadable(name, error.message),
          );
    if (!report.passed) console.log(failureLines(report).join('\n'));
    reports.push(report);
  }
  return reports;
}

try {
  const options = parseOptions();
  if (options === undefined) {
    console.log(usage);
  } else {
    const reports = await runAll(options);
    if (options.json !== undefined) {
      writeFileSync(
        options.json,
        `${JSON.stringify({ backend: options.backend, summary: summaryLine(reports), files: reports }, null, 1)}\n`,
      );
    }
    for (const line of notStoredLines(reports)) console.log(line);
    console.log(summaryLine(reports));
    process.exitCode = reports.every(({ passed }) => passed) ? 0 : 1;
  }
} catch (error) {
  console.error(error instanceof UsageError ? `golden: ${error.message}\n\n${usage}` : error);
  process.exitCode = 2;
}
