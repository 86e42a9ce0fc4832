import { readFileSync } from 'node:fs';
import { cpu } from '@flambeau/backend-cpu';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { ones, registerBackend, Tensor, tensor } from '../../src/index.ts';
import * as functions from '../../src/ops/functions.ts';
import * as operators from '../../src/ops/methods.ts';
import * as installed from '../../src/tensor/installed.ts';

registerBackend(cpu());

const generated = readFileSync(new URL('../../src/tensor/methods.generated.ts', import.meta.url), 'utf8');
const body = generated
  .slice(generated.indexOf('export interface TensorMethods'))
  .replaceAll(/\/\*\*.*?\*\//gs, '');
/** Members of the generated interface, each once. */
const declared = new Set([...body.matchAll(/^ {2}(?:readonly )?(\w+)[<(:]/gm)].map((match) => match[1]!));

function inherited(): Set<string> {
  return new Set(Object.getOwnPropertyNames(Tensor.prototype));
}

describe('the methods of Tensor', () => {
  test('are there at run time as the types say, and no others', () => {
    const own = inherited();
    expect([...declared].filter((name) => !own.has(name))).toEqual([]);
    const source = readFileSync(new URL('../../src/graph/tensor.ts', import.meta.url), 'utf8');
    const undeclared = [...own].filter((name) => !declared.has(name) && name !== 'constructor');
    // What the class declares itself.
    expect(undeclared.filter((name) => !new RegExp(`^ {2}(get |set )?${name}\\(`, 'm').test(source))).toEqual(
      [],
    );
  });

  test('come from every function that takes a tensor first, and from no other', () => {
    const names = (module: object): string[] =>
      Object.entries(module).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    expect(names({ ...operators, ...installed }).filter((name) => !declared.has(name))).toEqual([]);
    expect(names(functions).filter((name) => declared.has(name))).toEqual(['where']);
  });

  test('have the overloads, options and results of the functions', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expectTypeOf(x.sum()).toEqualTypeOf<Tensor>();
    expectTypeOf(x.sum).toBeCallableWith(1, { keepdim: true });
    expectTypeOf(x.add_).returns.toEqualTypeOf<Tensor>();
    expectTypeOf(x.item).returns.toEqualTypeOf<Promise<number | boolean>>();
    expectTypeOf(x.backward).returns.toEqualTypeOf<void>();
    // @ts-expect-error: an option that is not there
    expect(() => x.sum(1, { keepDims: true })).toThrow('sum: unknown option keepDims; did you mean keepdim?');
    // @ts-expect-error: `zeros` takes no tensor
    expect(x.zeros).toBe(undefined);
  });

  test('call the functions with the tensor first', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(x.add(1, { alpha: 2 }).toArraySync()).toEqual([
      [3, 4],
      [5, 6],
    ]);
    expect(x.view([4]).shape).toEqual([4]);
    expect(x.transpose(0, 1).contiguous().toArraySync()).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(x.T.toArraySync()).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(x.where(x.gt(2), 0).toArraySync()).toEqual([
      [0, 0],
      [3, 4],
    ]);
    const y = ones([2]);
    expect(y.mul_(3)).toBe(y);
    expect(y.toArraySync()).toEqual([3, 3]);
  });
});
