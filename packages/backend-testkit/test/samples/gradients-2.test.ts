import { describe } from 'vitest';
import { testGradients } from './gradients.ts';

describe('gradients of every operator, part 2 of 4', () => testGradients(1, 4));
