import { Tensor } from '../graph/tensor.ts';

/** Another handle on the same elements, outside of the graph and no view of anything. */
export const cloneAlias = (x: Tensor): Tensor => new Tensor(x.storage, x.dtype, x.shape, x.strides, x.offset);
