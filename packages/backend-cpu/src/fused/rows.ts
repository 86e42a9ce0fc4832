import {
  type DType,
  type FusedKernel,
  isContiguous,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { Code } from '../threads/code.ts';
import { PARTS_PER_THREAD, type ThreadPool } from '../threads/pool.ts';
import { ModuleBuilder } from '../wasm/assembler/index.ts';
import { ELEMENTS } from '../wasm/matmul/lane.ts';
import { addNormGradients, addNorms } from '../wasm/rows/norm.ts';
import { addPlaneNorms } from '../wasm/rows/planes.ts';
import { addSoftmax } from '../wasm/rows/softmax.ts';
import { addSlices } from '../wasm/slices.ts';
import { type Attrs, address, heapKernel, type Operands, uniform, withWorkspace } from './operands.ts';

/** A call of a kernel over rows: addresses that move with the rows, statistics, and what is the same for all. */
interface RowCall {
  readonly moving: readonly TensorOperand[];
  readonly perRow?: readonly TensorOperand[];
  readonly fixed?: readonly (TensorOperand | undefined)[];
  readonly numbers?: readonly number[];
}

/** Runs kernels over rows, shared among threads where there is enough to do. */
export class RowKernels {
  readonly pool: ThreadPool;
  private readonly relaxed: boolean;
  private readonly codes = new Map<DType, Code>();

  constructor(pool: ThreadPool, relaxed: boolean) {
    this.pool = pool;
    this.relaxed = relaxed;
  }

  /** @param cost nanoseconds for an element, about. */
  run(name: string, rows: number, length: number, call: RowCall, cost: number): void {
    const [first] = call.moving;
    const code = this.code(first!.dtype);
    const { bytes } = ELEMENTS[first!.dtype]!;
    const places = (operands: readonly (TensorOperand | undefined)[] = []): number[] =>
      operands.map((operand) => (operand === undefined ? 0 : address(operand)));
    const moving = places(call.moving);
    const perRow = places(call.perRow);
    const args = [rows, length, ...moving, ...perRow, ...places(call.fixed), ...(call.numbers ?? [])];
    const threads = this.pool.width(rows * length * cost);
    if (threads === 1) {
      code.functions[name]!(...args);
      return;
    }
    const per = Math.ceil(rows / (threads * PARTS_PER_THREAD));
    this.pool.run({
      code,
      name,
      args,
      steps: [0, 0, ...moving.map(() => per * length * bytes), ...perRow.map(() => per * bytes)],
      chunks: Math.ceil(rows / per),
      count: { at: 0, per, total: rows },
    });
  }

  /** Sums over rows into `targets`, each of `length` elements: in slices of rows, and then over the slices. */
  sumRows(
    name: string,
    rows: number,
    length: number,
    {
      moving,
      perRow,
    }: { readonly moving: readonly TensorOperand[]; readonly perRow: readonly TensorOperand[] },
    targets: readonly TensorOperand[],
    cost: number,
  ): void {
    const { heap } = this.pool;
    const code = this.code(moving[0]!.dtype);
    const { bytes } = ELEMENTS[moving[0]!.dtype]!;
    const vector = length * bytes;
    const slice = vector * targets.length;
    const slices = Math.ceil(rows / SLICE_ROWS);
    withWorkspace(heap, name, slices * slice, (sums) => {
      new Uint8Array(heap.memory.buffer, sums, slices * slice).fill(0);
      const places = [...moving, ...perRow].map(address);
      const args = [SLICE_ROWS, length, ...places, ...targets.map((_, i) => sums + i * vector)];
      const steps = [
        0,
        0,
        ...moving.map(() => SLICE_ROWS * vector),
        ...perRow.map(() => SLICE_ROWS * bytes),
        ...targets.map(() => slice),
      ];
      // One chunk more than a call may have is a matter of a hundred thousand rows.
      const most = 512;
      this.pool.width(rows * length * cost);
      for (let first = 0; first < slices; first += most) {
        this.pool.run({
          code,
          name,
          args: args.map((value, i) => value + first * (steps[i] ?? 0)),
          steps,
          chunks: Math.min(most, slices - first),
          count: { at: 0, per: SLICE_ROWS, total: rows - first * SLICE_ROWS },
        });
      }
      for (const [i, target] of targets.entries())
        code.functions.addSlices!(address(target), sums + i * vector, length, slices, slice);
    });
  }

  /** The kernels for a dtype. */
  code(dtype: DType): Code {
    let code = this.codes.get(dtype);
    if (code === undefined) {
      const { lane } = ELEMENTS[dtype]!;
      const module = new ModuleBuilder({ shared: this.pool.heap.shared });
      addSoftmax(module, lane, this.relaxed);
      addNorms(module, lane, this.relaxed);
      addNormGradients(module, 'layerNorm', lane, this.relaxed, true);
      addNormGradients(module, 'rmsNorm', lane, this.relaxed, false);
      addPlaneNorms(module, lane, this.relaxed);
      addSlices(module, lane);
      code = new Code(this.pool.heap, module.toBytes());
      this.codes.set(dtype, code);
    }
    return code;
  }
}

const FLOATS = ['float32', 'float64'];

/** Rows that are summed one after the other. */
const SLICE_ROWS = 128;

/** Whether `dim` is the innermost of a contiguous tensor; those of size 1 behind it do not matter. */
const isLast = ({ shape }: TensorOperand, dim: number): boolean => sizeOf(shape.slice(dim + 1)) === 1;

/** Softmax and log-softmax along the last dimension, with their gradients. */
export function softmaxKernels(kernels: RowKernels): Record<string, FusedKernel> {
  const { heap } = kernels.pool;
  const takes = (inputs: Operands, { dim }: Attrs): boolean => {
    const operands = Object.values(inputs);
    const [first] = operands;
    return (
      uniform(operands, FLOATS) &&
      first!.shape.length > 0 &&
      isLast(first!, dim as number) &&
      operands.every((x) => isContiguous(x!.shape, x!.strides))
    );
  };
  const length = (x: TensorOperand, { dim }: Attrs): number => x.shape[dim as number]!;
  const forward = (name: string): FusedKernel =>
    heapKernel(heap, name, takes, ({ y }, { x }, attrs) => {
      const n = length(x!, attrs);
      kernels.run(name, sizeOf(x!.shape) / n, n, { moving: [x!, y!] }, 0.9);
    });
  const backward = (name: string): FusedKernel =>
    heapKernel(heap, name, takes, ({ dx }, { dy, y }, attrs) => {
      const n = length(y!, attrs);
      kernels.run(name, sizeOf(y!.shape) / n, n, { moving: [dy!, y!, dx!] }, 0.5);
    });
  return {
    softmax: forward('softmax'),
    logSoftmax: forward('logSoftmax'),
    softmaxBackward: backward('softmaxBackward'),
    logSoftmaxBackward: backward('logSoftmaxBackward'),
  };
}

/** Layer and root-mean-square normalisation over trailing dimensions, with their gradients. */
export function normKernels(kernels: RowKernels): Record<string, FusedKernel> {
  const { heap } = kernels.pool;
  const takes = (inputs: Operands): boolean => {
    const operands = Object.values(inputs).filter((x) => x !== undefined);
    return uniform(operands, FLOATS) && operands.every((x) => isContiguous(x.shape, x.strides));
  };
  const sizes = ({ shape }: TensorOperand, { dims }: Attrs): [rows: number, length: number] => {
    const length = (dims as readonly number[]).reduce((n, dim) => n * shape[dim]!, 1);
    return [sizeOf(shape) / length, length];
  };
  return {
    layerNorm: heapKernel(
      heap,
      'layerNorm',
      // A bias without a weight is not a case of layers.
      (inputs) => takes(inputs) && (inputs.weight !== undefined || inputs.bias === undefined),
      ({ y, mean, rstd }, { x, weight, bias }, attrs) => {
        const [rows, length] = sizes(x!, attrs);
        const numbers = [1 / length, attrs.eps as number];
        kernels.run(
          'layerNorm',
          rows,
          length,
          { moving: [x!, y!], perRow: [mean!, rstd!], fixed: [weight, bias], numbers },
          0.4,
        );
      },
    ),
    rmsNorm: heapKernel(heap, 'rmsNorm', takes, ({ y, rstd }, { x, weight }, attrs) => {
      const [rows, length] = sizes(x!, attrs);
      const numbers = [1 / length, attrs.eps as number];
      kernels.run(
        'rmsNorm',
        rows,
        length,
        { moving: [x!, y!], perRow: [rstd!], fixed: [weight], numbers },
        0.3,
      );
    }),
    layerNormBackward: heapKernel(
      heap,
      'layerNormBackward',
      takes,
      ({ dx, dweight, dbias }, { dy, x, weight, mean, rstd }, attrs) => {
        const [rows, length] = sizes(x!, attrs);
        const perRow = [mean!, rstd!];
        const call = { moving: [dy!, x!, dx!], perRow, fixed: [weight], numbers: [1 / length] };
        kernels.run('layerNormBackward', rows, length, call, 0.5);
        kernels.sumRows(
          'layerNormVectors',
          rows,
          length,
          { moving: [dy!, x!], perRow },
          [dweight!, dbias!],
          0.3,
        );
      },
    ),
    rmsNormBackward: heapKernel(
      heap,
      'rmsNormBackward',
      takes,
      ({ dx, dweight, dbias }, { dy, x, weight, rstd }, attrs) => {
        const [rows, length] = sizes(x!, attrs);
        const perRow = [rstd!];
        const call = { moving: [dy!, x!, dx!], perRow, fixed: [weight], numbers: [1 / length] };
        kernels.run('rmsNormBackward', rows, length, call, 0.5);
        kernels.sumRows(
          'rmsNormVectors',
          rows,
          length,
          { moving: [dy!, x!], perRow },
          [dweight!, dbias!],
          0.3,
        );
      },
    ),
  };
}
