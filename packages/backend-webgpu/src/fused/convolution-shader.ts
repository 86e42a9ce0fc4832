import type { DType } from '@flambeau/core/backend';
import { elementOf, loadBits, storeBits, storeType } from '../elements/elements.ts';
import { numbered, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import type { Shader } from '../queue/types.ts';

/** What decides the shader of a convolution. */
export interface ConvolutionForm {
  readonly dtype: DType;
  /** Rows of the output that an invocation computes: 1, 4 or 8. */
  readonly rows: number;
  readonly lanes: number;
  readonly bias: boolean;
  /** Whether positions are divided by strides: in the gradient of the input, where others than 1 leave gaps. */
  readonly divides: boolean;
  /** Whether sums over parts of the channels are written to a workspace of 32-bit floats. */
  readonly partial: boolean;
}

/** Columns that an invocation computes. */
export const COLUMNS = 4;

const three = (name: string): string[] => numbered(name, 3);

/**
 * The words of every convolution. Places on the grid of outputs and steps of the window's loop give positions in `x`:
 * `position = place · grid_step + grid_begin + loop · loop_step`, divided by `divisor` where the form says so.
 */
export const CONVOLUTION_WORDS = [
  'rows',
  'columns',
  'groups',
  'channels',
  'parts',
  'part_length',
  ...three('grid'),
  ...three('loop'),
  ...three('size'),
  ...three('grid_step'),
  ...three('grid_begin'),
  ...three('loop_step'),
  ...three('divisor'),
  'x_offset',
  'x_image',
  'x_group',
  'x_channel',
  ...three('x_stride'),
  'w_offset',
  'w_group',
  'w_row',
  'w_channel',
  ...three('w_stride'),
  'y_offset',
  'y_image',
  'y_group',
  'y_row',
  'y_part',
  ...three('y_stride'),
  'bias_offset',
  'bias_group',
  'bias_row',
] as const;

export const CONVOLUTION_UNIFORMS: Uniforms = uniformsOf(CONVOLUTION_WORDS);

/**
 * A convolution without unfolding: an invocation computes a few rows, the same for its whole workgroup, of four
 * columns, which are places of the grid in all images. The rows' weights are loaded once for the workgroup.
 */
export function convolutionShader(form: ConvolutionForm): Shader {
  const { at, words, declare } = CONVOLUTION_UNIFORMS;
  const { dtype, lanes, bias, partial } = form;
  const { width, decode, encode } = elementOf(dtype);
  const rows = Array.from({ length: form.rows }, (_, r) => r);
  const outputBinding = bias ? 3 : 2;
  return {
    key: `convolution:${Object.values(form).join()}`,
    bindings: bias ? ['read', 'read', 'read', 'read_write'] : ['read', 'read', 'read_write'],
    words,
    workgroupSize: [lanes, 1, 1],
    source: () => `
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> w: array<u32>;
${bias ? '@group(0) @binding(2) var<storage, read> bias: array<u32>;' : ''}
@group(0) @binding(${outputBinding}) var<storage, read_write> y: ${partial ? 'array<f32>' : storeType(width)};
${declare(outputBinding + 1)}
${decode}
${encode}
${loadBits('x', width)}
${loadBits('w', width)}
${bias ? loadBits('bias', width) : ''}
${
  partial
    ? 'fn put(i: u32, value: f32) { y[i] = value; }'
    : `${storeBits('y', width)}
fn put(i: u32, value: f32) { store_y(i, encode(value)); }`
}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let rows = ${at('rows')};
  let columns = ${at('columns')};
  let tile = group.x + group.y * groups.x;
  let across = (columns + ${lanes * COLUMNS - 1}u) / ${lanes * COLUMNS}u;
  let row = tile / across * ${form.rows}u;
  let col = (tile % across * ${lanes}u + lane) * ${COLUMNS}u;
  if (row >= rows || col >= columns) { return; }
  // Columns beyond the last repeat it, and are not stored.
  let column = min(vec4<u32>(col, col + 1u, col + 2u, col + 3u), vec4<u32>(columns - 1u));
  let place2 = column % ${at('grid2')};
  let rest = column / ${at('grid2')};
  let place1 = rest % ${at('grid1')};
  let rest1 = rest / ${at('grid1')};
  let place0 = rest1 % ${at('grid0')};
  let image = rest1 / ${at('grid0')};
${[0, 1, 2].map((d) => `  let begin${d} = vec4<i32>(place${d}) * bitcast<i32>(${at(`grid_step${d}`)}) + bitcast<i32>(${at(`grid_begin${d}`)});`).join('\n')}
  for (var z = group.z; z < ${at('groups')} * ${at('parts')}; z += groups.z) {
    let own = z / ${at('parts')};
    let first = (z % ${at('parts')}) * ${at('part_length')};
    let count = min(${at('part_length')}, ${at('channels')} - first);
    let x_base = ${at('x_offset')} + image * ${at('x_image')} + own * ${at('x_group')} + first * ${at('x_channel')};
    let w_base = ${at('w_offset')} + own * ${at('w_group')} + first * ${at('w_channel')};
    ${rows.map((r) => `let row${r} = min(row + ${r}u, rows - 1u);`).join('\n    ')}
    ${rows.map((r) => `var sum${r} = vec4<f32>(${bias ? `decode(load_bias(${at('bias_offset')} + own * ${at('bias_group')} + row${r} * ${at('bias_row')}))` : ''});`).join('\n    ')}
    for (var l0 = 0u; l0 < ${at('loop0')}; l0++) {
${positionSource(form, 0)}
      for (var l1 = 0u; l1 < ${at('loop1')}; l1++) {
${positionSource(form, 1)}
        let ok01 = ok0 & ok1;
        let x01 = x_base + position0 * ${at('x_stride0')} + position1 * ${at('x_stride1')};
        for (var l2 = 0u; l2 < ${at('loop2')}; l2++) {
${positionSource(form, 2)}
          let inside = ok01 & ok2;
          // What lies outside is read at the start, and counts as 0.
          var from_x = select(vec4<u32>(), x01 + position2 * ${at('x_stride2')}, inside);
          let step_x = select(vec4<u32>(), vec4<u32>(${at('x_channel')}), inside);
          var from_w = w_base + l0 * ${at('w_stride0')} + l1 * ${at('w_stride1')} + l2 * ${at('w_stride2')};
          for (var c = 0u; c < count; c++) {
            let q = select(vec4<f32>(), vec4<f32>(${[0, 1, 2, 3].map((j) => `decode(load_x(from_x[${j}]))`).join(', ')}), inside);
            ${rows.map((r) => `sum${r} = fma(vec4<f32>(decode(load_w(from_w + row${r} * ${at('w_row')}))), q, sum${r});`).join('\n            ')}
            from_x += step_x;
            from_w += ${at('w_channel')};
          }
        }
      }
    }
    var sums = array<vec4<f32>, ${form.rows}>(${rows.map((r) => `sum${r}`).join(', ')});
    let y_at = ${at('y_offset')} + image * ${at('y_image')} + own * ${at('y_group')} + (z % ${at('parts')}) * ${at('y_part')}
      + place0 * ${at('y_stride0')} + place1 * ${at('y_stride1')} + place2 * ${at('y_stride2')};
    for (var r = 0u; r < ${form.rows}u && row + r < rows; r++) {
      for (var j = 0u; j < min(4u, columns - col); j++) { put(y_at[j] + (row + r) * ${at('y_row')}, sums[r][j]); }
    }
  }
}`,
  };
}

/** Lines that give `positionD` and `okD`, whether it lies inside, from `beginD` and the loop's `lD`. */
function positionSource({ divides }: ConvolutionForm, d: number): string {
  const { at } = CONVOLUTION_UNIFORMS;
  const size = `vec4<u32>(${at(`size${d}`)})`;
  const raw = `begin${d} + i32(l${d}) * bitcast<i32>(${at(`loop_step${d}`)})`;
  // A negative position is a large unsigned one.
  if (!divides)
    return `let position${d} = vec4<u32>(${raw});
let ok${d} = position${d} < ${size};`;
  return `let undivided${d} = ${raw};
let position${d} = vec4<u32>(undivided${d}) / ${at(`divisor${d}`)};
let ok${d} = (undivided${d} >= vec4<i32>()) & (position${d} * ${at(`divisor${d}`)} == vec4<u32>(undivided${d})) & (position${d} < ${size});`;
}
