import { cpu } from '@flambeau/backend-cpu';
import { describe } from 'vitest';
import { alien } from '../alien/index.ts';
import { comparesOperators, testConformance } from './suite.ts';

describe('operators on the alien backend', () =>
  testConformance(alien({ schedule: 'lazy' }), cpu(), comparesOperators));
