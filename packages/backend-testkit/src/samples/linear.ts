import { type OperatorSamples, operator } from './sample.ts';

/** Products of vectors and matrices. */
export const linearSamples: readonly OperatorSamples[] = [
  operator('matmul', {
    matrices: (m) => [m.x([3, 4]), m.x([4, 2])],
    vectors: (m) => [m.x([4]), m.x([4])],
    'vector and matrix': (m) => [m.x([3]), m.x([3, 2])],
    'matrix and vector': (m) => [m.x([3, 2]), m.x([2])],
    batches: (m) => [m.x([2, 3, 2]), m.x([2, 2, 3])],
    'one matrix for a batch': (m) => [m.x([2, 3, 2]), m.x([2, 3])],
    'a batch for one matrix': (m) => [m.x([3, 2]), m.x([2, 2, 3])],
    'broadcast batches': (m) => [m.x([2, 1, 2, 3]), m.x([3, 3, 2])],
    'batch and vector': (m) => [m.x([2, 3, 2]), m.x([2])],
    'vector and batch': (m) => [m.x([2]), m.x([3, 2, 2])],
    'no inner elements': (m) => [m.x([2, 0]), m.x([0, 3])],
    empty: (m) => [m.x([0, 2]), m.x([2, 3])],
    integers: (m) => [m.integers([2, 3]), m.integers([3, 2])],
  }),
  operator('mm', { plain: (m) => [m.x([3, 4]), m.x([4, 2])] }),
  operator('bmm', { plain: (m) => [m.x([2, 3, 2]), m.x([2, 2, 3])] }),
  operator('mv', { plain: (m) => [m.x([3, 2]), m.x([2])] }),
  operator('dot', { plain: (m) => [m.x([4]), m.x([4])], empty: (m) => [m.x([0]), m.x([0])] }),
  operator('vdot', { plain: (m) => [m.x([4]), m.x([4])] }),
  operator('inner', { matrices: (m) => [m.x([2, 3]), m.x([4, 3])], number: (m) => [m.x([]), m.x([2])] }),
  operator('outer', { plain: (m) => [m.x([3]), m.x([2])] }),
  operator('addmm', {
    plain: (m) => [m.x([2, 3]), m.x([2, 4]), m.x([4, 3])],
    scaled: (m) => [m.x([3]), m.x([2, 4]), m.x([4, 3]), { beta: 0.5, alpha: -2 }],
    'beta 0': (m) => [m.x([3]), m.x([2, 4]), m.x([4, 3]), { beta: 0 }],
  }),
  operator('addmv', {
    plain: (m) => [m.x([2]), m.x([2, 3]), m.x([3])],
    scaled: (m) => [m.x([]), m.x([2, 3]), m.x([3]), { beta: 2, alpha: 3 }],
  }),
  operator('addr', { plain: (m) => [m.x([2, 3]), m.x([2]), m.x([3])] }),
  operator('addbmm', { plain: (m) => [m.x([2, 3]), m.x([2, 2, 4]), m.x([2, 4, 3]), { beta: 0.5 }] }),
  operator('baddbmm', {
    plain: (m) => [m.x([2, 2, 3]), m.x([2, 2, 4]), m.x([2, 4, 3])],
    scaled: (m) => [m.x([3]), m.x([2, 2, 4]), m.x([2, 4, 3]), { beta: 0.5, alpha: 2 }],
  }),
  operator('linear', {
    plain: (m) => [m.x([2, 3]), m.x([4, 3]), m.x([4])],
    'no bias': (m) => [m.x([2, 2, 3]), m.x([4, 3])],
    vector: (m) => [m.x([3]), m.x([4, 3]), m.x([4])],
    empty: (m) => [m.x([0, 3]), m.x([4, 3]), m.x([4])],
  }),
  operator('bilinear', { plain: (m) => [m.x([2, 3]), m.x([2, 2]), m.x([4, 3, 2]), m.x([4])] }),
  operator('einsum', {
    product: (m) => ['ij,jk->ik', [m.x([2, 3]), m.x([3, 2])]],
    batch: (m) => ['bij,bjk->bik', [m.x([2, 2, 3]), m.x([2, 3, 2])]],
    diagonal: (m) => ['ii->i', [m.x([3, 3])]],
    trace: (m) => ['ii', [m.x([3, 3])]],
    three: (m) => ['i,ij,j->', [m.x([2]), m.x([2, 3]), m.x([3])]],
    ellipsis: (m) => ['...ij->...ji', [m.x([2, 2, 3])]],
  }),
  operator('tensordot', {
    count: (m) => [m.x([2, 3, 2]), m.x([3, 2, 4]), { dims: 2 }],
    lists: (m) => [m.x([2, 3]), m.x([3, 2]), { dims: [[0], [1]] }],
  }),
  operator('kron', { matrices: (m) => [m.x([2, 2]), m.x([2, 3])], vectors: (m) => [m.x([2]), m.x([2, 2])] }),
  operator('trace', { matrix: (m) => [m.x([3, 4])] }),
  operator('multiDot', {
    three: (m) => [[m.x([2, 3]), m.x([3, 2]), m.x([2, 4])]],
    vectors: (m) => [[m.x([2]), m.x([2, 3]), m.x([3])]],
  }),
  operator('chainMatmul', { two: (m) => [[m.x([2, 3]), m.x([3, 2])]] }),
  operator('matrixPower', {
    cube: (m) => [m.x([2, 2]), 3],
    zero: (m) => [m.x([2, 2]), 0],
    batch: (m) => [m.x([2, 2, 2]), 2],
  }),
];
