import { cpu } from '@flambeau/backend-cpu';
import { describe } from 'vitest';
import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { alien } from '../alien/index.ts';
import { testConformance } from './suite.ts';

describe('operators on the alien backend', () =>
  testConformance(alien({ schedule: 'lazy' }), cpu(), comparesOperators));
