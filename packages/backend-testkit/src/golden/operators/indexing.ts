import { type Adapter, type OperatorFamily, settled } from '../call.ts';
import type { Json } from '../case.ts';
import { makeTensor } from '../decode.ts';
import { callCore, callMethod, type Framework, isObject, isTensor, type TensorLike } from '../framework.ts';

/** Indexing, gathering, scattering and ordering. */
export const indexing: OperatorFamily = {
  signatures: [
    '__getitem__(input, indices)',
    'gather(input, dim, index, *, sparse_grad=False)',
    'take(input, index)',
    'take_along_dim(input, indices, dim?)',
    'index_select(input, dim, index)',
    'index_add(input, dim, index, source, *, alpha=1)',
    'index_copy(input, dim, index, source)',
    'index_fill(input, dim, index, value)',
    'index_put(input, indices, values, accumulate=False)',
    'index_reduce(input, dim, index, source, reduce, *, include_self=True)',
    'put(input, index, source, accumulate=False)',
    'scatter(input, dim, index, src|value, *, reduce=None)',
    'scatter_add(input, dim, index, src)',
    'scatter_reduce(input, dim, index, src, reduce, *, include_self=True)',
    'select_scatter(input, src, dim, index)',
    'diagonal_scatter(input, src, offset=0, dim1=0, dim2=1)',
    'masked_select(input, mask)',
    'masked_scatter(input, mask, source)',
    'nonzero(input, *, as_tuple=False)',
    'nonzero_static(input, *, size, fill_value=-1) => nonzero_static(input)',
    'argwhere(input)',
    'sort(input, dim?, descending=False, stable=False) -> values, indices',
    'argsort(input, dim?, descending=False, stable=False)',
    'topk(input, k, dim?, largest=True, sorted=True) -> values, indices',
    'searchsorted(sorted_sequence, input: Scalar, *, out_int32=False, right=False, side=None, sorter=None)',
    'bucketize(input: Scalar, boundaries, *, out_int32=False, right=False)',
    'isin(elements|element: Scalar, test_elements|test_element: Scalar, *, assume_unique=False, invert=False)',
    'unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None)',
    'unique_consecutive(input, return_inverse=False, return_counts=False, dim=None)',
    'unravel_index(indices, shape)',
  ],
  adapters: { __getitem__: getItem, topk: topK },
};

/**
 * `x[...]` as `x.index(...)`.
 *
 * A list of integers in JSON is a Python list (one index of many rows) or a tuple (one index a dimension): the rank of what
 * PyTorch returned tells which. Any other list holds slices, tensors or lists and is the tuple.
 */
function getItem({ framework, named, expected }: Parameters<Adapter>[0]): unknown {
  const input = named.get('input') as TensorLike;
  const indices = named.get('indices');
  const items = Array.isArray(indices) && !isOneIndex(indices, input, expected) ? indices : [indices];
  const given = items.map((item) => settled(framework, item));
  const [mask] = given;
  if (framework.synchronousReads === false && given.length === 1 && isTensor(mask) && mask.dtype === 'bool')
    return byMask(input, mask);
  return callMethod(input, 'index', ...given);
}

/** How many elements a mask takes is a value of the device: where it is not read at once, the form that waits is `nonzero`. */
async function byMask(input: TensorLike, mask: TensorLike): Promise<unknown> {
  const places = (await callMethod(mask, 'nonzero')) as TensorLike;
  return callMethod(input, 'index', ...mask.shape.map((_, dim) => callMethod(places, 'select', 1, dim)));
}

function isOneIndex(indices: readonly unknown[], input: TensorLike, expected: Json): boolean {
  if (indices.length === 0) return false;
  const type = typeof indices[0];
  if ((type !== 'number' && type !== 'boolean') || indices.some((item) => typeof item !== type)) return false;
  return isObject(expected) && Array.isArray(expected.shape) && expected.shape.length === input.shape.length;
}

/** With `sorted=False` PyTorch's order is free: ours is brought into its order, so that values and gradients compare. */
async function topK({ framework, named, expected, invoke }: Parameters<Adapter>[0]): Promise<unknown> {
  const result = await invoke();
  if (named.get('sorted') !== false || !Array.isArray(result) || !Array.isArray(expected)) return result;
  const [values, indices] = result as [TensorLike, TensorLike];
  const wanted = makeTensor(framework, expected[1] as Json);
  const dim = (named.get('dim') as number | undefined) ?? -1;
  const order = await orderAlong(framework, dim, indices, wanted);
  return [callMethod(values, 'gather', dim, order), callMethod(indices, 'gather', dim, order)];
}

/** Positions in `have` of the entries of `want`, line by line along `dim`; 0 for what is not there. */
async function orderAlong(
  framework: Framework,
  dim: number,
  have: TensorLike,
  want: TensorLike,
): Promise<TensorLike> {
  const line = async (tensor: TensorLike) =>
    callMethod(callMethod(tensor, 'movedim', dim, -1) as object, 'contiguous') as TensorLike;
  const last = await line(have);
  const count = last.shape.at(-1) ?? 1;
  const [from, to] = [
    Array.from(await last.data(), Number),
    Array.from(await (await line(want)).data(), Number),
  ];
  const order = to.map((index, i) => {
    const start = i - (i % count);
    return Math.max(0, from.slice(start, start + count).indexOf(index));
  });
  const flat = callCore(framework, 'tensor', Int32Array.from(order), { dtype: 'int32' });
  const shaped = callMethod(flat as object, 'reshape', last.shape);
  return callMethod(shaped as object, 'movedim', -1, dim) as TensorLike;
}
