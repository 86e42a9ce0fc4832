import { contiguousStrides, type Shape } from '../shape.ts';

/** What kernels of batch, layer, group, instance and RMS norms are given as attributes. */
export interface NormAttributes {
  /** The shape in which the input is seen. */
  readonly view: Shape;
  /** The dimensions of it that statistics go over. */
  readonly dims: readonly number[];
  /** The shape in which weight and bias meet it. */
  readonly vector: Shape;
  readonly eps: number;
}

/** Core declares the operators, so their attributes are of this form. */
export const normAttributes = (attributes: Readonly<Record<string, unknown>>): NormAttributes =>
  attributes as unknown as NormAttributes;

/** Whether statistics go over the last dimensions, so that each is of a row. */
export const goesOverRows = ({ view, dims }: NormAttributes): boolean =>
  dims.length > 0 && dims.every((dim) => dim >= view.length - dims.length);

/** Strides in `view` of weight and bias, which lie in order: 0 where they repeat. */
export function vectorStrides({ view, vector }: NormAttributes): number[] {
  const strides = contiguousStrides(vector);
  return view.map((n, dim) => (vector[dim] === 1 && n !== 1 ? 0 : strides[dim]!));
}
