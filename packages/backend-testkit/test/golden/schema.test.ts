import { describe, expect, it } from 'vitest';
import { callArguments } from '../../src/golden/call.ts';
import type { Framework } from '../../src/golden/framework.ts';
import { camelCase } from '../../src/golden/names.ts';
import { operators } from '../../src/golden/operators/index.ts';
import { bind, parseSignature } from '../../src/golden/schema.ts';
import { DTypeName } from '../../src/golden/values.ts';

const framework: Framework = { core: {}, device: 'cpu' };

/** The arguments that our function gets for a call of PyTorch's. */
function translate(line: string, args: unknown[], kwargs: Record<string, unknown> = {}): unknown[] | string {
  const signature = parseSignature(line);
  const named = bind(signature, args, kwargs);
  return typeof named === 'string' ? named : callArguments(framework, signature, named);
}

describe('camelCase', () => {
  it.each([
    ['log_softmax', 'logSoftmax'],
    ['conv_transpose2d', 'convTranspose2d'],
    ['T_max', 'TMax'],
    ['T_0', 'T0'],
    ['atleast_1d', 'atleast1d'],
    ['_weight', '_weight'],
    ['zero_', 'zero_'],
    ['in1_features', 'in1Features'],
  ])('%s is %s', (torchName, ours) => {
    expect(camelCase(torchName)).toBe(ours);
  });
});

describe('a signature', () => {
  const sum = 'sum(input, dim?, keepdim=False, *, dtype=None)';

  it('takes arguments by position or by name alike', () => {
    const expected = ['x', [0, 1], { keepdim: true }];
    expect(translate(sum, ['x', [0, 1], true])).toEqual(expected);
    expect(translate(sum, ['x'], { dim: [0, 1], keepdim: true })).toEqual(expected);
    expect(translate(sum, [], { input: 'x', axis: [0, 1], keepdims: true })).toEqual(expected);
  });

  it('holds the place of an absent positional argument only before options', () => {
    expect(translate(sum, ['x'])).toEqual(['x']);
    expect(translate(sum, ['x', null])).toEqual(['x']);
    expect(translate(sum, ['x'], { dtype: new DTypeName('int64') })).toEqual([
      'x',
      undefined,
      { dtype: 'int64' },
    ]);
  });

  it('says why arguments do not fit', () => {
    expect(translate(sum, ['x', 0, true, 'more'])).toBe('takes 3 positional arguments, not 4');
    expect(translate(sum, ['x'], { alpha: 1 })).toBe('has no parameter alpha');
    expect(translate(sum, ['x', 0], { dim: 0 })).toBe('got dim twice');
    expect(translate(sum, [])).toBe('misses input');
    expect(translate('max(input, dim: int)', ['x', true])).toBe('dim is not a int');
  });

  it('passes over what has no meaning for the values', () => {
    expect(translate('elu(input, alpha=1.0, inplace=False)', ['x', 2, false])).toEqual(['x', { alpha: 2 }]);
    expect(translate('clone(input)', ['x'], { memory_format: 'whatever' })).toEqual(['x']);
  });

  it('gathers arguments that come one by one', () => {
    expect(translate('broadcast_tensors(...tensors)', ['x', 'y'])).toEqual([['x', 'y']]);
    expect(translate('ones(...size: int, dtype=None)', [2, 3])).toEqual([[2, 3]]);
  });

  it('may call another name in another order', () => {
    const signature = parseSignature('polygamma(input, n) => special.polygamma(n, input)');
    expect(signature.ourName).toBe('special.polygamma');
    expect(translate('polygamma(input, n) => special.polygamma(n, input)', ['x', 2])).toEqual([2, 'x']);
  });

  it('keeps null where PyTorch has another default', () => {
    expect(translate('BatchNorm1d(num_features, momentum=0.1)', [3, null])).toEqual([3, { momentum: null }]);
    expect(translate('batch_norm(input, running_mean)', ['x', null])).toEqual(['x', null]);
  });

  it('translates older spellings', () => {
    const loss = 'mse_loss(input, target, size_average=None, reduce=None, reduction=mean)';
    expect(translate(loss, ['x', 'y'], { size_average: false })).toEqual(['x', 'y', { reduction: 'sum' }]);
    expect(translate(loss, ['x', 'y'], { reduce: false })).toEqual(['x', 'y', { reduction: 'none' }]);
    const std = 'std(input, dim?, unbiased=None, keepdim=False, *, correction=None)';
    expect(translate(std, ['x', 1, false])).toEqual(['x', 1, { correction: 0 }]);
  });

  it('is refused when it is not one', () => {
    expect(() => parseSignature('sum')).toThrow(SyntaxError);
    expect(() => parseSignature('sum(input: Thing)')).toThrow(/unknown type Thing/);
  });
});

describe('the table of operators', () => {
  const fits = (op: string, args: unknown[], kwargs: Record<string, unknown> = {}) =>
    operators.get(op)?.signatures.findIndex((signature) => typeof bind(signature, args, kwargs) !== 'string');
  const tensor = { shape: [2], dtype: 'float32' };

  it('tells overloads apart by the kind of an argument', () => {
    const [whole, other, dim] = [
      fits('max', [tensor]),
      fits('max', [tensor, tensor]),
      fits('max', [tensor, 1]),
    ];
    expect(new Set([whole, other, dim]).size).toBe(3);
    expect(fits('std', [tensor, true])).not.toBe(fits('std', [tensor, 1]));
    expect(fits('view', [tensor, new DTypeName('int32')])).not.toBe(fits('view', [tensor, [2, 1]]));
  });

  it('takes sizes as a list and one by one', () => {
    for (const op of ['reshape', 'expand', 'repeat', 'tile', 'permute', 'flip', 'view']) {
      expect(fits(op, [tensor, [1, 2]]), op).toBeGreaterThanOrEqual(0);
      expect(fits(op, [tensor, 1, 2]), op).toBeGreaterThanOrEqual(0);
    }
  });
});
