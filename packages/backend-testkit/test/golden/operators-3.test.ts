import { describe } from 'vitest';
import { testTier } from './tier.ts';

describe('operators of tier 1, part 3 of 4', () => testTier('ops', 2, 4));
