import { DTYPE_COUNT, DTYPES, type DType } from '@flambeau/core/backend';
import { dtypeAt } from '../elements/shaders.ts';
import type { Shader } from '../queue/types.ts';
import { PART_WORDS, partSource, read, written } from './norm-vectors.ts';
import { type RowText, rowShader } from './rows.ts';

/** The mean of a part of each channel, and the sum of squares around it. */
export const statisticsShader = (dtype: DType, rank: number, alone: boolean): Shader =>
  rowShader({
    key: `batchStatistics ${dtype}`,
    rank,
    software: alone,
    operands: [read('x', dtype), written('middle'), written('square')],
    words: PART_WORDS,
    body: (text) =>
      partSource(
        text,
        `${text.sum('total', text.load('x'))}
    let own = total / f32(count);
    ${text.sum('squares', `(${text.load('x')} - own) * (${text.load('x')} - own)`)}
    ${text.once(`${text.storeAt('middle', 'middle_at', 'own')} ${text.storeAt('square', 'square_at', 'squares')}`)}`,
      ),
  });

/** Means and rstds of channels from those of their parts. */
export const joinShader = (software: boolean): Shader =>
  rowShader({
    key: 'batchStatistics joined',
    rank: 1,
    software,
    operands: [read('middle', 'float32'), read('square', 'float32'), written('mean'), written('rstd')],
    words: ['length', 'repeats', 'eps'],
    body(text) {
      const { at } = text.uniforms;
      const share = `let share = f32(min(${at('length')}, ${at('repeats')} - i * ${at('length')}));`;
      return `let all = f32(${at('repeats')});
  ${text.sums({ total: `share * ${text.load('middle')}` }, share)}
  let center = total / all;
  ${text.sums(
    { squares: `${text.load('square')} + share * away * away` },
    `${share}
      let away = ${text.load('middle')} - center;`,
  )}
  let scale = 1f / sqrt(squares / all + bitcast<f32>(${at('eps')}));
  ${text.once(`${text.storeAt('mean', 'mean_at', 'center')} ${text.storeAt('rstd', 'rstd_at', 'scale')}`)}`;
    },
  });

/** What decides the shader for elements. */
export interface ElementForm {
  readonly dtype: DType;
  readonly rank: number;
  /** Whether a run goes over channels, otherwise it lies in one. */
  readonly across: boolean;
  readonly weight: boolean;
  readonly bias: boolean;
}

/** Statements for the elements of a run, by what is loaded of their channel and the value made of them. */
function elementsOf(
  text: RowText,
  { across }: ElementForm,
  channel: Readonly<Record<string, string>>,
  target: string,
  value: string,
): string {
  const lines = Object.entries(channel).map(([name, source]) => `let ${name} = ${source};`);
  const store = text.store(target, value);
  return across
    ? text.each(`${lines.join('\n    ')}\n    ${store}`)
    : `${lines.join('\n  ')}\n  ${text.each(store)}`;
}

/** `(x - mean) · rstd · weight + bias`, without what is absent. */
export const outputShader = (form: ElementForm): Shader =>
  rowShader({
    key: `batchNorm ${form.dtype} ${form.across} ${form.weight} ${form.bias}`,
    rank: form.rank,
    software: true,
    operands: [
      read('x', form.dtype),
      ...(form.weight ? [read('weight', form.dtype)] : []),
      ...(form.bias ? [read('bias', form.dtype)] : []),
      read('mean', 'float32'),
      read('rstd', 'float32'),
      { name: 'y', access: 'read_write', dtype: form.dtype },
    ],
    body(text) {
      const { across, weight, bias } = form;
      const load = (name: string): string => (across ? text.load(name) : text.loadAt(name, `${name}_at`));
      const channel = {
        center: load('mean'),
        scale: load('rstd'),
        ...(weight ? { factor: load('weight') } : {}),
        ...(bias ? { shift: load('bias') } : {}),
      };
      const value = `(${text.load('x')} - center) * scale${weight ? ' * factor' : ''}${bias ? ' + shift' : ''}`;
      return elementsOf(text, form, channel, 'y', value);
    },
  });

/** `scale · (dy - mean dy - xhat · mean(dy · xhat))`; the sums are the gradients of bias and weight. */
export const inputShader = (form: ElementForm): Shader =>
  rowShader({
    key: `batchNormBackward ${form.dtype} ${form.across} ${form.weight}`,
    rank: form.rank,
    software: true,
    operands: [
      read('dy', form.dtype),
      read('x', form.dtype),
      ...(form.weight ? [read('weight', form.dtype)] : []),
      ...['mean', 'rstd', 'dweight', 'dbias'].map((name) => read(name, 'float32')),
      written('dx'),
    ],
    words: ['repeats'],
    body(text) {
      const { across, weight } = form;
      const load = (name: string): string => (across ? text.load(name) : text.loadAt(name, `${name}_at`));
      const channel = {
        center: load('mean'),
        scale: load('rstd'),
        share: `1f / f32(${text.uniforms.at('repeats')})`,
        level: `${load('dbias')} * share`,
        slope: `${load('dweight')} * share * scale`,
        factor: weight ? `scale * ${load('weight')}` : 'scale',
      };
      const value = `factor * (${text.load('dy')} - level - (${text.load('x')} - center) * slope)`;
      return elementsOf(text, form, channel, 'dx', value);
    },
  });

/** A form as a number, and back. */
export const codeOf = ({ dtype, rank, across, weight, bias }: ElementForm): number =>
  (rank * DTYPE_COUNT + DTYPES[dtype].index) * 8 + Number(across) * 4 + Number(weight) * 2 + Number(bias);

export const formOf = (code: number): ElementForm => {
  const rest = Math.floor(code / 8);
  return {
    dtype: dtypeAt(rest % DTYPE_COUNT),
    rank: Math.floor(rest / DTYPE_COUNT),
    across: (code & 4) !== 0,
    weight: (code & 2) !== 0,
    bias: (code & 1) !== 0,
  };
};
