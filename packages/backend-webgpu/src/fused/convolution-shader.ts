import { elementOf, loadBits, storeBits, storeType } from '../elements/elements.ts';
import { numbered, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import type { Shader } from '../queue/types.ts';
import type { ConvolutionForm } from './convolution-form.ts';

const three = (name: string): string[] => numbered(name, 3);

/** The words of every convolution, as `Problem` says what they mean; `runs` counts places of an image by so many side by side. */
export const CONVOLUTION_WORDS = [
  'rows',
  'runs',
  'images',
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
  ...['x_offset', 'x_image', 'x_group', 'x_channel', ...three('x_stride')],
  ...['w_offset', 'w_row', 'w_group', 'w_channel', ...three('w_stride')],
  ...['y_offset', 'y_image', 'y_group', 'y_row', 'y_part', ...three('y_stride')],
  ...['bias_offset', 'bias_group', 'bias_row'],
] as const;

export const CONVOLUTION_UNIFORMS: Uniforms = uniformsOf(CONVOLUTION_WORDS);

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * A convolution without unfolding: an invocation computes a few rows, the same for its whole workgroup, of a few places
 * side by side, and takes a few taps at a time. The rows' weights are loaded once for the workgroup.
 */
export function convolutionShader(form: ConvolutionForm): Shader {
  const { at, words, declare } = CONVOLUTION_UNIFORMS;
  const { dtype, lanes, bias, partial } = form;
  const { width, decode, encode } = elementOf(dtype);
  const rows = count(form.rows);
  const columns = count(form.columns);
  const sums = rows.flatMap((r) => columns.map((c) => [r, c] as const));
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
  let tile = group.x + group.y * groups.x;
  ${form.lanesOver === 'images' ? imageLanes(form) : placeLanes(form)}
  let across = (${at('grid2')} + ${form.columns - 1}u) / ${form.columns}u;
  let place2 = run % across * ${form.columns}u;
  let rest1 = run / across;
  let place1 = rest1 % ${at('grid1')};
  let rest0 = rest1 / ${at('grid1')};
  let place0 = rest0 % ${at('grid0')};
  ${form.lanesOver === 'images' ? '' : `let image = rest0 / ${at('grid0')};`}
  ${[0, 1, 2].map((d) => `let begin${d} = place${d} * ${at(`grid_step${d}`)} + ${at(`grid_begin${d}`)};`).join('\n  ')}
  for (var z = group.z; z < ${at('groups')} * ${at('parts')}; z += groups.z) {
    let own = z / ${at('parts')};
    let first = (z % ${at('parts')}) * ${at('part_length')};
    let count = min(${at('part_length')}, ${at('channels')} - first);
    let x_base = ${at('x_offset')} + image * ${at('x_image')} + own * ${at('x_group')} + first * ${at('x_channel')};
    let w_base = ${at('w_offset')} + own * ${at('w_group')} + first * ${at('w_channel')};
    ${rows.map((r) => `let row${r} = min(row + ${r}u, rows - 1u);`).join('\n    ')}
    ${rows.map((r) => `let w_row${r} = row${r} * ${at('w_row')};`).join('\n    ')}
    ${sums.map(([r, c]) => `var sum${r}_${c} = ${bias ? `decode(load_bias(${at('bias_offset')} + own * ${at('bias_group')} + row${r} * ${at('bias_row')}))` : '0f'};`).join('\n    ')}
    // A negative position is a large unsigned one.
    for (var l0 = 0u; l0 < ${at('loop0')}; l0++) {
      let position0 = begin0 + l0 * ${at('loop_step0')};
      let inside0 = position0 < ${at('size0')};
      for (var l1 = 0u; l1 < ${at('loop1')}; l1++) {
        let position1 = begin1 + l1 * ${at('loop_step1')};
        let inside1 = inside0 && position1 < ${at('size1')};
        ${form.lanesOver === 'images' ? 'if (!inside1) { continue; }' : ''}
        let x_line = x_base + position0 * ${at('x_stride0')} + position1 * ${at('x_stride1')};
        for (var l2 = 0u; l2 < ${at('loop2')}; l2 += ${form.taps}u) {
          ${tapsSource(form)}
        }
      }
    }
    let y_at = ${at('y_offset')} + image * ${at('y_image')} + own * ${at('y_group')} + (z % ${at('parts')}) * ${at('y_part')}
      + place0 * ${at('y_stride0')} + place1 * ${at('y_stride1')} + place2 * ${at('y_stride2')};
    var sums = array<f32, ${sums.length}>(${sums.map(([r, c]) => `sum${r}_${c}`).join(', ')});
    for (var e = 0u; e < ${sums.length}u; e++) {
      let r = row + e / ${form.columns}u;
      let c = e % ${form.columns}u;
      if (r < rows && place2 + c < ${at('grid2')}) {
        put(y_at + r * ${at('y_row')} + c * ${at('y_stride2')}, sums[e]);
      }
    }
  }
}`,
  };
}

/** Defines `row` and `run`, an invocation's places of all images in runs of `columns`. */
const placeLanes = ({ lanes, rows }: ConvolutionForm): string => {
  const { at } = CONVOLUTION_UNIFORMS;
  return `let runs = ${at('runs')} * ${at('images')};
  let tiles = (runs + ${lanes - 1}u) / ${lanes}u;
  let row = tile / tiles * ${rows}u;
  let run = tile % tiles * ${lanes}u + lane;
  if (row >= rows || run >= runs) { return; }`;
};

/** Defines `row`, `run` and `image`: the run is the same for the whole workgroup, which skips taps outside together. */
const imageLanes = ({ lanes, rows }: ConvolutionForm): string => {
  const { at } = CONVOLUTION_UNIFORMS;
  return `let across_images = (${at('images')} + ${lanes - 1}u) / ${lanes}u;
  let tiles = across_images * ${at('runs')};
  let row = tile / tiles * ${rows}u;
  let run = tile % tiles / across_images;
  let image = tile % across_images * ${lanes}u + lane;
  if (row >= rows || image >= ${at('images')}) { return; }`;
};

/** Statements that add the taps from `l2` on, over all channels. */
function tapsSource({ rows, columns, taps, turned }: ConvolutionForm): string {
  const { at } = CONVOLUTION_UNIFORMS;
  const positions = count(columns + taps - 1);
  const lowest = turned ? `(l2 + ${taps - 1}u)` : 'l2';
  const positionOf = (c: number, t: number): number => (turned ? c - t + taps - 1 : c + t);
  // What lies outside is read at the start, and counts as 0.
  const places = positions.map(
    (p) => `let position2_${p} = begin2 + ${lowest} * ${at('loop_step2')} + ${p}u * ${at('grid_step2')};
          let inside${2 + p} = inside1 && position2_${p} < ${at('size2')};
          var from${p} = select(0u, x_line + position2_${p} * ${at('x_stride2')}, inside${2 + p});
          let step${p} = select(0u, ${at('x_channel')}, inside${2 + p});`,
  );
  const loads = positions.map(
    (p) => `let x${p} = select(0f, decode(load_x(from${p})), inside${2 + p}); from${p} += step${p};`,
  );
  const adds = count(taps).flatMap((t) =>
    count(rows).flatMap((r) => [
      `let w${r}_${t} = decode(load_w(from_w + w_row${r} + ${t}u * ${at('w_stride2')}));`,
      ...count(columns).map((c) => `sum${r}_${c} = fma(w${r}_${t}, x${positionOf(c, t)}, sum${r}_${c});`),
    ]),
  );
  return `${places.join('\n          ')}
          var from_w = w_base + l0 * ${at('w_stride0')} + l1 * ${at('w_stride1')} + l2 * ${at('w_stride2')};
          for (var c = 0u; c < count; c++) {
            ${[...loads, ...adds].join('\n            ')}
            from_w += ${at('w_channel')};
          }`;
}
