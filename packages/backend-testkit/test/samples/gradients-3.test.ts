import { describe } from 'vitest';
import { testGradients } from './gradients.ts';

describe('gradients of every operator, part 3 of 4', () => testGradients(2, 4));
