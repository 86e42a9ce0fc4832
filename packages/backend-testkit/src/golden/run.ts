import { type CaseFile, parseCases } from './case.ts';
import { missingDtypes } from './decode.ts';
import { type Framework, UnmappedError } from './framework.ts';
import { runModuleCase } from './run-module.ts';
import { runOperatorCase } from './run-operator.ts';
import { runOptimiserCase } from './run-optimiser.ts';
import { runProgramCase } from './run-program.ts';
import { runSchedulerCase } from './run-scheduler.ts';

export interface CaseFailure {
  /** Which case: its index in the file, and its dtype or description. */
  readonly index: number;
  readonly label: string;
  /** `unmapped`: the runner's tables do not cover it; `threw`: the framework did; `differs`: the result does. */
  readonly kind: 'unmapped' | 'threw' | 'differs';
  readonly reasons: readonly string[];
  readonly stack?: string | undefined;
}

export interface FileReport {
  readonly file: string;
  readonly passed: boolean;
  /** Counted cases: neither filtered out nor in need of a dtype that the backend lacks. */
  readonly cases: number;
  readonly casesPassed: number;
  /** Cases not counted because the backend stores none of these dtypes. */
  readonly notStored: Readonly<Record<string, number>>;
  readonly failures: readonly CaseFailure[];
}

interface RunnableCase {
  readonly label: string;
  readonly dtype: string;
  readonly needs: readonly string[];
  run(): Promise<string[]>;
}

/** Runs the cases of one file whose dtype is among `dtypes` (all by default). */
export async function runFile(
  framework: Framework,
  file: string,
  text: string,
  dtypes?: ReadonlySet<string>,
): Promise<FileReport> {
  const failures: CaseFailure[] = [];
  const notStored: Record<string, number> = {};
  let cases = 0;
  for (const [index, example] of casesOf(framework, parseCases(text)).entries()) {
    if (dtypes !== undefined && !dtypes.has(example.dtype)) continue;
    const [missing] = example.needs;
    if (missing !== undefined) {
      notStored[missing] = (notStored[missing] ?? 0) + 1;
      continue;
    }
    cases++;
    const failure = await runCase(index, example);
    if (failure !== undefined) failures.push(failure);
  }
  return {
    file,
    passed: failures.length === 0,
    cases,
    casesPassed: cases - failures.length,
    notStored,
    failures,
  };
}

/** A file that could not be read at all fails as one. */
export function unreadable(file: string, reason: string): FileReport {
  const failure: CaseFailure = { index: -1, label: 'file', kind: 'unmapped', reasons: [reason] };
  return { file, passed: false, cases: 0, casesPassed: 0, notStored: {}, failures: [failure] };
}

async function runCase(index: number, { label, run }: RunnableCase): Promise<CaseFailure | undefined> {
  try {
    const reasons = await run();
    return reasons.length === 0 ? undefined : { index, label, kind: 'differs', reasons };
  } catch (error) {
    const kind = error instanceof UnmappedError ? 'unmapped' : 'threw';
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    return { index, label, kind, reasons: [kind === 'unmapped' ? message : `${name}: ${message}`], stack };
  }
}

function casesOf(framework: Framework, file: CaseFile): RunnableCase[] {
  switch (file.kind) {
    case 'operator':
      return file.content.cases.map((example) => ({
        label: example.dtype,
        dtype: example.dtype,
        needs: missingDtypes(framework, example.args, example.kwargs, example.out),
        run: () => runOperatorCase(framework, file.content, example),
      }));
    case 'module':
      return file.content.cases.map((example) => ({
        label: example.training ? 'training' : 'evaluation',
        dtype: example.dtype ?? 'float32',
        needs: missingDtypes(framework, example.args, example.kwargs, example.state),
        run: () => runModuleCase(framework, file.content, example),
      }));
    case 'optimiser':
      return file.content.cases.map((example) => ({
        label: example.desc ?? JSON.stringify(example.kwargs),
        dtype: 'float32',
        needs: missingDtypes(framework, example.params),
        run: () => runOptimiserCase(framework, file.content, example),
      }));
    case 'program':
      return file.content.cases.map((example) => ({
        label: example.steps.map((step) => ('leaf' in step ? 'leaf' : step.call)).join(' '),
        dtype: example.dtype,
        needs: missingDtypes(framework, example.values),
        run: () => runProgramCase(framework, example),
      }));
    case 'schedulers':
      return Object.entries(file.content.schedulers).flatMap(([name, examples]) =>
        examples.map((example) => ({
          label: `${name} ${JSON.stringify(example.kwargs)}`,
          dtype: 'float32',
          needs: [],
          run: () => runSchedulerCase(framework, file.content, name, example),
        })),
      );
  }
}
