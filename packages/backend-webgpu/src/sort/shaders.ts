import type { DType } from '@flambeau/core/backend';
import { elementOf, loadBits, storeBits, storeType } from '../elements/elements.ts';
import { numbered, operandWords, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import { walkSource } from '../elements/walk.ts';
import type { Shader } from '../queue/types.ts';
import { GROUP, linearMain } from '../wgsl/launch.ts';
import { keySource } from './keys.ts';

/** How many elements one invocation sorts by insertion, where barriers are slow. */
export const RUN = 16;
/** How many elements one workgroup sorts in its own memory, and by how many invocations. */
export const TILE = 1024;
const TILE_GROUP = 256;

const RUNS_UNIFORMS = (rank: number): Uniforms =>
  uniformsOf(['rows', 'length', 'runs', 'flip', ...numbered('size', rank - 1), ...operandWords('x', rank)]);

const DECLARE_RUNS = (dtype: DType, uniforms: Uniforms): string => `
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> places: array<u32>;
${uniforms.declare(3)}
${loadBits('x', elementOf(dtype).width)}
${keySource(dtype)}`;

/** Sorts runs of RUN elements, one an invocation, by insertion. */
export function insertionShader(dtype: DType, rank: number): Shader {
  const uniforms = RUNS_UNIFORMS(rank);
  const length = uniforms.at('length');
  return {
    key: `sort-insertion:${dtype}:${rank}`,
    bindings: ['read', 'read_write', 'read_write'],
    words: uniforms.words,
    workgroupSize: [GROUP, 1, 1],
    source: () => `${DECLARE_RUNS(dtype, uniforms)}
${linearMain()}
  if (i >= ${uniforms.at('rows')} * ${uniforms.at('runs')}) { return; }
  let row = i / ${uniforms.at('runs')};
  let start = (i % ${uniforms.at('runs')}) * ${RUN}u;
  let count = min(${RUN}u, ${length} - start);
${walkSource(uniforms, ['x'], rank - 1, 'row')}
  var sorted: array<u32, ${RUN}>;
  var origin: array<u32, ${RUN}>;
  for (var j = 0u; j < count; j++) {
    let own = key(load_x(x_at + (start + j) * ${uniforms.at(`x_stride${rank - 1}`)})) ^ ${uniforms.at('flip')};
    var to = j;
    while (to > 0u && sorted[to - 1u] > own) {
      sorted[to] = sorted[to - 1u];
      origin[to] = origin[to - 1u];
      to--;
    }
    sorted[to] = own;
    origin[to] = start + j;
  }
  let base = row * ${length} + start;
  for (var j = 0u; j < count; j++) {
    keys[base + j] = sorted[j];
    places[base + j] = origin[j];
  }
}`,
  };
}

/** Sorts runs of TILE elements, one a workgroup, by a bitonic network in the workgroup's memory. */
export function bitonicShader(dtype: DType, rank: number): Shader {
  const uniforms = RUNS_UNIFORMS(rank);
  const length = uniforms.at('length');
  return {
    key: `sort-bitonic:${dtype}:${rank}`,
    bindings: ['read', 'read_write', 'read_write'],
    words: uniforms.words,
    workgroupSize: [TILE_GROUP, 1, 1],
    source: () => `${DECLARE_RUNS(dtype, uniforms)}
var<workgroup> tile_keys: array<u32, ${TILE}>;
var<workgroup> tile_places: array<u32, ${TILE}>;
@compute @workgroup_size(${TILE_GROUP})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = group.x + group.y * groups.x;
  if (i >= ${uniforms.at('rows')} * ${uniforms.at('runs')}) { return; }
  let row = i / ${uniforms.at('runs')};
  let start = (i % ${uniforms.at('runs')}) * ${TILE}u;
  let count = min(${TILE}u, ${length} - start);
${walkSource(uniforms, ['x'], rank - 1, 'row')}
  for (var j = local; j < ${TILE}u; j += ${TILE_GROUP}u) {
    // What fills the tile up stands behind everything, by its place even behind equal keys.
    var own = 0xffffffffu;
    var place = 0xffffffffu;
    if (j < count) {
      own = key(load_x(x_at + (start + j) * ${uniforms.at(`x_stride${rank - 1}`)})) ^ ${uniforms.at('flip')};
      place = start + j;
    }
    tile_keys[j] = own;
    tile_places[j] = place;
  }
  for (var size = 2u; size <= ${TILE}u; size = size << 1u) {
    for (var step = size >> 1u; step > 0u; step = step >> 1u) {
      workgroupBarrier();
      for (var pair = local; pair < ${TILE / 2}u; pair += ${TILE_GROUP}u) {
        let low = (pair / step) * step * 2u + (pair % step);
        let high = low + step;
        let rising = (low & size) == 0u;
        let low_key = tile_keys[low];
        let high_key = tile_keys[high];
        let low_place = tile_places[low];
        let high_place = tile_places[high];
        let turned = low_key > high_key || (low_key == high_key && low_place > high_place);
        if (turned == rising) {
          tile_keys[low] = high_key;
          tile_keys[high] = low_key;
          tile_places[low] = high_place;
          tile_places[high] = low_place;
        }
      }
    }
  }
  workgroupBarrier();
  let base = row * ${length} + start;
  for (var j = local; j < count; j += ${TILE_GROUP}u) {
    keys[base + j] = tile_keys[j];
    places[base + j] = tile_places[j];
  }
}`,
  };
}

const MERGE_UNIFORMS = uniformsOf(['count', 'length', 'width']);

/**
 * Joins runs of `width` elements in pairs. Each element finds its own place: its rank in its run, and by bisection how
 * many of the other run stand before it; of equal ones, those of the first run.
 */
export const MERGE: Shader = {
  key: 'sort-merge',
  bindings: ['read', 'read', 'read_write', 'read_write'],
  words: MERGE_UNIFORMS.words,
  workgroupSize: [GROUP, 1, 1],
  source: () => `
@group(0) @binding(0) var<storage, read> keys: array<u32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> new_keys: array<u32>;
@group(0) @binding(3) var<storage, read_write> new_places: array<u32>;
${MERGE_UNIFORMS.declare(4)}
${linearMain()}
  if (i >= ${MERGE_UNIFORMS.at('count')}) { return; }
  let length = ${MERGE_UNIFORMS.at('length')};
  let width = ${MERGE_UNIFORMS.at('width')};
  let row = i / length * length;
  let place = i - row;
  let begin = place / width / 2u * width * 2u;
  let middle = min(begin + width, length);
  let end = min(middle + width, length);
  let own = keys[i];
  let first = place < middle;
  var low = select(begin, middle, first);
  var high = select(middle, end, first);
  let other = low;
  while (low < high) {
    let half = (low + high) >> 1u;
    let theirs = keys[row + half];
    if (theirs < own || (theirs == own && !first)) { low = half + 1u; } else { high = half; }
  }
  let rank = place - select(middle, begin, first);
  let to = row + begin + rank + (low - other);
  new_keys[to] = own;
  new_places[to] = places[i];
}`,
};

/** What `takeShader` is told. */
const takeUniforms = (rank: number): Uniforms =>
  uniformsOf([
    'count',
    ...numbered('size', rank),
    ...operandWords('y', rank),
    ...operandWords('index', rank),
    ...operandWords('x', rank),
  ]);

/** Writes the elements and their places in order. */
export function takeShader(dtype: DType, rank: number): Shader {
  const uniforms = takeUniforms(rank);
  const { width } = elementOf(dtype);
  const last = rank - 1;
  const lead = Array.from({ length: last }, (_, dim) => ` + c${dim} * ${uniforms.at(`x_stride${dim}`)}`);
  return {
    key: `sort-take${width}:${rank}`,
    bindings: ['read', 'read', 'read_write', 'read_write'],
    words: uniforms.words,
    workgroupSize: [GROUP, 1, 1],
    source: () => `
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: ${storeType(width)};
@group(0) @binding(3) var<storage, read_write> index: array<u32>;
${uniforms.declare(4)}
${loadBits('x', width)}
${storeBits('y', width)}
${linearMain()}
  if (i >= ${uniforms.at('count')}) { return; }
${walkSource(uniforms, ['y', 'index'], rank)}
  let place = places[i];
  store_y(y_at, load_x(${uniforms.at('x_offset')}${lead.join('')} + place * ${uniforms.at(`x_stride${last}`)}));
  index[index_at] = place;
}`,
  };
}
