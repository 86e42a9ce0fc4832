import { expect, test } from 'vitest';
import { scope, zeros } from '../../src/index.ts';

test('a scope that returns a typed array does not visit its elements', () => {
  const values = new Float32Array(2);
  let visited = 0;
  // What an enumeration of keys would read.
  Object.defineProperty(values, 'key', { enumerable: true, get: () => visited++ });
  // A scope looks at its result only when tensors were made in it.
  expect(scope(() => [zeros([1], { device: 'meta' }), values][1])).toBe(values);
  expect(visited).toBe(0);
});
