import { type DType, isFloating, type Operand, type RequiredKernels } from '@flambeau/core/backend';
import { own } from './bound-buffers.ts';
import type { GpuAllocation } from './memory/allocation.ts';
import type { Queue, Shader } from './queue/types.ts';
import { planReduction } from './reduce/plan.ts';
import { GROUP, linearMain, spread, UniformWords, uniformAt } from './wgsl/launch.ts';
import { Library } from './wgsl/library.ts';
import { loadSource } from './wgsl/memory.ts';
import { coordinateLines, strideSum } from './wgsl/walk.ts';

interface Form {
  readonly mode: 'max' | 'min';
  readonly dtype: DType;
  readonly rank: number;
  /** It looks at all elements; later launches look at the places that the parts before have chosen. */
  readonly first: boolean;
  readonly last: boolean;
}

interface ArgShader extends Shader {
  readonly sizes: number;
  readonly input: number;
  readonly output: number;
}

const WORDS = { count: 0, parts: 1, length: 2 } as const;

/** An invocation looks at every `parts`th element of a row, or at the places chosen before, and keeps the best. */
function argShader(form: Form): ArgShader {
  const { mode, dtype, rank, first, last } = form;
  const words = new UniformWords();
  words.take(4);
  const sizes = words.take(rank);
  const input = words.take(1 + rank);
  const output = words.take(rank);
  const bindings: Shader['bindings'] = first ? ['read', 'read_write'] : ['read', 'read_write', 'read'];
  return {
    key: `argReduce ${mode} ${dtype} ${rank}${first ? 'F' : ''}${last ? 'L' : ''}`,
    bindings,
    words: words.words,
    workgroupSize: [GROUP, 1, 1],
    sizes,
    input,
    output,
    source: () => {
      const library = new Library();
      const type = isFloating(dtype) ? 'f32' : 'i32';
      const row = rank - 1;
      const load = (place: string): string => {
        const value = loadSource(
          'x',
          'word',
          dtype,
          `base + ${place} * ${uniformAt(input + 1 + row)}`,
          library,
        );
        return dtype === 'bool' ? `select(0, 1, ${value})` : value;
      };
      const place = first ? 'r' : 'u32(chosen[row * length + r])';
      const main = `${linearMain()}
  if (i >= ${uniformAt(WORDS.count)}) { return; }
  let parts = ${uniformAt(WORDS.parts)};
  let length = ${uniformAt(WORDS.length)};
  let row = i / parts;
  let part = i % parts;
  ${coordinateLines('row', 'c', 0, row, sizes).join('\n  ')}
  let base = ${uniformAt(input)} + ${strideSum('c', 0, row, input + 1)};
  var r = part;
  var best_place = ${place};
  var best = ${load('best_place')};
  for (r += parts; r < length; r += parts) {
    let place = ${place};
    let value = ${load('place')};
    if (beats(value, best) || (place < best_place && !beats(best, value))) { best = value; best_place = place; }
  }
  ${last ? `y[${uniformAt(output)} + ${strideSum('c', 0, row, output + 1)}]` : 'y[i]'} = i32(best_place);
}`;
      return `@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
${first ? '' : '@group(0) @binding(2) var<storage, read> chosen: array<i32>;'}
${words.declare(bindings.length)}
${beatsSource(mode, type, library)}
${library.source()}
${main}`;
    },
  };
}

/** `fn beats(a, b) -> bool`: whether `a` is to be chosen rather than `b`, whatever their places; NaN before all. */
export function beatsSource(mode: 'max' | 'min', type: 'f32' | 'i32', library: Library): string {
  const wins = mode === 'max' ? 'a > b' : 'a < b';
  if (type === 'i32') return `fn beats(a: i32, b: i32) -> bool { return ${wins}; }`;
  library.use('is_nan');
  return `fn beats(a: f32, b: f32) -> bool { return !is_nan(b) && (is_nan(a) || ${wins}); }`;
}

/** The `argReduce` kernel: the first of ties; NaN wins. */
export function argReduceKernel(queue: Queue): RequiredKernels['argReduce'] {
  const shaders = new Map<string, ArgShader>();
  const shaderFor = (form: Form): ArgShader => {
    const key = `${form.mode}${form.dtype}${form.rank}${form.first}${form.last}`;
    let shader = shaders.get(key);
    if (shader === undefined) {
      shader = argShader(form);
      shaders.set(key, shader);
    }
    return shader;
  };
  return (mode, shape, output, input) => {
    const rank = shape.length;
    const rows = shape.reduce((size, n) => size * n, 1) / shape[rank - 1]!;
    let length = shape[rank - 1]!;
    let before: GpuAllocation | null = null;
    for (;;) {
      // No barriers here: parts are joined by further launches on every adapter.
      const { parts } = planReduction(rows, length, true);
      const last = parts === 1;
      const target: GpuAllocation = last ? own(output) : queue.workspace(rows * parts * 4);
      const shader = shaderFor({ mode, dtype: input.dtype, rank, first: before === null, last });
      const words = uniformsOf(shader, shape, input, output, rows * parts, parts, length);
      const buffers = [own(input), target];
      if (before !== null) buffers.push(before);
      queue.dispatch(shader, buffers, words, spread(rows * parts));
      if (before !== null) queue.release(before);
      if (last) return;
      before = target;
      length = parts;
    }
  };
}

function uniformsOf(
  shader: ArgShader,
  shape: readonly number[],
  input: Operand,
  output: Operand,
  count: number,
  parts: number,
  length: number,
): Uint32Array {
  const words = new Uint32Array(shader.words);
  words[WORDS.count] = count;
  words[WORDS.parts] = parts;
  words[WORDS.length] = length;
  words[shader.input] = input.offset;
  words[shader.output] = output.offset;
  for (let dim = 0; dim < shape.length; dim++) {
    words[shader.sizes + dim] = shape[dim]!;
    words[shader.input + 1 + dim] = input.strides[dim]!;
    if (dim < shape.length - 1) words[shader.output + 1 + dim] = output.strides[dim]!;
  }
  return words;
}
