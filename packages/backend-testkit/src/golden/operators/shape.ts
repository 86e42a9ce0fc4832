import { type Adapter, type OperatorFamily, settled } from '../call.ts';
import { callCore, callMethod, isTensor, type TensorLike } from '../framework.ts';
import { camelCase } from '../names.ts';
import { SliceIndex } from '../values.ts';

/** Sizes may come as one list or one by one. */
const sizes = (name: string, parameter: string) => [
  `${name}(input, ${parameter}: list)`,
  `${name}(input, ...${parameter}: int)`,
];

/** A tensor that PyTorch reads as an attribute. */
const property: (name: string) => Adapter =
  (name) =>
  async ({ invoke, named }) => {
    const input = named.get('input') as Record<string, unknown>;
    return input[name] ?? (await invoke());
  };

/** One tensor for one, a list for several. */
const oneOrMany: Adapter = ({ framework, named, signature }) => {
  const tensors = named.get('tensors') as readonly unknown[];
  return callCore(framework, camelCase(signature.ourName), tensors.length === 1 ? tensors[0] : tensors);
};

/** ATen's slice of one dimension; ours is an index. */
const sliceOne: Adapter = ({ framework, named }) => {
  const input = named.get('input') as TensorLike;
  const given = (name: string, fallback?: number) => (named.get(name) as number | undefined) ?? fallback;
  const dim = ((given('dim', 0) ?? 0) + input.shape.length) % input.shape.length;
  const whole = Array.from({ length: dim }, () => new SliceIndex(undefined, undefined, undefined));
  const items = [...whole, new SliceIndex(given('start'), given('end'), given('step'))];
  return callMethod(input, 'index', ...items.map((item) => settled(framework, item)));
};

/** What a view begins at must be known: what cannot read at once waits for it. */
const narrow: Adapter = async ({ framework, named, invoke }) => {
  const [input, start] = ['input', 'start'].map((name) => named.get(name)) as [TensorLike, unknown];
  if (framework.synchronousReads !== false || !isTensor(start)) return invoke();
  const first = Number(await callMethod(start, 'item'));
  return callMethod(input, 'narrow', named.get('dim'), first, named.get('length'));
};

/** Views and what rearranges elements. */
export const shape: OperatorFamily = {
  signatures: [
    'H(input)',
    'T(input)',
    'mT(input)',
    'mH(input)',
    't(input)',
    't_copy(input)',
    ...sizes('reshape', 'shape|size'),
    ...sizes('expand', 'size'),
    ...sizes('expand_copy', 'size'),
    ...sizes('permute', 'dims'),
    ...sizes('permute_copy', 'dims'),
    ...sizes('flip', 'dims'),
    ...sizes('tile', 'dims'),
    ...sizes('repeat', 'repeats|size'),
    'view(input, dtype: dtype)',
    ...sizes('view', 'size|shape'),
    'view_copy(input, dtype: dtype)',
    ...sizes('view_copy', 'size|shape'),
    'view_as(input, other)',
    'reshape_as(input, other)',
    'expand_as(input, other)',
    'broadcast_to(input, size|shape)',
    'broadcast_tensors(...tensors)',
    'broadcast_shapes(...shapes)',
    'atleast_1d(...tensors)',
    'atleast_2d(...tensors)',
    'atleast_3d(...tensors)',
    'block_diag(...tensors)',
    'cartesian_prod(...tensors)',
    'meshgrid(tensors: list, *, indexing=ij)',
    'meshgrid(...tensors, indexing=ij)',
    'flatten(input, start_dim=0, end_dim=-1)',
    'unflatten(input, dim, sizes)',
    'ravel(input)',
    'squeeze(input, dim?)',
    'squeeze_copy(input, dim?)',
    'unsqueeze(input, dim)',
    'unsqueeze_copy(input, dim)',
    'transpose(input, dim0|axis0, dim1|axis1)',
    'transpose_copy(input, dim0, dim1)',
    'movedim(input, source, destination)',
    'narrow(input, dim, start, length)',
    'narrow_copy(input, dim, start, length)',
    'select(input, dim, index)',
    'slice(input, dim?, start=None, end=None, step=1)',
    'diagonal(input, offset=0, dim1=0, dim2=1)',
    'diagonal_copy(input, offset=0, dim1=0, dim2=1)',
    'linalg.diagonal(input|A, *, offset=0, dim1=-2, dim2=-1)',
    'diag(input, diagonal=0)',
    'diag_embed(input, offset=0, dim1=-2, dim2=-1)',
    'diagflat(input, offset=0)',
    'tril(input, diagonal=0)',
    'triu(input, diagonal=0)',
    'unfold(input, dimension, size, step)',
    'unfold_copy(input, dimension, size, step)',
    'as_strided(input, size, stride, storage_offset=None) => as_strided(input, size, stride, storage_offset)',
    'as_strided_copy(input, size, stride, storage_offset=None) => as_strided_copy(input, size, stride, storage_offset)',
    'as_strided_scatter(input, src, size, stride, storage_offset=None) => as_strided_scatter(input, src, size, stride, storage_offset)',
    'cat(tensors, dim?)',
    'stack(tensors, dim?)',
    'column_stack(tensors)',
    'dstack(tensors)',
    'hstack(tensors)',
    'vstack(tensors)',
    'chunk(input, chunks, dim?)',
    'unsafe_chunk(input, chunks, dim?)',
    'split(input, split_size|split_size_or_sections|split_sizes, dim?)',
    'unsafe_split(input, split_size, dim?)',
    'split_with_sizes(input, split_sizes, dim?)',
    'split_with_sizes_copy(input, split_sizes, dim?)',
    'tensor_split(input, indices_or_sections|sections|indices|tensor_indices_or_sections, dim?)',
    'dsplit(input, indices_or_sections|sections|indices)',
    'hsplit(input, indices_or_sections|sections|indices)',
    'vsplit(input, indices_or_sections|sections|indices)',
    'unbind(input, dim?)',
    'unbind_copy(input, dim?)',
    'repeat_interleave(input, repeats, dim?, *, output_size=None)',
    'repeat_interleave(repeats, *, output_size=None)',
    'roll(input, shifts, dims?)',
    'rot90(input, k=1, dims?)',
    'fliplr(input)',
    'flipud(input)',
    'combinations(input, r=2, with_replacement=False)',
    'constant_pad_nd(input, pad, value=0)',
  ],
  adapters: {
    H: property('H'),
    T: property('T'),
    mT: property('mT'),
    mH: property('mH'),
    atleast_1d: oneOrMany,
    atleast_2d: oneOrMany,
    atleast_3d: oneOrMany,
    narrow,
    slice: sliceOne,
  },
};
