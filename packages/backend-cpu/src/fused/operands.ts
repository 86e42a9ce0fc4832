import { byteLengthOf, type FusedKernel, OutOfMemoryError, type TensorOperand } from '@flambeau/core/backend';
import type { Heap } from '../heap/heap.ts';
import { addressOf, staged } from '../staging.ts';

export type Operands = Readonly<Record<string, TensorOperand | undefined>>;
export type Attrs = Readonly<Record<string, unknown>>;

/** The address of an operand's first element. */
export const address = (operand: TensorOperand): number => addressOf(operand, byteLengthOf(operand.dtype));

/** The stride of dimensions `from..to-1` walked as one; null where they cannot be. */
export function joinedStride({ shape, strides }: TensorOperand, from: number, to: number): number | null {
  let stride: number | null = null;
  let expected = 0;
  for (let d = to - 1; d >= from; d--) {
    if (shape[d] === 1) continue;
    if (stride === null) stride = strides[d]!;
    else if (strides[d] !== expected) return null;
    expected = strides[d]! * shape[d]!;
  }
  return stride ?? 0;
}

/** Whether every operand that is there has one dtype, out of a list, and no size is 0. */
export function uniform(
  operands: readonly (TensorOperand | undefined)[],
  dtypes: readonly string[],
): boolean {
  const [first] = operands;
  return operands.every(
    (x) => x === undefined || (x.dtype === first!.dtype && dtypes.includes(x.dtype) && !x.shape.includes(0)),
  );
}

/** An operand with one of its dimensions last. */
export function dimLast(operand: TensorOperand, dim: number): TensorOperand {
  const moved = (sizes: readonly number[]): number[] => [...sizes.toSpliced(dim, 1), sizes[dim]!];
  return { ...operand, shape: moved(operand.shape), strides: moved(operand.strides) };
}

/**
 * A fused kernel that reaches its operands by address: `when` says which cases it takes, and operands that lie in
 * typed arrays are staged.
 */
export function heapKernel(
  heap: Heap,
  name: string,
  when: (inputs: Operands, attrs: Attrs) => boolean,
  run: (outputs: Readonly<Record<string, TensorOperand>>, inputs: Operands, attrs: Attrs) => void,
): FusedKernel {
  return {
    when,
    run(outputs, inputs, attrs) {
      const outputNames = Object.keys(outputs);
      const inputNames = Object.keys(inputs).filter((key) => inputs[key] !== undefined);
      const done = staged(
        heap,
        outputNames.map((key) => outputs[key]!),
        inputNames.map((key) => inputs[key]!),
        (ys, xs) => run(named(outputNames, outputs, ys), named(inputNames, inputs, xs) as Operands, attrs),
      );
      if (done) return;
      throw new OutOfMemoryError(`${name}: the heap has no room to stage its operands`, { op: name });
    },
  };
}

/** Operands under their names again, with their shapes. */
function named(
  names: readonly string[],
  from: Operands,
  placed: readonly Omit<TensorOperand, 'shape'>[],
): Record<string, TensorOperand> {
  const result: Record<string, TensorOperand> = {};
  for (const [i, name] of names.entries()) result[name] = { ...placed[i]!, shape: from[name]!.shape };
  return result;
}

/** Workspace of the heap for as long as `use` runs. @throws {OutOfMemoryError} there is no room for it. */
export function withWorkspace<R>(
  heap: Heap,
  name: string,
  byteLength: number,
  use: (address: number) => R,
): R {
  const place = heap.allocateWorkspace(byteLength);
  if (place === 0) {
    throw new OutOfMemoryError(`${name}: ${byteLength} bytes of workspace could not be allocated`, {
      op: name,
      data: { byteLength },
    });
  }
  try {
    return use(place);
  } finally {
    heap.free(place, byteLength);
  }
}
