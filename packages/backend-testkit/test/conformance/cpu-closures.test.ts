import { cpu } from '@flambeau/backend-cpu';
import { describe } from 'vitest';
import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { alien } from '../alien/index.ts';
import { testConformance } from './suite.ts';

describe('the CPU backend where compiling is forbidden', () =>
  testConformance(cpu({ compiler: 'closures' }), alien(), (name) => !comparesOperators(name)));
