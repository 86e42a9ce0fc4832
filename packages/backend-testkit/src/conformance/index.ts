export { type ConformanceCase, type ConformanceContext, ConformanceFailure } from './case.ts';
export { bfloat16, bytesOf, float16, type Value, valuesOf } from './elements.ts';
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
