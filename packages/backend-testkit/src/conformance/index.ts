export { type ConformanceCase, type ConformanceContext, ConformanceFailure } from './case.ts';
export {
  type CaseResult,
  type ConformanceOptions,
  type ConformanceReport,
  conformanceCases,
  conformanceContext,
  conformanceSummary,
  runCase,
  runConformance,
} from './run.ts';
