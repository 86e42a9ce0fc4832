import { describe } from 'vitest';
import { testGradients } from './gradients.ts';

describe('gradients of every operator, part 1 of 4', () => testGradients(0, 4));
