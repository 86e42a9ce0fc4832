import { each, type OperatorSamples, operator } from './sample.ts';

/** Operators that view, move, join and repeat. */

const MEMORY = 'it reads memory as it lies, so that another layout has another result';

const views: readonly OperatorSamples[] = [
  operator('reshape', {
    flat: (m) => [m.x([3, 4]), [12]],
    inferred: (m) => [m.x([3, 4]), [2, -1]],
    'no dimensions': (m) => [m.x([1]), []],
    empty: (m) => [m.x([0, 3]), [3, 0]],
  }),
  operator('reshapeAs', { flat: (m) => [m.x([3, 4]), m.fixed([2, 6])] }),
  operator('view', {
    'a dimension more': (m) => [m.x([12]), [12, 1]],
    'no dimensions': (m) => [m.x([]), [1]],
  }),
  operator('viewAs', { 'a dimension more': (m) => [m.x([4]), m.fixed([4, 1])] }),
  operator('flatten', {
    all: (m) => [m.x([2, 3, 2])],
    part: (m) => [m.x([2, 3, 2]), { startDim: 1 }],
    'no dimensions': (m) => [m.x([])],
  }),
  operator('unflatten', {
    last: (m) => [m.x([2, 6]), 1, [2, 3]],
    inferred: (m) => [m.x([6, 2]), 0, [-1, 2]],
  }),
  operator('ravel', { matrix: (m) => [m.x([2, 3])] }),
  operator('squeeze', {
    all: (m) => [m.x([1, 3, 1])],
    one: (m) => [m.x([1, 3, 1]), 0],
    several: (m) => [m.x([1, 3, 1]), [0, 2]],
    none: (m) => [m.x([2]), 0],
  }),
  operator('unsqueeze', {
    first: (m) => [m.x([3]), 0],
    last: (m) => [m.x([3]), -1],
    'no dimensions': (m) => [m.x([]), 0],
  }),
  ...each('transpose swapaxes swapdims', (op) =>
    operator(op, {
      matrix: (m) => [m.x([3, 4]), 0, 1],
      negative: (m) => [m.x([2, 3, 4]), -1, 0],
      empty: (m) => [m.x([0, 3]), 0, 1],
    }),
  ),
  operator('t', { matrix: (m) => [m.x([3, 4])], vector: (m) => [m.x([3])] }),
  ...each('reverseDims', (op) => operator(op, { matrix: (m) => [m.x([2, 3, 2])] })),
  ...each('matrixTranspose', (op) => operator(op, { batch: (m) => [m.x([2, 3, 2])] })),
  operator('permute', {
    three: (m) => [m.x([2, 3, 4]), [2, 0, 1]],
    negative: (m) => [m.x([2, 3]), [-1, 0]],
    'no dimensions': (m) => [m.x([]), []],
  }),
  ...each('movedim moveaxis', (op) =>
    operator(op, { one: (m) => [m.x([2, 3, 4]), 0, 2], several: (m) => [m.x([2, 3, 4]), [0, 1], [-1, 0]] }),
  ),
  operator('expand', {
    rows: (m) => [m.x([1, 3]), [4, 3]],
    'a dimension more': (m) => [m.x([3]), [2, -1]],
    'no dimensions': (m) => [m.x([]), [2, 2]],
    empty: (m) => [m.x([1, 3]), [0, 3]],
  }),
  operator('expandAs', { rows: (m) => [m.x([1, 3]), m.fixed([4, 3])] }),
  operator('broadcastTo', { rows: (m) => [m.x([3, 1]), [2, 3, 4]] }),
  operator('select', {
    first: (m) => [m.x([3, 4]), 0, 1],
    negative: (m) => [m.x([3, 4]), -1, -1],
    vector: (m) => [m.x([3]), 0, 2],
  }),
  operator('narrow', { middle: (m) => [m.x([3, 5]), 1, 1, 3], empty: (m) => [m.x([3]), 0, 1, 0] }),
  operator('diagonal', {
    matrix: (m) => [m.x([3, 4])],
    above: (m) => [m.x([3, 4]), { offset: 1 }],
    batch: (m) => [m.x([2, 3, 3]), { dim1: 1, dim2: 2, offset: -1 }],
    outside: (m) => [m.x([2, 2]), { offset: 5 }],
  }),
  operator('unfold', {
    overlapping: (m) => [m.x([7]), 0, 3, 2],
    rows: (m) => [m.x([3, 5]), 1, 2, 1],
    'no dimensions': (m) => [m.x([]), 0, 1, 1],
  }),
  operator(
    'asStrided',
    { windows: (m) => [m.x([6]), [3, 2], [2, 1]], overlapping: (m) => [m.x([5]), [3, 3], [1, 1]] },
    { onlyContiguous: MEMORY },
  ),
  operator('asStridedCopy', { windows: (m) => [m.x([6]), [3, 2], [2, 1]] }, { onlyContiguous: MEMORY }),
  ...each('atleast1d atleast2d atleast3d', (op) =>
    operator(op, { 'no dimensions': (m) => [m.x([])], vector: (m) => [m.x([3])] }),
  ),
];

const parts: readonly OperatorSamples[] = [
  operator('chunk', { even: (m) => [m.x([4, 3]), 2], uneven: (m) => [m.x([3, 5]), 2, 1] }),
  operator('split', {
    even: (m) => [m.x([4, 3]), 2],
    uneven: (m) => [m.x([3, 5]), 2, 1],
    sizes: (m) => [m.x([5]), [1, 4]],
  }),
  operator('splitWithSizes', { sizes: (m) => [m.x([2, 5]), [2, 0, 3], 1] }),
  operator('tensorSplit', { count: (m) => [m.x([5, 2]), 3], places: (m) => [m.x([5]), [1, 3]] }),
  operator('hsplit', { matrix: (m) => [m.x([2, 4]), 2] }),
  operator('vsplit', { matrix: (m) => [m.x([4, 2]), [1, 2]] }),
  operator('dsplit', { cube: (m) => [m.x([2, 1, 4]), 2] }),
  operator('unbind', { first: (m) => [m.x([3, 2])], last: (m) => [m.x([2, 3]), 1] }),
];

const joining: readonly OperatorSamples[] = [
  ...each('cat', (op) =>
    operator(op, {
      rows: (m) => [[m.x([2, 3]), m.x([1, 3])]],
      columns: (m) => [[m.x([2, 1]), m.x([2, 3]), m.x([2, 2])], 1],
      'with empty': (m) => [[m.x([0]), m.x([2])]],
      one: (m) => [[m.x([3])]],
    }),
  ),
  operator('stack', {
    first: (m) => [[m.x([2, 3]), m.x([2, 3])]],
    last: (m) => [[m.x([2]), m.x([2])], -1],
    'no dimensions': (m) => [[m.x([]), m.x([])]],
  }),
  ...each('hstack vstack dstack columnStack', (op) =>
    operator(op, { matrices: (m) => [[m.x([2, 3]), m.x([2, 3])]], vectors: (m) => [[m.x([3]), m.x([3])]] }),
  ),
  operator('broadcastTensors', { three: (m) => [[m.x([3, 1]), m.x([4]), m.x([])]] }),
  operator('meshgrid', {
    two: (m) => [[m.x([2]), m.x([3])], { indexing: 'ij' }],
    xy: (m) => [[m.x([2]), m.x([3])], { indexing: 'xy' }],
  }),
  operator('cartesianProd', { two: (m) => [[m.x([2]), m.x([3])]] }),
  operator('combinations', { pairs: (m) => [m.x([4])] }),
  operator('blockDiag', { three: (m) => [[m.x([2, 2]), m.x([3]), m.x([])]] }),
];

const rearranging: readonly OperatorSamples[] = [
  operator('flip', {
    one: (m) => [m.x([3, 4]), 0],
    several: (m) => [m.x([2, 3, 2]), [0, -1]],
    none: (m) => [m.x([3]), []],
  }),
  ...each('fliplr flipud', (op) => operator(op, { matrix: (m) => [m.x([2, 3])] })),
  operator('rot90', { once: (m) => [m.x([2, 3])], back: (m) => [m.x([2, 3, 2]), [1, 2], { k: -1 }] }),
  operator('roll', {
    one: (m) => [m.x([3, 4]), 1, 0],
    flat: (m) => [m.x([2, 3]), 2],
    several: (m) => [m.x([3, 4]), [1, -1], [0, 1]],
    empty: (m) => [m.x([0, 3]), 1, 1],
  }),
  operator('repeat', {
    rows: (m) => [m.x([2, 3]), [2, 1]],
    'a dimension more': (m) => [m.x([3]), [2, 2]],
    none: (m) => [m.x([2]), [0]],
  }),
  operator('tile', { columns: (m) => [m.x([2, 3]), [2]], 'a dimension more': (m) => [m.x([3]), [2, 2]] }),
  operator('repeatInterleave', {
    number: (m) => [m.x([2, 3]), 2, 1],
    flat: (m) => [m.x([2, 2]), 3],
    tensor: (m) => [m.x([3, 2]), m.integer([3], [2, 0, 1]), 0, { outputSize: 3 }],
  }),
  ...each('tril triu', (op) =>
    operator(op, {
      matrix: (m) => [m.x([3, 4])],
      above: (m) => [m.x([3, 4]), { diagonal: 1 }],
      batch: (m) => [m.x([2, 3, 3]), { diagonal: -1 }],
      empty: (m) => [m.x([0, 3])],
    }),
  ),
  operator('diag', {
    vector: (m) => [m.x([3])],
    matrix: (m) => [m.x([3, 4])],
    above: (m) => [m.x([2]), { diagonal: 1 }],
  }),
  operator('diagEmbed', { rows: (m) => [m.x([2, 3])], below: (m) => [m.x([3]), { offset: -1 }] }),
  operator('diagflat', { matrix: (m) => [m.x([2, 2])], offset: (m) => [m.x([2]), { offset: 1 }] }),
  operator('pad', {
    constant: (m) => [m.x([2, 3]), [1, 2]],
    value: (m) => [m.x([2, 3]), [1, 0, 0, 2], { value: 1.5 }],
    cut: (m) => [m.x([2, 4]), [-1, 1]],
    reflect: (m) => [m.x([1, 2, 4]), [2, 1], { mode: 'reflect' }],
    replicate: (m) => [m.x([1, 1, 3, 3]), [1, 1, 0, 2], { mode: 'replicate' }],
    circular: (m) => [m.x([1, 2, 4]), [2, 1], { mode: 'circular' }],
  }),
  operator('constantPadNd', { value: (m) => [m.x([2, 3]), [1, 0, 0, 2], { value: 1.5 }] }),
  operator('im2col', {
    plain: (m) => [m.x([1, 2, 4, 4]), 2],
    options: (m) => [m.x([2, 1, 5, 4]), [2, 3], { stride: 2, padding: 1 }],
    dilated: (m) => [m.x([1, 1, 5, 5]), 2, { dilation: 2 }],
  }),
  operator('col2im', {
    plain: (m) => [m.x([1, 8, 9]), 4, 2],
    stride: (m) => [m.x([1, 4, 4]), [4, 4], 2, { stride: 2 }],
  }),
];

export const shapeSamples: readonly OperatorSamples[] = [...views, ...parts, ...joining, ...rearranging];
