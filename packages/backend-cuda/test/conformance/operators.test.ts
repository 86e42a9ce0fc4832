import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { describeEmulated } from '../emulated/suite.ts';
import { testConformance } from './suite.ts';

describeEmulated('operators on the CUDA backend', () => testConformance(comparesOperators));
