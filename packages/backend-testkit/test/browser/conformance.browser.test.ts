import { cpu } from '@flambeau/backend-cpu';
import { describe } from 'vitest';
import { alien } from '../alien/index.ts';
import { comparesOperators, testConformance } from '../conformance/suite.ts';

describe('the CPU backend in a page', () =>
  testConformance(cpu(), alien(), (name) => !comparesOperators(name)));
