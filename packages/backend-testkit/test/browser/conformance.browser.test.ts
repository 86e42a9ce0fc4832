import { cpu } from '@flambeau/backend-cpu';
import { beforeEach, describe, vi } from 'vitest';
import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { alien } from '../alien/index.ts';
import { testConformance } from '../conformance/suite.ts';

// A page that may not share memory says once, as debug output, that it computes with one thread.
beforeEach(() => {
  vi.spyOn(console, 'debug').mockImplementation(() => {});
});

describe('the CPU backend in a page', () =>
  testConformance(cpu(), alien(), (name) => !comparesOperators(name)));
