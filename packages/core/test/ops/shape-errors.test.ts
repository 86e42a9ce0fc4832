import { cpu } from '@flambeau/backend-cpu';
import * as core from '@flambeau/core';
import { registerBackend, type Tensor, tensor, zeros } from '@flambeau/core';
import { describe } from 'vitest';
import { refuses, untyped } from './refusals.ts';

registerBackend(cpu());

const int = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const x = zeros([2, 3]);

describe('errors of joining and splitting', () => {
  refuses([
    [() => core.cat([]), 'ArgumentError', 'cat: at least one tensor is needed, got an empty array'],
    [
      () => core.cat(untyped(x)),
      'ArgumentError',
      'cat: the tensors come as an array, cat([a, b]); got a tensor',
    ],
    [() => core.cat([x, untyped(3)]), 'ArgumentError', 'cat: tensor 1 must be a tensor, got 3'],
    [
      () => core.cat([x, zeros([2, 2])]),
      'ShapeError',
      'cat: tensor 1 has shape [2, 2], which must equal [2, 3] in every dim but 0',
    ],
    [
      () => core.cat([x, zeros([3])]),
      'ShapeError',
      'cat: tensor 1 has shape [3], which must equal [2, 3] in every dim but 0',
    ],
    [
      () => core.cat([zeros([])]),
      'ShapeError',
      'cat: tensor 0 has no dimensions; use stack, or reshape it to [1]',
    ],
    [
      () => core.cat([x, x], 2),
      'ShapeError',
      'cat: dim 2 is out of range for shape [2, 3]; it must lie in -2..1',
    ],
    [
      () => core.stack([x, zeros([3, 2])]),
      'ShapeError',
      'stack: tensor 1 has shape [3, 2], the first [2, 3]; they must be equal',
    ],
    [
      () => core.stack([x, x], 3),
      'ShapeError',
      'stack: dim 3 is out of range for 3 dimensions; it must lie in -3..2',
    ],
    [() => core.vstack([]), 'ArgumentError', 'vstack: at least one tensor is needed, got an empty array'],
    [() => core.split(x, 0), 'ArgumentError', 'split: splitSize must be a positive integer, got 0'],
    [
      () => core.split(x, [1, 2]),
      'ShapeError',
      'split: sizes [1, 2] must be 0 or more and sum to 2, the size of dim 0 of [2, 3]',
    ],
    [() => core.split(x, untyped(1.5)), 'ArgumentError', 'split: splitSize must be an integer, got 1.5'],
    [
      () => core.split(zeros([]), 1),
      'ShapeError',
      'split: a tensor without dimensions has none to walk along',
    ],
    [
      () => core.splitWithSizes(x, [3, -1]),
      'ShapeError',
      'splitWithSizes: sizes [3, -1] must be 0 or more and sum to 2, the size of dim 0 of [2, 3]',
    ],
    [() => core.chunk(x, 0), 'ArgumentError', 'chunk: chunks must be a positive integer, got 0'],
    [
      () => core.tensorSplit(x, 0),
      'ArgumentError',
      'tensorSplit: sections must be a positive integer, got 0',
    ],
    [
      () => core.tensorSplit(x, tensor([1.5])),
      'DTypeError',
      'tensorSplit: sections must be int32 or int64, got float32',
    ],
    [
      () => core.tensorSplit(x, int([[1]])),
      'ShapeError',
      'tensorSplit: sections must have no dimension or one, got [1, 1]',
    ],
    [
      () => core.hsplit(x, 2),
      'ArgumentError',
      'hsplit: dim 1 of [2, 3] does not divide into 2 equal parts; tensorSplit makes unequal ones',
    ],
    [
      () => core.vsplit(zeros([2]), 2),
      'ShapeError',
      'vsplit: the tensor must have 2 dimensions or more, got [2]',
    ],
    [() => core.dsplit(x, 2), 'ShapeError', 'dsplit: the tensor must have 3 dimensions or more, got [2, 3]'],
    [
      () => core.unbind(zeros([])),
      'ShapeError',
      'unbind: a tensor without dimensions has none to walk along',
    ],
    [
      () => core.meshgrid([x]),
      'ShapeError',
      'meshgrid: tensor 0 must have one dimension at most, got [2, 3]',
    ],
    [
      () => core.meshgrid([zeros([2]), int([1])]),
      'DTypeError',
      'meshgrid: tensor 1 is int32 and the first float32; they must be one dtype',
    ],
    [
      () => core.meshgrid([zeros([2])], { indexing: untyped('yx') }),
      'ArgumentError',
      "meshgrid: indexing must be 'ij' or 'xy', got \"yx\"",
    ],
    [
      () => core.broadcastTensors([x, zeros([2])]),
      'ShapeError',
      'broadcastTensors: shapes [2, 3] and [2] do not broadcast: dim 1 has 3 against 2',
    ],
  ]);
});

describe('errors of rearranging', () => {
  refuses([
    [
      () => core.flatten(x, { startDim: 1, endDim: 0 }),
      'ShapeError',
      'flatten: startDim 1 lies behind endDim 0 of [2, 3]',
    ],
    [
      () => core.flatten(x, { startDim: 2 }),
      'ShapeError',
      'flatten: dim 2 is out of range for shape [2, 3]; it must lie in -2..1',
    ],
    [
      () => core.flatten(x, untyped({ start: 1 })),
      'ArgumentError',
      'flatten: unknown option start; known options: startDim, endDim',
    ],
    [
      () => core.unflatten(x, 1, [2, 2]),
      'ShapeError',
      'unflatten: sizes [2, 2] do not multiply to 3, the size of dim 1 of [2, 3]',
    ],
    [() => core.unflatten(x, 1, []), 'ArgumentError', 'unflatten: sizes must not be empty'],
    [
      () => core.unflatten(x, 1, [-1, -1]),
      'ShapeError',
      'unflatten: sizes [-1, -1] do not multiply to 3, the size of dim 1 of [2, 3]',
    ],
    [
      () => core.unflatten(zeros([]), 0, [1]),
      'ShapeError',
      'unflatten: a tensor without dimensions has none to lay out',
    ],
    [
      () => core.movedim(x, [0, 1], [0]),
      'ShapeError',
      'movedim: [0, 1] and [0] must name as many dimensions each',
    ],
    [
      () => core.movedim(x, [0, 0], [0, 1]),
      'ShapeError',
      'movedim: dims [0, 0] name a dimension twice; the shape is [2, 3]',
    ],
    [
      () => core.movedim(x, 2, 0),
      'ShapeError',
      'movedim: dim 2 is out of range for shape [2, 3]; it must lie in -2..1',
    ],
    [
      () => core.t(zeros([1, 2, 3])),
      'ShapeError',
      't: the tensor must have two dimensions at most, got [1, 2, 3]; use transpose(dim0, dim1), or mT',
    ],
    [
      () => core.matrixTranspose(zeros([3])),
      'ShapeError',
      'matrixTranspose: a matrix has two dimensions, got [3]',
    ],
    [() => core.repeat(x, [2]), 'ShapeError', 'repeat: [2] must hold a size for each dimension of [2, 3]'],
    [() => core.repeat(x, [2, -1]), 'ShapeError', 'repeat: sizes must be integers of 0 or more, got [2, -1]'],
    [
      () => core.repeat(x, untyped(2)),
      'ShapeError',
      'repeat: a shape is an array of sizes, e.g. [2, 3]; got 2',
    ],
    [() => core.tile(x, [-1]), 'ShapeError', 'tile: sizes must be integers of 0 or more, got [1, -1]'],
    [
      () => core.repeatInterleave(x, -1),
      'ArgumentError',
      'repeatInterleave: repeats must be 0 or more, got -1',
    ],
    [
      () => core.repeatInterleave(x, 2, 5),
      'ShapeError',
      'repeatInterleave: dim 5 is out of range for shape [2, 3]; it must lie in -2..1',
    ],
    [
      () => core.repeatInterleave(x, int([1, 2]), 1),
      'ShapeError',
      'repeatInterleave: repeats [2] must hold one number, or one for each of 3 slices',
    ],
    [
      () => core.repeatInterleave(x, int([1, -2, 1]), 1),
      'ArgumentError',
      'repeatInterleave: repeats must be 0 or more, got -2',
    ],
    [
      () => core.repeatInterleave(x, int([1, 2, 1]), 1, { outputSize: 3 }),
      'BackendError',
      'repeatInterleave: the repeats are negative, or do not sum to the outputSize 3',
    ],
    [
      () => core.repeatInterleave(x, tensor([1.5]), 1),
      'DTypeError',
      "repeatInterleave: repeats must be int32 or int64, got float32; convert it: to({ dtype: 'int32' })",
    ],
    [
      () => core.repeatInterleave(x, 2, 0, { outputSize: 3 }),
      'ShapeError',
      'repeatInterleave: outputSize is 3, but the repeats sum to 4',
    ],
    [
      () => core.flip(x, 2),
      'ShapeError',
      'flip: dim 2 is out of range for shape [2, 3]; it must lie in -2..1',
    ],
    [
      () => core.flip(x, [0, 0]),
      'ShapeError',
      'flip: dims [0, 0] name a dimension twice; the shape is [2, 3]',
    ],
    [
      () => core.fliplr(zeros([2])),
      'ShapeError',
      'fliplr: the tensor must have two dimensions or more, got [2]',
    ],
    [() => core.flipud(zeros([])), 'ShapeError', 'flipud: the tensor must have a dimension or more, got []'],
    [() => core.roll(x, [1, 2], 0), 'ArgumentError', 'roll: shifts [1, 2] and dims [0] must be as many'],
    [
      () => core.roll(x, 1, 2),
      'ShapeError',
      'roll: dim 2 is out of range for shape [2, 3]; it must lie in -2..1',
    ],
    [
      () => core.roll(x, untyped(0.5)),
      'ArgumentError',
      'roll: shifts must be an array of integers, got [0.5]',
    ],
    [() => core.rot90(x, [0]), 'ShapeError', 'rot90: dims must name two dimensions of [2, 3], got [0]'],
    [
      () => core.rot90(x, [0, 0]),
      'ShapeError',
      'rot90: dims [0, 0] name a dimension twice; the shape is [2, 3]',
    ],
    [() => core.rot90(zeros([2])), 'ShapeError', 'rot90: dims must name two dimensions of [2], got [0, 1]'],
    [() => core.tril(zeros([2])), 'ShapeError', 'tril: the tensor must have two dimensions or more, got [2]'],
    [() => core.triu(x, { diagonal: 0.5 }), 'ArgumentError', 'triu: diagonal must be an integer, got 0.5'],
    [
      () => core.triu(x, untyped({ k: 1 })),
      'ArgumentError',
      'triu: unknown option k; known options: diagonal',
    ],
    [() => core.trilIndices(-1, 2), 'ShapeError', 'trilIndices: sizes must be 0 or more, got -1 and 2'],
    [
      () => core.diag(zeros([1, 1, 1])),
      'ShapeError',
      'diag: the tensor must have one dimension or two, got [1, 1, 1]; diagonal and diagEmbed take more',
    ],
    [
      () => core.diagEmbed(zeros([])),
      'ShapeError',
      'diagEmbed: the tensor must have a dimension or more, got []',
    ],
    [
      () => core.diagEmbed(x, { dim1: 0, dim2: 0 }),
      'ShapeError',
      'diagEmbed: dims [0, 0] name a dimension twice; the shape is [2, 3, 3]',
    ],
    [
      () => core.pad(x, [1]),
      'ArgumentError',
      'pad: pad holds a pair [before, after] for each dimension, got [1]',
    ],
    [
      () => core.pad(x, [1, 1, 1, 1, 1, 1]),
      'ShapeError',
      'pad: [1, 1, 1, 1, 1, 1] has pairs for 3 dimensions; the shape is [2, 3]',
    ],
    [() => core.pad(x, [-2, -2]), 'ShapeError', 'pad: margins -2 and -2 take more than dim 1 of [2, 3] has'],
    [
      () => core.pad(x, [3, 0], { mode: 'reflect' }),
      'ShapeError',
      "pad: margins 3 and 0 are too large for mode 'reflect' and dim 1 of [2, 3]: 2 is the most",
    ],
    [
      () => core.pad(x, [4, 0], { mode: 'circular' }),
      'ShapeError',
      "pad: margins 4 and 0 are too large for mode 'circular' and dim 1 of [2, 3]: 3 is the most",
    ],
    [
      () => core.pad(zeros([2, 0]), [1, 0], { mode: 'replicate' }),
      'ShapeError',
      "pad: margins 1 and 0 are too large for mode 'replicate' and dim 1 of [2, 0]: there are no elements to take",
    ],
    [
      () => core.pad(x, [1, 0], { mode: 'reflect', value: 2 }),
      'ArgumentError',
      "pad: mode 'reflect' takes no value, got 2",
    ],
    [
      () => core.pad(x, [1, 0], { mode: untyped('mirror') }),
      'ArgumentError',
      "pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got \"mirror\"",
    ],
    [() => core.pad(x, [0.5, 1]), 'ArgumentError', 'pad: pad must be an array of integers, got [0.5, 1]'],
    [
      () => core.asStrided(x, [2, 2], [1]),
      'ShapeError',
      'asStrided: size [2, 2] and stride [1] must be as many',
    ],
    [
      () => core.asStrided(x, [9], [1]),
      'ShapeError',
      'asStrided: size [9] with stride [1] from 0 reaches element 8; the storage has 6',
    ],
    [() => core.asStrided(x, [2], [-1]), 'ArgumentError', 'asStrided: strides must be 0 or more, got [-1]'],
    [() => core.view(x, [4]), 'ShapeError', 'view: [2, 3] has 6 elements, which do not fit [4]'],
    [
      () => core.view(x.t(), [6]),
      'ShapeError',
      'view: the elements of [3, 2] with strides [1, 3] do not lie as [6] needs; use reshape, which copies where it must',
    ],
    [
      () => core.view(x, untyped('float')),
      'DTypeError',
      'view: unknown dtype "float"; the dtypes are bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64',
    ],
    [
      () => core.view(zeros([]), 'int64'),
      'ShapeError',
      'view: float32 [] with strides [] cannot be read as int64: a tensor without dimensions cannot change its width',
    ],
    [
      () => core.view(x, 'int64'),
      'ShapeError',
      'view: float32 [2, 3] with strides [3, 1] cannot be read as int64: sizes, strides and offset must be multiples of 2',
    ],
    [
      () => core.view(x.t(), 'int64'),
      'ShapeError',
      'view: float32 [3, 2] with strides [1, 3] cannot be read as int64: the last dimension must lie without gaps',
    ],
  ]);
});
