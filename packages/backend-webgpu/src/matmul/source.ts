import { elementOf, loadBits, storeBits, storeType } from '../elements/elements.ts';
import { numbered, operandWords, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import { walkSource } from '../elements/walk.ts';
import type { Shader } from '../queue/types.ts';
import type { Form } from './plan.ts';

export const FOUR = [0, 1, 2, 3] as const;

/** The words of every product's shader; batch dimensions first, then rows and columns, in each operand's strides. */
export const uniformsFor = ({ rank, biased }: Form): Uniforms =>
  uniformsOf([
    'm',
    'k',
    'n',
    'batch_count',
    'parts',
    'part_length',
    ...numbered('size', rank),
    ...operandWords('y', rank + 2),
    ...operandWords('a', rank + 2),
    ...operandWords('b', rank + 2),
    ...(biased ? operandWords('bias', 2) : []),
  ]);

/** `a`, `b`, the output, and the bias where there is one. */
export const bindingsOf = ({ biased }: Form): Shader['bindings'] =>
  biased ? ['read', 'read', 'read_write', 'read'] : ['read', 'read', 'read_write'];

/**
 * What a product's shaders share: buffers, `value_a` and `value_b` of an element, `bias_of` a row and column, `put` for the
 * output.
 */
export function headSource(form: Form, uniforms: Uniforms): string {
  const { dtype, a, b, biased, vectorStore, partial } = form;
  const { value, width, decode, encode } = elementOf(dtype);
  const reader = (name: 'a' | 'b', vector: boolean): string =>
    vector
      ? `fn value_${name}(i: u32) -> f32 { return ${name}[i >> 2u][i & 3u]; }`
      : `${loadBits(name, width)}
fn value_${name}(i: u32) -> ${value} { return decode(load_${name}(i)); }`;
  const declared = (vector: boolean): string => (vector ? 'array<vec4<f32>>' : 'array<u32>');
  const put = partial
    ? `fn put(i: u32, x: ${value}) { y[i] = x; }`
    : `${storeBits('y', width)}
fn put(i: u32, x: ${value}) { store_y(i, encode(x)); }`;
  const output = partial ? `array<${value}>` : storeType(width);
  const biasSource = (
    at: Uniforms['at'],
  ): string => `@group(0) @binding(3) var<storage, read> bias: array<u32>;
${loadBits('bias', width)}
fn bias_of(row: u32, col: u32) -> ${value} {
  return decode(load_bias(${at('bias_offset')} + row * ${at('bias_stride0')} + col * ${at('bias_stride1')}));
}`;
  return `
@group(0) @binding(0) var<storage, read> a: ${declared(a !== 'single')};
@group(0) @binding(1) var<storage, read> b: ${declared(b !== 'single')};
@group(0) @binding(2) var<storage, read_write> y: ${vectorStore ? `array<vec4<${value}>>` : output};
${uniforms.declare(bindingsOf(form).length)}
${decode}
${encode}
${reader('a', a !== 'single')}
${reader('b', b !== 'single')}
${biased ? biasSource(uniforms.at) : ''}
${vectorStore ? '' : put}`;
}

/** Lines that split the number `z` of a matrix and part, and give `y_at`, `a_at`, `b_at`, and `begin` and `end` in `k`. */
function matrixSource({ rank, partial }: Form, uniforms: Uniforms): string {
  const { at } = uniforms;
  if (!partial) {
    return `${walkSource(uniforms, ['y', 'a', 'b'], rank, 'z')}
    let begin = 0u;
    let end = k;`;
  }
  return `    let matrix = z / ${at('parts')};
${walkSource(uniforms, ['a', 'b'], rank, 'matrix')}
    let y_at = z * m * n;
    let begin = (z % ${at('parts')}) * ${at('part_length')};
    let end = min(begin + ${at('part_length')}, k);`;
}

/**
 * `body` for each matrix and part of `k`, whose number is `z`. A launch has a workgroup for each in its third dimension,
 * except for large batches.
 */
export function forMatrices(form: Form, uniforms: Uniforms, body: string): string {
  const { at } = uniforms;
  const head =
    form.rank === 0
      ? 'let z = group.z; {'
      : `for (var z = group.z; z < ${at('batch_count')} * ${at('parts')}; z += groups.z) {`;
  return `  ${head}
${matrixSource(form, uniforms)}
${body}
  }`;
}

/** Names of an invocation's sums: for each row one for each four columns, or one for a single column. */
export const sumNames = (rows: number, columns: number): readonly (readonly string[])[] =>
  Array.from({ length: rows }, (_, r) =>
    Array.from({ length: Math.ceil(columns / 4) }, (_, g) => `sum${r}_${g}`),
  );

/** Lines that declare the sums. */
export const startSource = (sums: readonly (readonly string[])[], type: string): string =>
  sums.map((ofRow) => `    ${ofRow.map((sum) => `var ${sum} = ${type}();`).join(' ')}`).join('\n');

/**
 * Lines that write the sums, with the bias, within the edges, from `row` and `col` on: in one loop, as shaders with many
 * stores, or with a loop within a loop, compile slowly.
 */
export function storeSource(
  { biased, vectorStore, partial, rank, columns }: Form,
  { at }: Uniforms,
  sums: readonly (readonly string[])[],
  type: string,
): string {
  const rowStep = partial ? 'n' : at(`y_stride${rank}`);
  const colStep = partial ? '1u' : at(`y_stride${rank + 1}`);
  const all = sums.flat();
  const across = vectorStore ? columns / 4 : columns;
  const sum = vectorStore || columns === 1 ? 'sums[e]' : 'sums[e >> 2u][e & 3u]';
  const biases = FOUR.map((c) => `bias_of(y_row, y_col + ${c}u)`).join(', ');
  const bias = vectorStore ? `${type}(${biases})` : 'bias_of(y_row, y_col)';
  const total = biased ? `${sum} + ${bias}` : sum;
  return `    var sums = array<${type}, ${all.length}>(${all.join(', ')});
    for (var e = 0u; e < ${sums.length * across}u; e++) {
      let y_row = row + e / ${across}u;
      let y_col = col + e % ${across}u${vectorStore ? ' * 4u' : ''};
      if (y_row < m && y_col < n) {
        let place = y_at + y_row * ${rowStep} + y_col * ${colStep};
        ${vectorStore ? `y[place >> 2u] = ${total};` : `put(place, ${total});`}
      }
    }`;
}
