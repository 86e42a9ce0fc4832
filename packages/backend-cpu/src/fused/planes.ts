import {
  type FusedKernel,
  isContiguous,
  type NormAttributes,
  normAttributes,
  type TensorOperand,
} from '@flambeau/core/backend';
import { PARTS_PER_THREAD } from '../threads/pool.ts';
import { ELEMENTS } from '../wasm/matmul/lane.ts';
import { type Attrs, address, heapKernel, type Operands, uniform } from './operands.ts';
import type { RowKernels } from './rows.ts';

/** How a normalisation of planes, contiguous lines of `length` elements, walks: all in elements. */
interface Walk {
  /** Groups for each of so many parts of the batch are done in one call. */
  readonly batches: number;
  readonly groups: number;
  readonly planes: number;
  readonly length: number;
  readonly batchStep: number;
  readonly groupStep: number;
  readonly planeStep: number;
  readonly weightGroup: number;
  readonly weightPlane: number;
}

/** Null for a layout of another kind. */
function walkOf({ view, dims, vector }: NormAttributes): Walk | null {
  const [batch, channels] = view as [number, number];
  if (view.length === 3 && vector[1] === channels && vector[0] === 1 && vector[2] === 1) {
    const length = view[2]!;
    const plane = { groups: channels, length, groupStep: length, weightGroup: 1, weightPlane: 0 };
    const whole = channels * length;
    if (dims.length === 2 && dims[0] === 0 && dims[1] === 2)
      return { ...plane, batches: 1, planes: batch, batchStep: 0, planeStep: whole };
    if (dims.length === 1 && dims[0] === 2)
      return { ...plane, batches: batch, planes: 1, batchStep: whole, planeStep: 0 };
    return null;
  }
  if (view.length !== 4 || dims.length !== 2 || dims[0] !== 2 || dims[1] !== 3) return null;
  if (vector[0] !== 1 || vector[1] !== channels || vector[2] !== view[2] || vector[3] !== 1) return null;
  const [, groups, planes, length] = view as [number, number, number, number];
  const group = planes * length;
  return {
    batches: batch,
    groups,
    planes,
    length,
    batchStep: groups * group,
    groupStep: group,
    planeStep: length,
    weightGroup: planes,
    weightPlane: 1,
  };
}

/** Shorter planes are no work for vectors. */
const LEAST_LENGTH = 4;

/** Batch, group and instance normalisation, with their gradients. */
export function planeNormKernels(kernels: RowKernels): Record<string, FusedKernel> {
  const { heap } = kernels.pool;
  const takes = (inputs: Operands, attrs: Attrs): boolean => {
    const operands = Object.values(inputs).filter((x) => x !== undefined);
    const walk = walkOf(normAttributes(attrs));
    return (
      walk !== null &&
      walk.length >= LEAST_LENGTH &&
      uniform(operands, ['float32', 'float64']) &&
      operands.every((x) => isContiguous(x.shape, x.strides))
    );
  };
  const forward = (name: string): FusedKernel =>
    heapKernel(heap, name, takes, ({ y, mean, rstd }, { x, weight, bias }, attrs) => {
      const places = { moving: [x!, y!], perGroup: [mean!, rstd!], vectors: [weight, bias] };
      run(kernels, 'planeNorm', attrs, places, [normAttributes(attrs).eps], 0.7);
    });
  const backward = (name: string): FusedKernel =>
    heapKernel(heap, name, takes, ({ dx, dweight, dbias }, { dy, x, weight, mean, rstd }, attrs) => {
      for (const sums of [dweight!, dbias!]) {
        const byteLength = ELEMENTS[sums.dtype]!.bytes * sums.shape[0]!;
        new Uint8Array(heap.memory.buffer, address(sums), byteLength).fill(0);
      }
      const places = {
        moving: [dy!, x!, dx!],
        perGroup: [mean!, rstd!],
        vectors: [weight, dweight!, dbias!],
      };
      run(kernels, 'planeNormBackward', attrs, places, [], 0.9);
    });
  const all: Record<string, FusedKernel> = {};
  for (const name of ['batchNorm', 'groupNorm', 'instanceNorm']) {
    all[name] = forward(name);
    all[`${name}Backward`] = backward(`${name}Backward`);
  }
  return all;
}

function run(
  kernels: RowKernels,
  name: string,
  attrs: Attrs,
  places: {
    readonly moving: readonly TensorOperand[];
    readonly perGroup: readonly TensorOperand[];
    readonly vectors: readonly (TensorOperand | undefined)[];
  },
  numbers: readonly number[],
  cost: number,
): void {
  const { pool } = kernels;
  const { dtype } = places.moving[0]!;
  const { bytes } = ELEMENTS[dtype]!;
  const code = kernels.code(dtype);
  // `takes` has seen that there is one.
  const walk = walkOf(normAttributes(attrs))!;
  const { batches, groups, planes, length } = walk;
  const [groupStep, weightGroup] = [walk.groupStep * bytes, walk.weightGroup * bytes];
  const sizes = [
    groups,
    length,
    planes,
    walk.planeStep * bytes,
    groupStep,
    walk.weightPlane * bytes,
    weightGroup,
  ];
  const moving = places.moving.map(address);
  const perGroup = places.perGroup.map(address);
  const vectors = places.vectors.map((vector) => (vector === undefined ? 0 : address(vector)));
  const scale = 1 / (planes * length);
  const threads = pool.width(groups * planes * length * cost);
  const per = Math.ceil(groups / (threads * PARTS_PER_THREAD));
  const steps = [
    ...sizes.map(() => 0),
    ...moving.map(() => per * groupStep),
    ...perGroup.map(() => per * bytes),
    ...vectors.map((place) => (place === 0 ? 0 : per * weightGroup)),
  ];
  for (let batch = 0; batch < batches; batch++) {
    const args = [
      ...sizes,
      ...moving.map((place) => place + batch * walk.batchStep * bytes),
      ...perGroup.map((place) => place + batch * groups * bytes),
      ...vectors,
      scale,
      ...numbers,
    ];
    if (threads === 1) code.functions[name]!(...args);
    else
      pool.run({
        code,
        name,
        args,
        steps,
        chunks: Math.ceil(groups / per),
        count: { at: 0, per, total: groups },
      });
  }
}
