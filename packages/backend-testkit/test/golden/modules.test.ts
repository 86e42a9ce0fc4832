import { describe } from 'vitest';
import { testTier } from './tier.ts';

describe('modules of tier 1', () => testTier('modules'));
describe('optimisers of tier 1', () => testTier('optim'));
describe('programs of views and in-place changes', () => testTier('programs'));
