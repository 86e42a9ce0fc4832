import { checkTensor, checkTensors } from '../dispatch/checks.ts';
import { composite, type Declared } from '../dispatch/declare.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { reshape } from './reshape.ts';

/** One tensor for one, a list for a list. */
export interface AtLeast extends Declared {
  (x: Tensor): Tensor;
  (tensors: readonly Tensor[]): Tensor[];
}

const each = (name: string, grow: (shape: readonly number[]) => readonly number[]): AtLeast => {
  const one = (x: Tensor): Tensor => {
    checkTensor(name, 'x', x);
    return reshape(x, grow(x.shape));
  };
  return composite(name, (x: Tensor | readonly Tensor[]) => {
    if (isTensor(x) || !Array.isArray(x)) return one(x as Tensor);
    checkTensors(name, x);
    return x.map(one);
  }) as unknown as AtLeast; // The overloads say which of the two comes back.
};

/** The tensor with at least one dimension: `[]` becomes `[1]`. @example atleast1d(tensor(3)).shape // [1] */
export const atleast1d = each('atleast1d', (shape) => (shape.length === 0 ? [1] : shape));

/** The tensor with at least two dimensions: `[n]` becomes `[1, n]`. @example atleast2d(tensor([1, 2])).shape // [1, 2] */
export const atleast2d = each('atleast2d', (shape) =>
  shape.length === 0 ? [1, 1] : shape.length === 1 ? [1, ...shape] : shape,
);

/** The tensor with at least three dimensions: `[n]` becomes `[1, n, 1]`, `[n, m]` becomes `[n, m, 1]`. @example atleast3d(tensor([1, 2])).shape // [1, 2, 1] */
export const atleast3d = each('atleast3d', (shape) => {
  if (shape.length === 0) return [1, 1, 1];
  if (shape.length === 1) return [1, ...shape, 1];
  return shape.length === 2 ? [...shape, 1] : shape;
});
