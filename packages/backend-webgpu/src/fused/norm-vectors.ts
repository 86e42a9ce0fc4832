import {
  collapse,
  contiguousStrides,
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type NormAttributes,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { shaderRank } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import { packWords } from '../elements/uniforms.ts';
import { sumPartsShader } from '../matmul/sum-parts.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { launchRows, type Operands, type RowOperand, type RowText, rowShader } from './rows.ts';

export const read = (name: string, dtype: DType): RowOperand => ({ name, access: 'read', dtype });
export const written = (name: string): RowOperand => ({ name, access: 'read_write', dtype: 'float32' });

/** Words of a shader over parts, after which `partSource` knows how long the last one is. */
export const PART_WORDS = ['places', 'repeats'] as const;

/** A block in which `count` is that of the part at hand: of `length` elements, the last one of what is left. */
export const partSource = ({ uniforms: { at } }: RowText, body: string): string => `let length = count;
  {
    let count = min(length, ${at('repeats')} - row / ${at('places')} * length);
    ${body}
  }`;

/** The gradients of weight and bias at their places, over a part of what they are repeated for. */
const vectorShader = (dtype: DType, centered: boolean, rank: number, alone: boolean): Shader =>
  rowShader({
    key: `normVectors ${dtype} ${centered}`,
    rank,
    software: alone,
    operands: [
      read('dy', dtype),
      read('x', dtype),
      ...(centered ? [read('mean', 'float32')] : []),
      read('rstd', 'float32'),
      written('dweight'),
      written('dbias'),
    ],
    words: PART_WORDS,
    body(text) {
      const center = centered ? ` - ${text.load('mean')}` : '';
      const xhat = `((${text.load('x')}${center}) * ${text.load('rstd')})`;
      return partSource(
        text,
        `${text.sums({ level: 'd', slope: `d * ${xhat}` }, `let d = ${text.load('dy')};`)}
    ${text.once(`${text.storeAt('dweight', 'dweight_at', 'slope')} ${text.storeAt('dbias', 'dbias_at', 'level')}`)}`,
      );
    },
  });

/** Sums that keep a device busy, and the fewest elements that are worth one. */
const ENOUGH = { software: 2048, hardware: 16_384 } as const;
const SHORTEST = 16;

/** Strides around a part, and the step within it. */
export interface PartPlace {
  readonly strides: readonly number[];
  readonly step: number;
}

/** How the gradients of weight and bias walk: over their places, and in parts over what they are repeated for. */
export interface PartWalk {
  /** The places' dimensions, behind that of the parts. */
  readonly shape: readonly number[];
  readonly places: number;
  readonly parts: number;
  /** Elements of a part, and of all. */
  readonly length: number;
  readonly repeats: number;
  /** Where elements and statistics lie. */
  readonly elements: PartPlace;
  readonly statistics: PartPlace;
  /** Whether an invocation takes a part alone: on GPUs too, where its neighbours read neighbours. */
  readonly alone: boolean;
}

/** Null where what is repeated takes more than two loops. */
export function partWalkOf({ view, dims, vector }: NormAttributes, software: boolean): PartWalk | null {
  const around = view.map((size, dim) => (dims.includes(dim) ? 1 : size));
  const strides = [
    contiguousStrides(view),
    contiguousStrides(around).map((stride, dim) => (around[dim] === 1 ? 0 : stride)),
  ];
  const loopsOver = (wanted: (dim: number) => boolean) => {
    const chosen = view.map((_, dim) => dim).filter(wanted);
    return collapse(
      chosen.map((dim) => view[dim]!),
      strides.map((list) => chosen.map((dim) => list[dim]!)),
    );
  };
  const own = loopsOver((dim) => vector[dim] !== 1);
  const repeated = loopsOver((dim) => vector[dim] === 1);
  if (repeated.shape.length > 2) return null;
  const places = sizeOf(own.shape);
  const repeats = sizeOf(repeated.shape);
  const wanted = Math.ceil(ENOUGH[software ? 'software' : 'hardware'] / places);
  const length =
    repeated.shape.length === 2
      ? repeated.shape[1]!
      : Math.ceil(repeats / Math.max(1, Math.min(wanted, Math.floor(repeats / SHORTEST))));
  const walked = (k: 0 | 1): PartPlace => {
    const [first = 0, second] = repeated.strides[k]!;
    const step = second ?? first;
    return { strides: [second === undefined ? step * length : first, ...own.strides[k]!], step };
  };
  const elements = walked(0);
  return {
    shape: own.shape,
    places,
    parts: Math.ceil(repeats / length),
    length,
    repeats,
    elements,
    statistics: walked(1),
    alone: software || elements.step !== 1,
  };
}

/** Launches for the gradients of weight and bias: one, and where there are parts one to add up each. */
export function vectorGradients(
  queue: Queue,
  centered: boolean,
): (targets: readonly TensorOperand[], operands: Operands, walk: PartWalk) => void {
  const shaders = shaderTable((code) => {
    const rest = Math.floor(code / 2);
    return vectorShader(
      dtypeAt(rest % DTYPE_COUNT),
      centered,
      Math.floor(rest / DTYPE_COUNT),
      code % 2 === 1,
    );
  });
  const sums = sumPartsShader({ dtype: 'float32', rank: 1, biased: false });
  return (targets, { dy, x, mean, rstd }, walk) => {
    const { parts, places } = walk;
    const shape = [parts, ...walk.shape];
    const summed = targets.map((target) =>
      parts === 1 ? target : { ...target, offset: 0, allocation: queue.workspace(parts * places * 4) },
    );
    const code = (shaderRank(shape.length) * DTYPE_COUNT + DTYPES[x!.dtype].index) * 2 + Number(walk.alone);
    const moved = [
      ...[dy!, x!].map((operand) => ({ operand, ...walk.elements })),
      ...[mean, rstd].flatMap((operand) => (operand ? [{ operand, ...walk.statistics }] : [])),
      ...summed.map((operand) => ({ operand, strides: contiguousStrides(shape), step: 0 })),
    ];
    launchRows(queue, shaders(code), shape, walk.length, moved, [places, walk.repeats]);
    if (parts === 1) return;
    for (const [i, target] of targets.entries()) {
      const words = packWords(sums.words, [places, parts, places, places, target.offset, 1]);
      queue.dispatch(sums, [own(summed[i]!), own(target)], words, spread(places));
      queue.release(own(summed[i]!));
    }
  };
}
