import type { DType, Operand, RequiredKernels, ScanCombiner } from '@flambeau/core/backend';
import { own } from './bound-buffers.ts';
import type { GpuAllocation } from './memory/allocation.ts';
import type { Queue, Shader } from './queue/types.ts';
import { combineSource, identitySource } from './wgsl/combine.ts';
import { GROUP, linearMain, spread, UniformWords, uniformAt } from './wgsl/launch.ts';
import { Library } from './wgsl/library.ts';
import {
  declareBuffer,
  encodeSource,
  loadSource,
  packSource,
  storedKind,
  storeSource,
  unpackSource,
} from './wgsl/memory.ts';
import { valueTypeOf, widthOf } from './wgsl/types.ts';
import { coordinateLines, strideSum } from './wgsl/walk.ts';

/**
 * What a launch does. A short row is scanned by one invocation (`rows`). A long one is cut into parts: `totals`
 * combines each part, `carries` scans the totals, `parts` scans each part from what is carried into it.
 */
type Stage = 'rows' | 'totals' | 'carries' | 'parts';

interface ScanShader extends Shader {
  readonly sizes: number;
  readonly input: number;
  readonly output: number;
}

const WORDS = { count: 0, parts: 1, length: 2, partLength: 3, reverse: 4 } as const;

const BINDINGS: Readonly<Record<Stage, Shader['bindings']>> = {
  rows: ['read', 'read_write'],
  totals: ['read', 'read_write'],
  carries: ['read', 'read_write'],
  parts: ['read', 'read_write', 'read'],
};

function scanShader(stage: Stage, combiner: ScanCombiner, dtype: DType, rank: number): ScanShader {
  const words = new UniformWords();
  words.take(8);
  const places = { sizes: words.take(rank), input: words.take(1 + rank), output: words.take(1 + rank) };
  return {
    key: `scan ${stage} ${combiner} ${dtype} ${rank}`,
    bindings: BINDINGS[stage],
    words: words.words,
    workgroupSize: [GROUP, 1, 1],
    ...places,
    source: () => source(stage, combiner, dtype, rank, words, places),
  };
}

function source(
  stage: Stage,
  combiner: ScanCombiner,
  dtype: DType,
  rank: number,
  words: UniformWords,
  places: { readonly sizes: number; readonly input: number; readonly output: number },
): string {
  const library = new Library();
  const type = valueTypeOf(dtype);
  const width = widthOf(dtype);
  const last = rank - 1;
  const combine = combineSource(combiner, dtype, 'sum', 'value', library);
  const identity = identitySource(combiner, dtype, library);
  const stores = stage === 'rows' || stage === 'parts';
  const head = [
    declareBuffer(0, 'x', 'read', 'word', 32),
    declareBuffer(
      1,
      'y',
      'read_write',
      stores ? storedKind(width) : 'word',
      width === 32 || stores ? width : 32,
    ),
    ...(stage === 'parts' ? [declareBuffer(2, 'carried', 'read', 'word', 32)] : []),
    words.declare(BINDINGS[stage].length),
  ];
  const lines = [
    `if (i >= ${uniformAt(WORDS.count)}) { return; }`,
    `let parts = ${uniformAt(WORDS.parts)};`,
    `let length = ${uniformAt(WORDS.length)};`,
  ];
  if (stage === 'carries') {
    lines.push(
      `var sum = ${identity};`,
      `for (var part = 0u; part < parts; part++) {
    let at = i * parts + part;
    let value = ${unpackSource(type, 'x[at]')};
    sum = ${combine};
    y[at] = ${packSource(type, 'sum')};
  }`,
    );
  } else {
    const step = `select(r, length - 1u - r, ${uniformAt(WORDS.reverse)} == 1u)`;
    const store = `let to = to_base + along * ${uniformAt(places.output + 1 + last)};
    let bits = ${encodeSource(dtype, 'sum', library)};
    ${storeSource('y', width, 'to', 'bits')}`;
    lines.push(
      'let row = i / parts;',
      'let part = i % parts;',
      ...coordinateLines('row', 'c', 0, last, places.sizes),
      `let from_base = ${uniformAt(places.input)} + ${strideSum('c', 0, last, places.input + 1)};`,
      `let to_base = ${uniformAt(places.output)} + ${strideSum('c', 0, last, places.output + 1)};`,
      `let begin = part * ${uniformAt(WORDS.partLength)};`,
      `let end = min(length, begin + ${uniformAt(WORDS.partLength)});`,
      `var sum = ${identity};`,
      ...(stage === 'parts' ? [`if (part > 0u) { sum = ${unpackSource(type, 'carried[i - 1u]')}; }`] : []),
      `for (var r = begin; r < end; r++) {
    let along = ${step};
    let value = ${loadSource('x', 'word', dtype, `from_base + along * ${uniformAt(places.input + 1 + last)}`, library)};
    sum = ${combine};
    ${stores ? store : ''}
  }`,
      ...(stage === 'totals' ? [`y[i] = ${packSource(type, 'sum')};`] : []),
    );
  }
  return [...head, library.source(), linearMain(), `  ${lines.join('\n  ')}`, '}'].join('\n');
}

/** Rows up to this length are scanned by one invocation each. */
const SHORT_ROW = 256;
/** The same where there are enough rows to keep a device busy. */
const SHORT_ROW_OF_MANY = 2048;
const MANY_ROWS = 4096;

/** The `scan` kernel. Floating values accumulate in float32; halves are rounded where they are stored. */
export function scanKernel(queue: Queue): RequiredKernels['scan'] {
  const shaders = new Map<string, ScanShader>();
  const shaderFor = (stage: Stage, combiner: ScanCombiner, dtype: DType, rank: number): ScanShader => {
    const key = `${stage}${combiner}${dtype}${rank}`;
    let shader = shaders.get(key);
    if (shader === undefined) {
      shader = scanShader(stage, combiner, dtype, rank);
      shaders.set(key, shader);
    }
    return shader;
  };
  return (combiner, shape, output, input, reverse) => {
    const rank = shape.length;
    const length = shape[rank - 1]!;
    const rows = shape.reduce((size, n) => size * n, 1) / length;
    const isShort = length <= (rows >= MANY_ROWS ? SHORT_ROW_OF_MANY : SHORT_ROW);
    const partLength = isShort ? length : Math.max(32, Math.ceil(Math.sqrt(length)));
    const parts = Math.ceil(length / partLength);
    const launch = (stage: Stage, count: number, buffers: readonly GpuAllocation[]): void => {
      const shader = shaderFor(stage, combiner, output.dtype, rank);
      const words = uniformsOf(shader, shape, input, output, [count, parts, length, partLength], reverse);
      queue.dispatch(shader, buffers, words, spread(count));
    };
    if (parts === 1) {
      launch('rows', rows, [own(input), own(output)]);
      return;
    }
    const totals = queue.workspace(rows * parts * 4);
    const carries = queue.workspace(rows * parts * 4);
    launch('totals', rows * parts, [own(input), totals]);
    launch('carries', rows, [totals, carries]);
    launch('parts', rows * parts, [own(input), own(output), carries]);
    queue.release(totals);
    queue.release(carries);
  };
}

function uniformsOf(
  shader: ScanShader,
  shape: readonly number[],
  input: Operand,
  output: Operand,
  head: readonly [count: number, parts: number, length: number, partLength: number],
  reverse: boolean,
): Uint32Array {
  const words = new Uint32Array(shader.words);
  words.set(head);
  words[WORDS.reverse] = reverse ? 1 : 0;
  words[shader.input] = input.offset;
  words[shader.output] = output.offset;
  for (let dim = 0; dim < shape.length; dim++) {
    words[shader.sizes + dim] = shape[dim]!;
    words[shader.input + 1 + dim] = input.strides[dim]!;
    words[shader.output + 1 + dim] = output.strides[dim]!;
  }
  return words;
}
