import { activationSamples } from './activation.ts';
import { creationSamples } from './creation.ts';
import { indexingSamples } from './indexing.ts';
import { linearSamples } from './linear.ts';
import { neuralSamples } from './neural.ts';
import { pointwiseSamples } from './pointwise.ts';
import { reductionSamples } from './reduction.ts';
import type { OperatorSamples } from './sample.ts';
import { shapeSamples } from './shape.ts';

/** Samples of every operator of core, by family. An operator may have several entries. */
export const operatorSamples = (): readonly OperatorSamples[] => [
  ...pointwiseSamples,
  ...activationSamples,
  ...reductionSamples,
  ...shapeSamples,
  ...indexingSamples,
  ...linearSamples,
  ...neuralSamples,
  ...creationSamples,
];
