import { describeEmulated } from '../emulated/suite.ts';
import { comparesOperators, testConformance } from './suite.ts';

describeEmulated('operators on the CUDA backend', () => testConformance(comparesOperators));
