import { describe } from 'vitest';
import { testGradients } from './gradients.ts';

describe('gradients of every operator, part 4 of 4', () => testGradients(3, 4));
