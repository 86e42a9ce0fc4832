import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { describeEmulated } from '../emulated/suite.ts';
import { testConformance } from './suite.ts';

describeEmulated('the CUDA backend', () => testConformance((name) => !comparesOperators(name)));
