import { cpu } from '@flambeau/backend-cpu';
import { einsum, gradcheck, gradgradcheck, ones, randn, registerBackend, type Tensor } from '@flambeau/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refuses, untyped } from './refusals.ts';
import { float64, watched } from './tensors.ts';

registerBackend(cpu());

function near(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.contiguous().dataSync(), expected.contiguous().dataSync()];
  for (let i = 0; i < a.length; i++) expect(Math.abs(Number(a[i]) - Number(b[i]))).toBeLessThan(1e-9);
}

describe('einsum', () => {
  const letters = [...'abcd'];
  const size: Record<string, number> = { a: 2, b: 3, c: 1, d: 2 };
  const word = fc.array(fc.constantFrom(...letters), { maxLength: 3 }).map((all) => all.join(''));
  const equations = fc.array(word, { minLength: 1, maxLength: 3 }).chain((terms) => {
    const used = [...new Set(terms.join(''))];
    return fc
      .subarray(used)
      .chain((kept) =>
        fc
          .shuffledSubarray(kept, { minLength: kept.length })
          .map((output) => ({ terms, output: output.join('') })),
      );
  });

  /** Every letter a dimension, in order; products summed over those that the output lacks. */
  function spelledOut(terms: readonly string[], output: string, tensors: readonly Tensor[]): Tensor {
    const full = tensors.map((x, i) => {
      let [y, names] = [x, [...terms[i]!]];
      for (const letter of letters) {
        while (names.filter((name) => name === letter).length > 1) {
          const [p, q] = names.flatMap((name, at) => (name === letter ? [at] : [])) as [number, number];
          y = y.diagonal({ dim1: p, dim2: q });
          names = [...names.filter((_, at) => at !== p && at !== q), letter];
        }
      }
      const present = letters.filter((letter) => names.includes(letter));
      return y
        .permute(present.map((letter) => names.indexOf(letter)))
        .reshape(letters.map((letter) => (names.includes(letter) ? size[letter]! : 1)));
    });
    const product = full
      .reduce((a, b) => a.mul(b))
      .expand(letters.map((letter) => (terms.join('').includes(letter) ? size[letter]! : 1)));
    const gone = letters.flatMap((letter, i) => (output.includes(letter) ? [] : [i]));
    const summed = gone.length === 0 ? product : product.sum(gone);
    const left = letters.filter((letter) => output.includes(letter));
    return summed.permute([...output].map((letter) => left.indexOf(letter)));
  }

  it('is the sum of products that it spells', () => {
    fc.assert(
      fc.property(equations, ({ terms, output }) => {
        const tensors = terms.map((term) =>
          randn(
            [...term].map((letter) => size[letter]!),
            float64,
          ),
        );
        near(einsum(`${terms.join(',')}->${output}`, tensors), spelledOut(terms, output, tensors));
      }),
      { numRuns: 200 },
    );
  });

  it('orders the implicit output by the alphabet, the ellipsis first', () => {
    const x = randn([2, 3, 4], float64);
    near(einsum('zya', [x]), x.permute([2, 1, 0]));
    near(einsum('b...a', [x]), x.permute([1, 2, 0]));
    const [batch, matrices] = [randn([2, 1, 2, 3], float64), randn([3, 3, 2], float64)];
    near(einsum('...ij,...jk', [batch, matrices]), batch.matmul(matrices));
  });

  it('repeats dimensions of size 1', () => {
    near(einsum('ij,jk->ik', [ones([2, 1], float64), ones([3, 2], float64)]), ones([2, 2], float64).mul(3));
    near(einsum('bi,bi->b', [ones([1, 2], float64), ones([3, 2], float64)]), ones([3], float64).mul(2));
  });

  it('has gradients, and gradients of gradients', async () => {
    const inputs = [watched([2, 3, 3]), watched([3, 2]), watched([2, 2])];
    const fn = (...given: Tensor[]): Tensor => einsum('bii,ib,bk->ik', given);
    await gradcheck(fn, inputs);
    await gradgradcheck(fn, inputs);
  });

  refuses([
    [
      () => einsum('ij->ik', [ones([2, 2])]),
      'ArgumentError',
      'einsum: the output\'s letter k is in no operand; the equation is "ij->ik"',
    ],
    [
      () => einsum('ij->ii', [ones([2, 2])]),
      'ArgumentError',
      'einsum: a letter appears twice in the output ii; the equation is "ij->ii"',
    ],
    [
      () => einsum('ij,jk', [ones([2, 2])]),
      'ArgumentError',
      'einsum: 1 operands are given for 2 terms; the equation is "ij,jk"',
    ],
    [
      () => einsum('i1', [ones([2, 2])]),
      'ArgumentError',
      'einsum: "i1" holds something other than letters and one ...; the equation is "i1"',
    ],
    [
      () => einsum('i...j...', [ones([2, 2])]),
      'ArgumentError',
      'einsum: "i...j..." has more than one ...; the equation is "i...j..."',
    ],
    [
      () => einsum('i', [ones([2, 2])]),
      'ShapeError',
      'einsum: operand 0 has 2 dimensions, [2, 2], but i names 1; the equation is "i"',
    ],
    [
      () => einsum('ii', [ones([2, 3])]),
      'ShapeError',
      'einsum: the letter i names dims of sizes 2 and 3 of [2, 3]; the equation is "ii"',
    ],
    [
      () => einsum('ij,jk', [ones([2, 3]), ones([4, 2])]),
      'ShapeError',
      'einsum: the letter j has sizes 3 and 4; the equation is "ij,jk", the operands are [2, 3], [4, 2]',
    ],
    [
      () => einsum(untyped(ones([2])), untyped('i')),
      'ArgumentError',
      "einsum: takes an equation and an array of tensors, e.g. einsum('ij,jk->ik', [a, b])",
    ],
  ]);
});
