import { cpu } from '@flambeau/backend-cpu';
import * as core from '@flambeau/core';
import { ELLIPSIS, ones, registerBackend, slice, type Tensor, tensor, zeros } from '@flambeau/core';
import { describe } from 'vitest';
import { refuses, untyped } from './refusals.ts';

registerBackend(cpu());

const int = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const x = zeros([2, 3]);

describe('errors of gather and scatter', () => {
  refuses([
    [
      () => core.gather(x, 2, int([[0]])),
      'ShapeError',
      'gather: dim 2 is out of range for shape [2, 3]; it must lie in -2..1',
    ],
    [
      () => core.gather(x, 0, int([0])),
      'ShapeError',
      'gather: index [1] and x [2, 3] must have the same number of dimensions',
    ],
    [
      () => core.gather(x, 1, int([[0], [0], [0]])),
      'ShapeError',
      'gather: index [3, 1] is larger than x [2, 3] in dim 0',
    ],
    [
      () => core.gather(x, 1, tensor([[0]])),
      'DTypeError',
      "gather: index must be int32 or int64, got float32; convert it: to({ dtype: 'int32' })",
    ],
    [
      () => core.gather(x, 1, untyped([[0]])),
      'ArgumentError',
      'gather: index must be a tensor, got an array; make a tensor of it: tensor([…])',
    ],
    [() => core.gather(x, 1, int([[3]])), 'BackendError', 'gather: index 3 is out of range for size 3'],
    [() => core.gather(x, 1, int([[-1]])), 'BackendError', 'gather: index -1 is out of range for size 3'],
    [
      () => core.gather(zeros([2, 0]), 1, int([[0]])),
      'ShapeError',
      'gather: dim 1 of x [2, 0] has no elements to index',
    ],
    [
      () => core.gather(x, 1, int([[0]]), { sparseGrad: true }),
      'ArgumentError',
      'gather: there are no sparse gradients; leave sparseGrad out',
    ],
    [
      () => core.gather(x, 1, int([[0]]), untyped({ sparse: true })),
      'ArgumentError',
      'gather: unknown option sparse; known options: sparseGrad',
    ],
    [
      () => core.scatter(x, 1, int([[0, 1]]), zeros([1, 1])),
      'ShapeError',
      'scatter: index [1, 2] is larger than src [1, 1] in dim 1',
    ],
    [
      () => core.scatter(x, 1, int([[0]]), tensor([[1]], { dtype: 'float64' })),
      'DTypeError',
      "scatter: src is float64, x is float32; they must be one dtype: to({ dtype: 'float32' })",
    ],
    [
      () => core.scatter(x, 1, int([[0]]), untyped('a')),
      'ArgumentError',
      'scatter: src must be a tensor or a number, got "a"',
    ],
    [
      () => core.scatter(x, 1, int([[0]]), 1, { reduce: untyped('mean') }),
      'ArgumentError',
      "scatter: reduce must be 'add' or 'multiply', got \"mean\"; scatterReduce has more",
    ],
    [() => core.scatter(x, 1, int([[3]]), 1), 'BackendError', 'scatter: index 3 is out of range for size 3'],
    [
      () => core.scatter(zeros([2, 0]), 1, int([[0]]), 1),
      'ShapeError',
      'scatter: dim 1 of x [2, 0] has no elements to index',
    ],
    [
      () => core.scatterAdd(x, 0, int([[0, 0, 0, 0]]), zeros([1, 4])),
      'ShapeError',
      'scatterAdd: index [1, 4] is larger than x [2, 3] in dim 1',
    ],
    [
      () => core.scatterReduce(x, 1, int([[0]]), zeros([1, 1]), untyped('max')),
      'ArgumentError',
      "scatterReduce: reduce must be 'sum', 'prod', 'mean', 'amax' or 'amin', got \"max\"",
    ],
    [
      () => core.scatterReduce(x, 1, int([[0]]), zeros([1, 1]), 'sum', untyped({ includeself: true })),
      'ArgumentError',
      'scatterReduce: unknown option includeself; did you mean includeSelf?',
    ],
    [
      () => core.indexSelect(x, 1, int([[0]])),
      'ShapeError',
      'indexSelect: index must have one dimension at most, got [1, 1]',
    ],
    [
      () => core.indexSelect(x, 1, int([-1])),
      'BackendError',
      'indexSelect: index -1 is out of range for size 3',
    ],
    [
      () => core.indexSelect(x, 5, int([0])),
      'ShapeError',
      'indexSelect: dim 5 is out of range for shape [2, 3]; it must lie in -2..1',
    ],
    [
      () => core.indexSelect(zeros([]), 0, int([0, 0])),
      'ShapeError',
      'indexSelect: a tensor without dimensions takes one index, got 2',
    ],
    [
      () => core.indexAdd(x, 1, int([0, 1]), zeros([2, 3])),
      'ShapeError',
      'indexAdd: source has shape [2, 3]; for x [2, 3] and this index it must have [2, 2]',
    ],
    [
      () => core.indexAdd(int([1, 2]), 0, int([0]), int([1]), { alpha: 0.5 }),
      'ArgumentError',
      'indexAdd: alpha must be an integer for int32, got 0.5',
    ],
    [
      () => core.indexCopy(x, 0, int([0]), tensor([[1, 2, 3]], { dtype: 'float64' })),
      'DTypeError',
      "indexCopy: source is float64, x is float32; they must be one dtype: to({ dtype: 'float32' })",
    ],
    [
      () => core.indexFill(x, 0, int([0]), zeros([2])),
      'ShapeError',
      'indexFill: value must be a number or a tensor without dimensions, got shape [2]',
    ],
    [
      () => core.indexFill(x, 0, int([0]), untyped('a')),
      'ArgumentError',
      'indexFill: value must be a number or a tensor without dimensions, got "a"',
    ],
    [
      () => core.indexReduce(x, 0, int([0]), zeros([1, 3]), untyped('sum')),
      'ArgumentError',
      "indexReduce: reduce must be 'prod', 'mean', 'amax' or 'amin', got \"sum\"",
    ],
    [() => core.take(x, int([6])), 'BackendError', 'take: index 6 is out of range for size 6'],
    [() => core.take(zeros([0]), int([0])), 'ShapeError', 'take: [0] has no elements to take'],
    [() => core.take(x, untyped(3)), 'ArgumentError', 'take: index must be a tensor, got 3'],
    [
      () => core.put(x, int([0, 1]), zeros([3])),
      'ShapeError',
      'put: index [2] and source [3] must have as many elements',
    ],
    [
      () => core.takeAlongDim(x, int([0]), 1),
      'ShapeError',
      'takeAlongDim: x [2, 3] and indices [1] must have the same number of dimensions',
    ],
    [
      () => core.takeAlongDim(x, int([[0], [0], [0]]), 1),
      'ShapeError',
      'takeAlongDim: shapes [2, 1] and [3, 1] do not broadcast: dim 0 has 2 against 3',
    ],
  ]);
});

describe('errors of indexing', () => {
  refuses([
    [
      () => core.index(x, 2),
      'ShapeError',
      'index: index 2 is out of range for dim 0 of size 2; the shape is [2, 3]',
    ],
    [
      () => core.index(x, -3),
      'ShapeError',
      'index: index -3 is out of range for dim 0 of size 2; the shape is [2, 3]',
    ],
    [
      () => core.index(x, 0, 0, 0),
      'ShapeError',
      'index: 3 indices are too many for [2, 3], which has 2 dimensions',
    ],
    [() => core.index(x, 0.5), 'ArgumentError', 'index: an index must be an integer, got 0.5'],
    [
      () => core.index(x, untyped('a')),
      'ArgumentError',
      'index: an index is a number, slice(…), ELLIPSIS, null, a boolean, an array or a tensor; got "a"',
    ],
    [
      () => core.index(x, untyped(undefined)),
      'ArgumentError',
      'index: an index is a number, slice(…), ELLIPSIS, null, a boolean, an array or a tensor; got undefined',
    ],
    [
      () => core.index(x, ELLIPSIS, ELLIPSIS),
      'ArgumentError',
      'index: ELLIPSIS may stand once, as it takes all dimensions that are left',
    ],
    [
      () => core.index(x, [0, 2]),
      'ShapeError',
      'index: index 2 is out of range for dim 0 of size 2; the shape is [2, 3]',
    ],
    [
      () => core.index(x, [[0], [0, 1]]),
      'ShapeError',
      'index: an array of indices must have rows of one length; its first are [2, 1]',
    ],
    [
      () => core.index(x, untyped([0, true])),
      'ArgumentError',
      'index: an array of indices holds integers or booleans, not both',
    ],
    [
      () => core.index(x, untyped([0, 'a'])),
      'ArgumentError',
      'index: an array of indices holds integers or booleans, got "a"',
    ],
    [
      () => core.index(x, tensor([1])),
      'DTypeError',
      "index: an index must be int32, int64 or bool, got float32; convert it: to({ dtype: 'int32' })",
    ],
    [() => core.index(x, int([2])), 'BackendError', 'index: index 2 is out of range for size 2'],
    [
      () => core.index(x, int([0, 1]), int([0, 3])),
      'BackendError',
      'index: an index is out of range for dim 0 of size 2 or dim 1 of size 3',
    ],
    [
      () => core.index(x, [0, 1], [0, 1, 2]),
      'ShapeError',
      'index: shapes [2] and [3] do not broadcast: dim 0 has 2 against 3',
    ],
    [
      () => core.index(x, tensor([true, false, true])),
      'ShapeError',
      'index: a mask of shape [3] does not fit dims 0 to 0 of [2, 3]',
    ],
    [
      () => core.index(x, slice(), tensor([true, false])),
      'ShapeError',
      'index: a mask of shape [2] does not fit dims 1 to 1 of [2, 3]',
    ],
    [() => slice(0.5), 'ArgumentError', 'slice: bounds must be integers, got 0.5'],
    [
      () => slice(0, 2, -1),
      'ArgumentError',
      'slice: step must be a positive integer, got -1; reverse with flip',
    ],
    [
      () => x.set_([5], 1),
      'ShapeError',
      'set_: index 5 is out of range for dim 0 of size 2; the shape is [2, 3]',
    ],
    [
      () => x.set_(untyped(0), 1),
      'ArgumentError',
      'set_: the items come as an array, x.set_([0, slice()], value); got 0',
    ],
    [
      () => x.set_([0], untyped('a')),
      'ArgumentError',
      'set_: the value must be a tensor or a number, got "a"',
    ],
    [
      () => x.set_([0], zeros([2])),
      'ShapeError',
      'set_: a value of shape [2] does not fit the indexed part, [3]',
    ],
    [
      () => x.set_([slice(), [0, 1]], zeros([3, 2])),
      'ShapeError',
      'set_: a value of shape [3, 2] does not fit the indexed part, [2, 2]',
    ],
    [
      () => x.set_([tensor([true, false])], zeros([2, 3])),
      'BackendError',
      'set_: the mask takes another number of places than the value has rows, 2',
    ],
    [
      () => x.set_([tensor([true, true])], zeros([0, 3])),
      'ShapeError',
      'set_: the mask takes 2 places, and the value has no rows',
    ],
    [
      () => x.expand([4, 2, 3]).set_([0], 1),
      'AutogradError',
      'set_: several elements of the tensor share one place in memory (it was expanded); change a clone() instead',
    ],
    [
      () => ones([2], { requiresGrad: true }).set_([0], 1),
      'AutogradError',
      'set_: a leaf that requires grad cannot be changed in place while a graph is recorded; wrap the update in noGrad(() => …)',
    ],
    [
      () => core.indexPut(x, [int([0])], tensor([1], { dtype: 'float64' })),
      'DTypeError',
      "indexPut: values is float64, x is float32; they must be one dtype: to({ dtype: 'float32' })",
    ],
    [
      () => core.indexPut(x, untyped(int([0])), zeros([])),
      'ArgumentError',
      'indexPut: the indices come as an array, indexPut(x, [index], values); got a tensor',
    ],
    [
      () => core.indexPut(x, [int([0])], untyped(1)),
      'ArgumentError',
      'indexPut: values must be a tensor, got 1',
    ],
    [
      () => core.indexPut(x, [int([0])], zeros([]), untyped({ acc: true })),
      'ArgumentError',
      'indexPut: unknown option acc; known options: accumulate',
    ],
    [
      () => core.maskedSelectSync(x, zeros([3])),
      'DTypeError',
      'maskedSelectSync: mask must be bool, got float32; compare it: ne(mask, 0)',
    ],
    [
      () => core.maskedSelectSync(x, tensor([true, false])),
      'ShapeError',
      'maskedSelectSync: shapes [2, 3] and [2] do not broadcast: dim 1 has 3 against 2',
    ],
    [
      () => core.maskedScatter(x, tensor([true, true, true]), zeros([5])),
      'BackendError',
      'maskedScatter: the mask takes more elements than source has, 5',
    ],
    [
      () => core.maskedScatter(x, tensor([true, true, true]), zeros([0])),
      'ShapeError',
      'maskedScatter: the mask takes 6 elements, and source has none: [0]',
    ],
    [
      () => core.maskedScatter(x, tensor([true, true, true]), int([1])),
      'DTypeError',
      "maskedScatter: source is int32, x is float32; they must be one dtype: to({ dtype: 'float32' })",
    ],
    [
      () => core.nonzeroSync(x, untyped({ astuple: true })),
      'ArgumentError',
      'nonzeroSync: unknown option astuple; did you mean asTuple?',
    ],
    [
      () => core.nonzeroStatic(x, untyped({})),
      'ArgumentError',
      'nonzeroStatic: size must be an integer, got undefined',
    ],
    [
      () => core.nonzeroStatic(x, { size: -1 }),
      'ArgumentError',
      'nonzeroStatic: size must be 0 or more, got -1',
    ],
    [
      () => core.oneHot(tensor([0, 1])),
      'DTypeError',
      "oneHot: x must be int32 or int64, got float32; convert it: to({ dtype: 'int32' })",
    ],
    [() => core.oneHot(int([-1])), 'ArgumentError', 'oneHot: classes must be 0 or more, got -1'],
    [
      () => core.oneHot(int([3]), { numClasses: 3 }),
      'BackendError',
      'oneHot: index 3 is out of range for size 3',
    ],
    [
      () => core.oneHot(int([])),
      'ArgumentError',
      'oneHot: there are no classes to count in an empty tensor; give { numClasses: n }',
    ],
    [
      () => core.oneHot(int([0]), { numClasses: 0 }),
      'ArgumentError',
      'oneHot: numClasses must be positive, or -1 for reading it, got 0',
    ],
    [
      () => core.embedding(tensor([1]), x),
      'DTypeError',
      "embedding: indices must be int32 or int64, got float32; convert it: to({ dtype: 'int32' })",
    ],
    [() => core.embedding(int([2]), x), 'BackendError', 'embedding: index 2 is out of range for size 2'],
    [() => core.embedding(int([0]), zeros([3])), 'ShapeError', 'embedding: weight must be [n, dim], got [3]'],
    [
      () => core.embedding(int([0]), x, { paddingIdx: 2 }),
      'ArgumentError',
      'embedding: paddingIdx 2 lies outside of weight, which has 2 rows',
    ],
    [
      () => core.embedding(int([0]), x, { sparse: true }),
      'ArgumentError',
      'embedding: there are no sparse gradients; leave sparse out',
    ],
    [
      () => core.embedding(int([0]), x, untyped({ padding: 1 })),
      'ArgumentError',
      'embedding: unknown option padding; known options: paddingIdx, maxNorm, normType, scaleGradByFreq, sparse',
    ],
    [
      () => core.searchsorted(zeros([]), 1),
      'ShapeError',
      'searchsorted: the sequence must have a dimension or more, got []',
    ],
    [
      () => core.searchsorted(x, zeros([3, 1])),
      'ShapeError',
      'searchsorted: values [3, 1] and sequence [2, 3] must agree in all dimensions but the last',
    ],
    [
      () => core.searchsorted(zeros([2]), int([1])),
      'DTypeError',
      "searchsorted: the value is int32, the sequence is float32; they must be one dtype: to({ dtype: 'float32' })",
    ],
    [
      () => core.searchsorted(zeros([2]), 1, { side: untyped('middle') }),
      'ArgumentError',
      "searchsorted: side must be 'left' or 'right', got \"middle\"",
    ],
    [
      () => core.searchsorted(zeros([2]), 1, { side: 'left', right: true }),
      'ArgumentError',
      "searchsorted: side 'left' and right: true contradict each other",
    ],
    [
      () => core.searchsorted(zeros([2]), 1, { sorter: int([0]) }),
      'ShapeError',
      'searchsorted: sorter [1] must have the shape of the sequence, [2]',
    ],
    [() => core.bucketize(1, x), 'ShapeError', 'bucketize: boundaries must have one dimension, got [2, 3]'],
  ]);
});
