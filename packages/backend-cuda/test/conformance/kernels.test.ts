import { describeEmulated } from '../emulated/suite.ts';
import { comparesOperators, testConformance } from './suite.ts';

describeEmulated('the CUDA backend', () => testConformance((name) => !comparesOperators(name)));
