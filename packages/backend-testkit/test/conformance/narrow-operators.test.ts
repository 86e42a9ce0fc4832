import { cpu } from '@flambeau/backend-cpu';
import { describe } from 'vitest';
import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { alien } from '../alien/index.ts';
import { testConformance } from './suite.ts';

// As a GPU in a browser: no operator may need float64 or int64 on its way.
describe('operators on a device of three dtypes', () =>
  testConformance(
    alien({ device: 'alien:3', dtypes: ['float32', 'int32', 'bool'] }),
    cpu(),
    comparesOperators,
  ));
