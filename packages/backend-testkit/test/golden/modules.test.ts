import { describe } from 'vitest';
import { testTier } from './framework.ts';

describe('modules of tier 1', () => testTier('modules', 'tier1-modules'));
describe('optimisers of tier 1', () => testTier('optim', 'tier1-optim'));
