import { type AttentionForm, maskDType } from './attention-form.ts';
import {
  type AttentionText,
  attentionShader,
  type MatrixOperand,
  type NamedShader,
} from './attention-text.ts';

const read = ({ dtype }: AttentionForm, name: string, width: number): MatrixOperand => ({
  name,
  access: 'read',
  dtype,
  width,
});

const written = ({ dtype }: AttentionForm, name: string, width: number): MatrixOperand => ({
  name,
  access: 'read_write',
  dtype,
  width,
});

const LEVELS: MatrixOperand = { name: 'levels', access: 'read', dtype: 'float32', width: 0 };

/** Queries, keys, values where they are read, and the mask. */
function inputsOf(form: AttentionForm, values: boolean): readonly MatrixOperand[] {
  const { features, valueFeatures } = form;
  const mask = maskDType(form.mask, form.dtype);
  return [
    read(form, 'query', features),
    read(form, 'key', features),
    ...(values ? [read(form, 'value', valueFeatures)] : []),
    ...(mask === null ? [] : [{ name: 'mask', access: 'read', dtype: mask, width: 0 } as const]),
  ];
}

const scaleOf = ({ uniforms }: AttentionText): string => `bitcast<f32>(${uniforms.at('scale')})`;

/** The largest finite number, negative: where there is none yet that scores are relative to. */
const LOWEST = '-3.4028234663852886e38f';
/** What scores may exceed that number by before sums are scaled anew. */
const SLACK = '8f';

/** What is seen of values, and the log-sum-exp of each query's scores, in one pass. */
export function forwardShader(form: AttentionForm): NamedShader {
  const { valueFeatures } = form;
  return attentionShader({
    key: 'attention',
    form,
    held: 'queries',
    streamed: ['key', 'value'],
    operands: [
      ...inputsOf(form, true),
      written(form, 'y', valueFeatures),
      { name: 'logsumexp', access: 'read_write', dtype: 'float32', width: 0 },
    ],
    before: (text) => `${text.hold('query', scaleOf(text))}
    ${text.sums('sum', valueFeatures)}
    var top = ${LOWEST};
    var total = 0f;`,
    each: (text) => `${text.product('score', 'query', 'key')}
    ${text.masked('score')}
    if (score > top + ${SLACK}) {
      let shrunk = ${text.library.call('float_exp', 'top - score')};
      top = score;
      total *= shrunk;
      ${text.scaleSums('sum', valueFeatures, 'shrunk')}
    }
    let weight = ${text.library.call('float_exp', 'score - top')};
    total += weight;
    ${text.accumulate('sum', 'weight', 'value')}`,
    // A query that may see nothing gives zeros.
    after: (text) => `let part = select(1f / total, 0f, total == 0f);
    ${text.store('y', 'sum', 'part')}
    if (row < ${text.heldSize}) {
      let level = top + ${text.library.call('float_log', 'total')};
      logsumexp[${text.rowAt('logsumexp', 'row')}] = select(bitcast<u32>(level), 0xff800000u, total == 0f);
    }`,
  });
}

/** The gradient of queries: the weights are computed again. */
export function queryShader(form: AttentionForm): NamedShader {
  const { features, valueFeatures } = form;
  return attentionShader({
    key: 'attentionBackward query',
    form,
    held: 'queries',
    streamed: ['key', 'value'],
    operands: [
      ...inputsOf(form, true),
      read(form, 'dy', valueFeatures),
      LEVELS,
      written(form, 'dquery', features),
    ],
    before: (text) => `${text.hold('query', scaleOf(text))}
    ${text.hold('dy')}
    let level = ${text.element('levels', text.rowAt('levels', 'held'))};
    let own = ${text.element('levels', `${text.rowAt('levels', 'held')} + 1u`)};
    ${text.sums('sum', features)}`,
    each: (text) => `${text.product('score', 'query', 'key')}
    ${text.masked('score')}
    let weight = ${text.library.call('float_exp', 'score - level')};
    ${text.product('slope', 'dy', 'value')}
    ${text.accumulate('sum', 'weight * (slope - own)', 'key')}`,
    after: (text) => text.store('dquery', 'sum', scaleOf(text)),
  });
}

/** The gradients of keys and values, or of one of them. */
export function keyValueShader(
  form: AttentionForm,
  { dkey, dvalue }: { readonly dkey: boolean; readonly dvalue: boolean },
): NamedShader {
  const { features, valueFeatures } = form;
  const forKey = (text: () => string): string => (dkey ? text() : '');
  const forValue = (text: () => string): string => (dvalue ? text() : '');
  return attentionShader({
    key: `attentionBackward${forKey(() => ' key')}${forValue(() => ' value')}`,
    form,
    held: 'keys',
    streamed: ['query', 'dy'],
    operands: [
      ...inputsOf(form, dkey),
      read(form, 'dy', valueFeatures),
      LEVELS,
      ...(dkey ? [written(form, 'dkey', features)] : []),
      ...(dvalue ? [written(form, 'dvalue', valueFeatures)] : []),
    ],
    before: (text) => `${text.hold('key', scaleOf(text))}
    ${forKey(() => `${text.hold('value')}\n    ${text.sums('key_sum', features)}`)}
    ${forValue(() => text.sums('value_sum', valueFeatures))}`,
    each: (text) => `${text.product('score', 'key', 'query')}
    ${text.masked('score')}
    let levels_row = ${text.rowAt('levels', 'j')};
    let weight = ${text.library.call('float_exp', `score - ${text.element('levels', 'levels_row')}`)};
    ${forValue(() => text.accumulate('value_sum', 'weight', 'dy'))}
    ${forKey(
      () => `${text.product('slope', 'value', 'dy')}
    slope = weight * (slope - ${text.element('levels', 'levels_row + 1u')});
    ${text.accumulate('key_sum', 'slope', 'query')}`,
    )}`,
    after: (text) => `${forKey(() => text.store('dkey', 'key_sum', scaleOf(text)))}
    ${forValue(() => text.store('dvalue', 'value_sum', '1f'))}`,
  });
}
