import {
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type FusedKernel,
  isFloating,
  type OptionalKernels,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import { packWords } from '../elements/uniforms.ts';
import type { Queue } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { type PoolForm, poolShader, WINDOW_LISTS } from './pooling-shader.ts';

/** Invocations that keep a software adapter busy; beyond them, each takes more elements, which saves divisions. */
const ENOUGH = 1024;

/** How many elements an invocation takes along a dimension of `width`. */
const runOf = (count: number, width: number, software: boolean): number =>
  software ? Math.min(width, Math.ceil(count / ENOUGH)) : 1;

/** What a kind of pool takes, and what of it are inputs and outputs, in the order of the shader's bindings. */
interface Kind {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  takes(dtype: DType): boolean;
}

const KINDS: Readonly<Record<PoolForm['kind'], Kind>> = {
  maxPool: { inputs: ['x'], outputs: ['values', 'indices'], takes: (dtype) => dtype !== 'bool' },
  avgPool: { inputs: ['x'], outputs: ['y'], takes: isFloating },
  maxPoolBackward: { inputs: ['dy', 'indices'], outputs: ['dx'], takes: isFloating },
  avgPoolBackward: { inputs: ['dy'], outputs: ['dx'], takes: isFloating },
};

/** Spatial dimensions that shaders are made for. */
const MOST_RANK = 3;

function kernelOf(queue: Queue, kind: PoolForm['kind']): FusedKernel {
  const { inputs: inputNames, outputs: outputNames, takes } = KINDS[kind];
  const shaders = shaderTable((code) =>
    poolShader({ kind, dtype: dtypeAt(code % DTYPE_COUNT), rank: Math.floor(code / DTYPE_COUNT) }),
  );
  return {
    when(inputs) {
      const { shape, dtype } = inputs[inputNames[0]!]!;
      return takes(dtype) && sizeOf(shape) > 0 && shape.length <= MOST_RANK + 2;
    },
    run(outputs, inputs, attrs) {
      const operands = [
        ...inputNames.map((name) => inputs[name]!),
        ...outputNames.map((name) => outputs[name]!),
      ] as TensorOperand[];
      const { shape, dtype } = outputs[outputNames[0]!]!;
      const shader = shaders((shape.length - 2) * DTYPE_COUNT + DTYPES[dtype].index);
      const width = shape.at(-1)!;
      const run = runOf(sizeOf(shape), width, queue.software);
      const grid = [...shape.slice(0, -1), Math.ceil(width / run)];
      const count = sizeOf(grid);
      const words = packWords(shader.words, [
        ...[count, run, width, Number(attrs.include ?? false), Number(attrs.divisor ?? 0)],
        ...grid,
        // Core's declarations give lists of as many numbers as there are spatial dimensions.
        ...WINDOW_LISTS.flatMap((list) => attrs[list] as readonly number[]),
        ...operands.flatMap(({ offset, strides }) => [offset, ...strides]),
      ]);
      queue.dispatch(shader, operands.map(own), words, spread(count));
    },
  };
}

/** Pools of maxima and means, and their gradients, each in one launch. */
export const poolingKernels = (queue: Queue): OptionalKernels =>
  Object.fromEntries((Object.keys(KINDS) as PoolForm['kind'][]).map((kind) => [kind, kernelOf(queue, kind)]));
