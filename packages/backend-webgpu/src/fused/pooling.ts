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

type Attrs = Readonly<Record<string, unknown>>;
// Core's declarations give lists of as many numbers as there are spatial dimensions.
const listOf = (attrs: Attrs, name: (typeof WINDOW_LISTS)[number]): readonly number[] =>
  attrs[name] as readonly number[];

/** One more than the largest side of windows whose elements shaders name, and how many of them they name at most. */
const SIDES = 4;
const MOST_TAPS = 9;

/** The side of windows that are small and as long in every dimension, otherwise 0. */
function sideOf(attrs: Attrs): number {
  const kernel = listOf(attrs, 'kernel');
  const side = kernel[0]!;
  return side < SIDES && sizeOf(kernel) <= MOST_TAPS && kernel.every((k) => k === side) ? side : 0;
}

/** Whether no element lies in two windows. */
function areApart(attrs: Attrs): boolean {
  const [kernel, dilation] = [listOf(attrs, 'kernel'), listOf(attrs, 'dilation')];
  return listOf(attrs, 'stride').every((stride, d) => stride > (kernel[d]! - 1) * dilation[d]!);
}

/** Spatial dimensions that shaders are made for. */
const MOST_RANK = 3;

function kernelOf(queue: Queue, kind: PoolForm['kind']): FusedKernel {
  const { inputs: inputNames, outputs: outputNames, takes } = KINDS[kind];
  const gradient = kind.endsWith('Backward');
  const shaders = shaderTable((code) => {
    const rest = Math.floor(code / (2 * SIDES));
    return poolShader({
      kind,
      dtype: dtypeAt(rest % DTYPE_COUNT),
      rank: Math.floor(rest / DTYPE_COUNT),
      side: Math.floor(code / 2) % SIDES,
      apart: code % 2 === 1,
    });
  });
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
      const side = gradient ? 0 : sideOf(attrs);
      const apart = gradient && areApart(attrs);
      const rest = (shape.length - 2) * DTYPE_COUNT + DTYPES[dtype].index;
      const shader = shaders((rest * SIDES + side) * 2 + Number(apart));
      const width = shape.at(-1)!;
      const run = runOf(sizeOf(shape), width, queue.software);
      const grid = [...shape.slice(0, -1), Math.ceil(width / run)];
      const count = sizeOf(grid);
      const words = packWords(shader.words, [
        ...[count, run, width, Number(attrs.include ?? false), Number(attrs.divisor ?? 0)],
        ...grid,
        ...WINDOW_LISTS.flatMap((list) => listOf(attrs, list)),
        ...operands.flatMap(({ offset, strides }) => [offset, ...strides]),
      ]);
      queue.dispatch(shader, operands.map(own), words, spread(count));
    },
  };
}

/** Pools of maxima and means, and their gradients, each in one launch. */
export const poolingKernels = (queue: Queue): OptionalKernels =>
  Object.fromEntries((Object.keys(KINDS) as PoolForm['kind'][]).map((kind) => [kind, kernelOf(queue, kind)]));
