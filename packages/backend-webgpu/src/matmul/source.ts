import { elementOf, loadBits, storeBits, storeType } from '../elements/elements.ts';
import { numbered, operandWords, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import { walkSource } from '../elements/walk.ts';
import type { Form } from './plan.ts';

/** The words of every product's shader; batch dimensions first, then rows and columns, in each operand's strides. */
export const uniformsFor = (rank: number): Uniforms =>
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
  ]);

/** What a product's shaders share: buffers, `value_a` and `value_b` of an element, `put` for the output. */
export function headSource({ dtype, a, b, vectorStore, partial }: Form, uniforms: Uniforms): string {
  const element = elementOf(dtype);
  const { value, width, decode, encode } = element;
  const reader = (name: 'a' | 'b', vector: boolean): string =>
    vector
      ? `fn value_${name}(i: u32) -> f32 { return ${name}[i >> 2u][i & 3u]; }`
      : `${loadBits(name, width)}
fn value_${name}(i: u32) -> ${value} { return decode(load_${name}(i)); }`;
  const declared = (vector: boolean): string => (vector ? 'array<vec4<f32>>' : 'array<u32>');
  const store = partial
    ? `fn put(i: u32, x: ${value}) { y[i] = x; }`
    : `${storeBits('y', width)}
fn put(i: u32, x: ${value}) { store_y(i, encode(x)); }`;
  const output = partial ? `array<${value}>` : storeType(width);
  return `
@group(0) @binding(0) var<storage, read> a: ${declared(a !== 'single')};
@group(0) @binding(1) var<storage, read> b: ${declared(b !== 'single')};
@group(0) @binding(2) var<storage, read_write> y: ${vectorStore ? `array<vec4<${value}>>` : output};
${uniforms.declare(3)}
${decode}
${encode}
${reader('a', a !== 'single')}
${reader('b', b !== 'single')}
${vectorStore ? '' : store}`;
}

/** Lines that split the number `z` of a matrix and part, and give `y_at`, `a_at`, `b_at`, and `begin` and `end` in `k`. */
export function matrixSource({ rank, partial }: Form, uniforms: Uniforms): string {
  const { at } = uniforms;
  return `
    let matrix = z / ${at('parts')};
${walkSource(uniforms, partial ? ['a', 'b'] : ['y', 'a', 'b'], rank, 'matrix')}
${partial ? `    let y_at = z * m * n;` : ''}
    let begin = (z % ${at('parts')}) * ${at('part_length')};
    let end = min(begin + ${at('part_length')}, k);`;
}

/**
 * Lines that write `sums`, one for each row from `row` on, within the edges: scalars for the column `col`, or vec4s for
 * four columns from there on.
 */
export function storeSource(
  { vectorStore, partial, rank }: Form,
  { at }: Uniforms,
  sums: readonly string[],
  type: string,
  columns: number,
): string {
  const rowStep = partial ? 'n' : at(`y_stride${rank}`);
  const colStep = partial ? '1u' : at(`y_stride${rank + 1}`);
  const place = `y_at + (row + r) * ${rowStep}`;
  const write = ((): string => {
    if (columns === 1) return `put(${place} + col * ${colStep}, sums[r]);`;
    if (vectorStore) return `y[(${place} + col) >> 2u] = sums[r];`;
    return `for (var c = 0u; c < min(4u, n - col); c++) { put(${place} + (col + c) * ${colStep}, sums[r][c]); }`;
  })();
  return `    var sums = array<${type}, ${sums.length}>(${sums.join(', ')});
    for (var r = 0u; r < ${sums.length}u && row + r < m; r++) {
      ${write}
    }`;
}
