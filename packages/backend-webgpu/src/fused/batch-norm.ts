import {
  collapse,
  contiguousStrides,
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type FusedKernel,
  isContiguous,
  type NormAttributes,
  normAttributes,
  type OptionalKernels,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { shaderRank } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { floatBits } from '../wgsl/literal.ts';
import {
  codeOf,
  formOf,
  inputShader,
  joinShader,
  outputShader,
  statisticsShader,
} from './batch-norm-shaders.ts';
import { type PartPlace, type PartWalk, partWalkOf, vectorGradients } from './norm-vectors.ts';
import { areAlike, launchRows, type Operands, type RowPlace } from './rows.ts';

/**
 * Batch normalisation of `[batch, channels, length]`, whose statistics are those of channels. They are taken in parts:
 * each has a mean and a sum of squares around it, and another launch joins them (Chan, Golub and LeVeque, 1979).
 */

/** How launches go over elements: in runs, one for each invocation. */
interface Runs {
  readonly shape: readonly number[];
  readonly count: number;
  /** Strides around a run and the step in it: of elements, and of what there is for each channel. */
  readonly elements: PartPlace;
  readonly channels: PartPlace;
}

/** Runs that keep a software adapter busy. */
const ENOUGH = 1024;

/**
 * On GPUs a run is an element, so that neighbours touch neighbours. On software adapters, where a position is dear, it is
 * as long as leaves runs enough.
 */
function runsOf({ view }: NormAttributes, software: boolean): Runs {
  const [, channels, length] = view as [number, number, number];
  const loops = collapse(view, [
    [channels * length, length, 1],
    [0, 1, 0],
  ]);
  const [elements, perChannel] = loops.strides as [readonly number[], readonly number[]];
  const last = loops.shape.length - 1;
  const width = loops.shape[last]!;
  let pieces = software ? Math.min(width, Math.ceil((ENOUGH * width) / sizeOf(view))) : width;
  while (width % pieces !== 0) pieces++;
  const count = width / pieces;
  const place = (strides: readonly number[]): PartPlace => ({
    strides: [...strides.slice(0, last), strides[last]! * count],
    step: strides[last]!,
  });
  return {
    shape: [...loops.shape.slice(0, last), pieces],
    count,
    elements: place(elements),
    channels: place(perChannel),
  };
}

/** Whether operands lie in order, are of one dtype, and have elements. */
function takes(inputs: Operands): boolean {
  const { mean: _mean, rstd: _rstd, ...elements } = inputs;
  return (
    areAlike(elements) &&
    Object.values(inputs).every((x) => x === undefined || isContiguous(x.shape, x.strides))
  );
}

/** Batch normalisation in three launches, and its gradient in three or four. */
export function batchNormKernels(queue: Queue): OptionalKernels {
  const { software } = queue;
  const statistics = shaderTable((code) => {
    const rest = Math.floor(code / 2);
    return statisticsShader(dtypeAt(rest % DTYPE_COUNT), Math.floor(rest / DTYPE_COUNT), code % 2 === 1);
  });
  const join = joinShader(software);
  const outputs = shaderTable((code) => outputShader(formOf(code)));
  const inputs = shaderTable((code) => inputShader(formOf(code)));
  const runVectors = vectorGradients(queue, true);

  const takeStatistics = (
    x: TensorOperand,
    mean: TensorOperand,
    rstd: TensorOperand,
    walk: PartWalk,
    eps: number,
  ) => {
    const { parts, places, length, repeats } = walk;
    const shape = [parts, ...walk.shape];
    const code = (shaderRank(shape.length) * DTYPE_COUNT + DTYPES[x.dtype].index) * 2 + Number(walk.alone);
    const strides = contiguousStrides(shape);
    const workspace = (): TensorOperand => ({
      ...mean,
      offset: 0,
      allocation: queue.workspace(parts * places * 4),
    });
    const [middle, square] = [workspace(), workspace()];
    const made = [middle, square].map((operand) => ({ operand, strides, step: 0 }));
    launchRows(
      queue,
      statistics(code),
      shape,
      length,
      [{ operand: x, ...walk.elements }, ...made],
      [places, repeats],
    );
    const joinedPlaces = [
      ...[middle, square].map((operand) => ({ operand, strides: [1], step: places })),
      ...[mean, rstd].map((operand) => ({ operand, strides: [1], step: 0 })),
    ];
    launchRows(queue, join, [places], parts, joinedPlaces, [length, repeats, floatBits(eps)]);
    for (const operand of [middle, square]) queue.release(own(operand));
  };

  /** Launches a shader over elements of these places. */
  const launchElements = (
    shaders: (code: number) => Shader,
    layout: NormAttributes,
    { dtype, weight, bias }: { readonly dtype: DType; readonly weight: boolean; readonly bias: boolean },
    places: (runs: Runs) => readonly RowPlace[],
    words: readonly number[],
  ) => {
    const runs = runsOf(layout, software);
    const across = runs.count > 1 && runs.channels.step !== 0;
    const shader = shaders(codeOf({ dtype, rank: shaderRank(runs.shape.length), across, weight, bias }));
    launchRows(queue, shader, runs.shape, runs.count, places(runs), words);
  };

  const forward: FusedKernel = {
    when: takes,
    run({ y, mean, rstd }, { x, weight, bias }, attrs) {
      const layout = normAttributes(attrs);
      // Batch and length are two loops at most.
      takeStatistics(x!, mean!, rstd!, partWalkOf(layout, software)!, layout.eps);
      const form = { dtype: x!.dtype, weight: weight !== undefined, bias: bias !== undefined };
      const places = ({ elements, channels }: Runs): RowPlace[] => [
        { operand: x!, ...elements },
        ...[weight, bias, mean!, rstd!].flatMap((operand) => (operand ? [{ operand, ...channels }] : [])),
        { operand: y!, ...elements },
      ];
      launchElements(outputs, layout, form, places, []);
    },
  };
  const backward: FusedKernel = {
    when: takes,
    run({ dx, dweight, dbias }, operands, attrs) {
      const layout = normAttributes(attrs);
      const { dy, x, weight, mean, rstd } = operands;
      const walk = partWalkOf(layout, software)!;
      runVectors([dweight!, dbias!], operands, walk);
      const form = { dtype: x!.dtype, weight: weight !== undefined, bias: false };
      const places = ({ elements, channels }: Runs): RowPlace[] => [
        ...[dy!, x!].map((operand) => ({ operand, ...elements })),
        ...[weight, mean!, rstd!, dweight!, dbias!].flatMap((operand) =>
          operand ? [{ operand, ...channels }] : [],
        ),
        { operand: dx!, ...elements },
      ];
      launchElements(inputs, layout, form, places, [walk.repeats]);
    },
  };
  return { batchNorm: forward, batchNormBackward: backward };
}
