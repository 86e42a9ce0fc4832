import { elementOf, loadBits, storeBits, storeType } from '../elements/elements.ts';
import { numbered, operandWords, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import { walkSource } from '../elements/walk.ts';
import type { Shader } from '../queue/types.ts';
import type { Form } from './plan.ts';

export const FOUR = [0, 1, 2, 3] as const;

/** The words of every product's shader; batch dimensions first, then rows and columns, in each operand's strides. */
export const uniformsFor = ({ rank, bias }: Form): Uniforms =>
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
    ...(bias === 'none' ? [] : operandWords('bias', 1)),
  ]);

/** `a`, `b`, the output, and the bias where there is one. */
export const bindingsOf = ({ bias }: Form): Shader['bindings'] =>
  bias === 'none' ? ['read', 'read', 'read_write'] : ['read', 'read', 'read_write', 'read'];

/**
 * What a product's shaders share: buffers, `value_a` and `value_b` of an element, `bias_of` a row or column, `put` for the
 * output.
 */
export function headSource(form: Form, uniforms: Uniforms): string {
  const { dtype, a, b, bias, vectorStore, partial } = form;
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
  const biasSource = `@group(0) @binding(3) var<storage, read> bias: array<u32>;
${loadBits('bias', width)}
fn bias_of(i: u32) -> ${value} {
  return decode(load_bias(${bias === 'none' ? '' : `${uniforms.at('bias_offset')} + i * ${uniforms.at('bias_stride0')}`}));
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
${bias === 'none' ? '' : biasSource}
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

/** Lines that declare the sums with what they begin with. */
export function startSource(
  { bias, columns }: Form,
  sums: readonly (readonly string[])[],
  type: string,
): string {
  const lines: string[] = [];
  if (bias === 'columns') {
    for (const [g] of sums[0]!.entries()) {
      const own = FOUR.slice(0, columns).map((c) => `bias_of(min(col + ${g * 4 + c}u, n - 1u))`);
      lines.push(`let start${g} = ${type}(${own.join(', ')});`);
    }
  } else if (bias === 'rows') {
    for (const [r] of sums.entries())
      lines.push(`let start${r} = ${type}(bias_of(min(row + ${r}u, m - 1u)));`);
  }
  const start = (r: number, g: number): string =>
    bias === 'none' ? `${type}()` : `start${bias === 'rows' ? r : g}`;
  for (const [r, ofRow] of sums.entries())
    lines.push(ofRow.map((sum, g) => `var ${sum} = ${start(r, g)};`).join(' '));
  return lines.map((line) => `    ${line}`).join('\n');
}

/** Lines that write the sums, within the edges, from `row` and `col` on: one by one, as shaders with many stores compile slowly. */
export function storeSource(
  { vectorStore, partial, rank, columns }: Form,
  { at }: Uniforms,
  sums: readonly (readonly string[])[],
  type: string,
): string {
  const rowStep = partial ? 'n' : at(`y_stride${rank}`);
  const colStep = partial ? '1u' : at(`y_stride${rank + 1}`);
  const all = sums.flat();
  const across = all.length / sums.length;
  const write = vectorStore
    ? 'y[place >> 2u] = sums[e];'
    : columns === 1
      ? 'put(place, sums[e]);'
      : `for (var c = 0u; c < min(4u, n - y_col); c++) { put(place + c * ${colStep}, sums[e][c]); }`;
  return `    var sums = array<${type}, ${all.length}>(${all.join(', ')});
    for (var e = 0u; e < ${all.length}u; e++) {
      let y_row = row + e / ${across}u;
      let y_col = col + e % ${across}u * 4u;
      if (y_row < m && y_col < n) {
        let place = y_at + y_row * ${rowStep} + y_col * ${colStep};
        ${write}
      }
    }`;
}
