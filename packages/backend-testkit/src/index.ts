/** What the author of a backend needs: the conformance suite, and the samples of every operator. */
export * from './conformance/index.ts';
export { withoutJudging } from './judging.ts';
export { type BoundSample, callsOf, type SampleCall } from './samples/call.ts';
export { LAYOUTS, Maker, type MakerSettings, type MemoryLayout } from './samples/maker.ts';
export type { OperatorSamples, Sample } from './samples/sample.ts';
export { operatorSamples } from './samples/table.ts';
