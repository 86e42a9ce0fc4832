import {
  contiguousStrides,
  DTYPE_COUNT,
  DTYPES,
  type DType,
  type FusedKernel,
  type NormAttributes,
  normAttributes,
  type OptionalKernels,
  sizeOf,
  type TensorOperand,
  vectorStrides,
} from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { shaderRank } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import { numbered, packWords } from '../elements/uniforms.ts';
import { sumPartsShader } from '../matmul/sum-parts.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { alongSource, INNER_RANKS, joined, takesRows } from './norm-rows.ts';
import { launchRows, type RowOperand, type RowPlace, type RowText, rowShader } from './rows.ts';

const read = (name: string, dtype: DType): RowOperand => ({ name, access: 'read', dtype });
const written = (name: string): RowOperand => ({ name, access: 'read_write', dtype: 'float32' });

/** Defines `scale` and, with a mean, `center`: the statistics of the row. */
const statistics = (text: RowText, centered: boolean): string =>
  `let scale = ${text.loadAt('rstd', 'rstd_at')};
  let center = ${centered ? text.loadAt('mean', 'mean_at') : '0f'};`;

interface InputForm {
  readonly dtype: DType;
  readonly centered: boolean;
  readonly weight: boolean;
  readonly rank: number;
  readonly innerRank: number;
}

/** The gradient of a row of the input: `scale · (g - mean g - xhat · mean(g · xhat))`, `g` being `dy · weight`. */
function inputShader({ dtype, centered, weight, rank, innerRank }: InputForm, software: boolean): Shader {
  return rowShader({
    key: `normBackward ${dtype} ${centered} ${weight} ${innerRank}`,
    rank,
    software,
    operands: [
      read('dy', dtype),
      read('x', dtype),
      ...(weight ? [read('weight', dtype)] : []),
      ...(centered ? [read('mean', 'float32')] : []),
      read('rstd', 'float32'),
      written('dx'),
    ],
    words: [...numbered('inner', innerRank), ...numbered('inner_stride', innerRank)],
    body(text) {
      const factor = weight ? ` * ${text.loadAt('weight', 'weight_at + along')}` : '';
      const element = `${weight ? alongSource(text.uniforms, innerRank) : ''}
    let g = ${text.load('dy')}${factor};
    let xhat = (${text.load('x')} - center) * scale;`;
      return `${statistics(text, centered)}
  ${text.sums({ ...(centered ? { level: 'g' } : {}), slope: 'g * xhat' }, element)}
  let part = 1f / f32(count);
  ${text.each(`${element}
    ${text.store('dx', `scale * (g${centered ? ' - level * part' : ''} - xhat * (slope * part))`)}`)}`;
    },
  });
}

/**
 * The gradients of weight and bias at their places, over a part of what they are repeated for. An invocation takes one
 * alone on GPUs too: its neighbours read neighbours.
 */
const vectorShader = (dtype: DType, centered: boolean, rank: number): Shader =>
  rowShader({
    key: `normVectors ${dtype} ${centered}`,
    rank,
    software: true,
    operands: [
      read('dy', dtype),
      read('x', dtype),
      ...(centered ? [read('mean', 'float32')] : []),
      read('rstd', 'float32'),
      written('dweight'),
      written('dbias'),
    ],
    words: ['places', 'repeats'],
    body(text) {
      const { at } = text.uniforms;
      const center = centered ? ` - ${text.load('mean')}` : '';
      return `let length = count;
  {
    let count = min(length, ${at('repeats')} - row / ${at('places')} * length);
    ${text.sums(
      { level: 'd', slope: `d * ((${text.load('x')}${center}) * ${text.load('rstd')})` },
      `let d = ${text.load('dy')};`,
    )}
    ${text.once(`${text.storeAt('dweight', 'dweight_at', 'slope')} ${text.storeAt('dbias', 'dbias_at', 'level')}`)}
  }`;
    },
  });

/** Sums that keep a device busy, and the fewest elements that are worth one. */
const ENOUGH = { software: 2048, hardware: 16_384 } as const;
const SHORTEST = 16;

/** How the gradients of weight and bias walk: over their places, and in parts over what they are repeated for. */
interface Walk {
  /** The places' dimensions, behind that of the parts. */
  readonly shape: readonly number[];
  readonly places: number;
  readonly parts: number;
  /** Elements of a part, and of all. */
  readonly length: number;
  readonly repeats: number;
  /** Of elements and of statistics: strides in `shape`, and the step within a part. */
  readonly elements: { readonly strides: readonly number[]; readonly step: number };
  readonly statistics: { readonly strides: readonly number[]; readonly step: number };
}

/** Null where what is repeated takes more than two loops. */
function walkOf({ view, dims, vector }: NormAttributes, software: boolean): Walk | null {
  const around = view.map((size, dim) => (dims.includes(dim) ? 1 : size));
  const strides = [
    contiguousStrides(view),
    contiguousStrides(around).map((stride, dim) => (around[dim] === 1 ? 0 : stride)),
  ];
  const loopsOver = (wanted: (dim: number) => boolean) => {
    const chosen = view.map((_, dim) => dim).filter(wanted);
    return joined(
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
  const walked = (k: 0 | 1) => {
    const [first = 0, second] = repeated.strides[k]!;
    const step = second ?? first;
    return { strides: [second === undefined ? step * length : first, ...own.strides[k]!], step };
  };
  return {
    shape: own.shape,
    places,
    parts: Math.ceil(repeats / length),
    length,
    repeats,
    elements: walked(0),
    statistics: walked(1),
  };
}

type Operands = Readonly<Record<string, TensorOperand | undefined>>;

/** The gradients of normalisations over rows: a launch for the input's, and one or two for those of weight and bias. */
function gradientKernel(queue: Queue, centered: boolean): FusedKernel {
  const { software } = queue;
  const inputShaders = shaderTable((code) => {
    const rest = Math.floor(code / 2);
    const ranks = Math.floor(rest / DTYPE_COUNT);
    const [rank, innerRank] = [Math.floor(ranks / INNER_RANKS), ranks % INNER_RANKS];
    const dtype = dtypeAt(rest % DTYPE_COUNT);
    return inputShader({ dtype, centered, weight: code % 2 === 1, rank, innerRank }, software);
  });
  const vectorShaders = shaderTable((code) =>
    vectorShader(dtypeAt(code % DTYPE_COUNT), centered, Math.floor(code / DTYPE_COUNT)),
  );
  const sums = sumPartsShader({ dtype: 'float32', rank: 1, biased: false });

  const runInput = (dx: TensorOperand, { dy, x, weight, mean, rstd }: Operands, layout: NormAttributes) => {
    const outer = layout.view.length - layout.dims.length;
    const around = layout.view.slice(0, outer);
    const count = sizeOf(layout.view.slice(outer));
    const met = vectorStrides(layout);
    const inner = joined(layout.view.slice(outer), [met.slice(outer)]);
    const ranks = shaderRank(outer) * INNER_RANKS + inner.shape.length;
    const code = (ranks * DTYPE_COUNT + DTYPES[x!.dtype].index) * 2 + Number(weight !== undefined);
    const rows = contiguousStrides(around);
    const whole = (operand: TensorOperand): RowPlace => ({
      operand,
      strides: rows.map((stride) => stride * count),
      step: 1,
    });
    const places = [
      whole(dy!),
      whole(x!),
      ...(weight ? [{ operand: weight, strides: met.slice(0, outer), step: 0 }] : []),
      ...[mean, rstd].flatMap((operand) => (operand ? [{ operand, strides: rows, step: 0 }] : [])),
      whole(dx),
    ];
    const words = [...inner.shape, ...inner.strides[0]!];
    launchRows(queue, inputShaders(code), around, count, places, words);
  };

  const runVectors = (targets: readonly TensorOperand[], { dy, x, mean, rstd }: Operands, walk: Walk) => {
    const { parts, places } = walk;
    const shape = [parts, ...walk.shape];
    const summed = targets.map((target) =>
      parts === 1 ? target : { ...target, offset: 0, allocation: queue.workspace(parts * places * 4) },
    );
    const code = shaderRank(shape.length) * DTYPE_COUNT + DTYPES[x!.dtype].index;
    const moved = [
      ...[dy!, x!].map((operand) => ({ operand, ...walk.elements })),
      ...[mean, rstd].flatMap((operand) => (operand ? [{ operand, ...walk.statistics }] : [])),
      ...summed.map((operand) => ({ operand, strides: contiguousStrides(shape), step: 0 })),
    ];
    launchRows(queue, vectorShaders(code), shape, walk.length, moved, [places, walk.repeats]);
    if (parts === 1) return;
    for (const [i, target] of targets.entries()) {
      const words = packWords(sums.words, [places, parts, places, places, target.offset, 1]);
      queue.dispatch(sums, [own(summed[i]!), own(target)], words, spread(places));
      queue.release(own(summed[i]!));
    }
  };

  return {
    when: (inputs, attrs) =>
      takesRows(inputs, attrs, software) && walkOf(normAttributes(attrs), software) !== null,
    run({ dx, dweight, dbias }, inputs, attrs) {
      const layout = normAttributes(attrs);
      runInput(dx!, inputs, layout);
      // `when` has seen that there is one.
      runVectors([dweight!, dbias!], inputs, walkOf(layout, software)!);
    },
  };
}

export function normGradientKernels(queue: Queue): OptionalKernels {
  const centered = gradientKernel(queue, true);
  return {
    layerNormBackward: centered,
    groupNormBackward: centered,
    instanceNormBackward: centered,
    rmsNormBackward: gradientKernel(queue, false),
  };
}
