import { describe } from 'vitest';
import { testGradients } from '../samples/gradients.ts';

describe('gradients in a page', () => testGradients(0, 1));
