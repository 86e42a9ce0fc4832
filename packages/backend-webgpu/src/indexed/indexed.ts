import { type Operand, sizeOf } from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { padded, shaderRank, wordsOf } from '../elements/operands.ts';
import { numbered, operandWords, packWords, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import { faultSource } from '../queue/fault-source.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { GROUP, linearMain, spread } from '../wgsl/launch.ts';
import { declareBuffer, type WordKind } from '../wgsl/memory.ts';
import type { Width } from '../wgsl/types.ts';

/**
 * What `gather` and `scatter` share: an invocation takes one element of `x`'s or `y`'s side and its index, which gives
 * the coordinate along the last dimension on the other side.
 */

/** Where the words of `shape`, `y`, `x` and `index` stand. */
const uniformsFor = (rank: number): Uniforms =>
  uniformsOf([
    'count',
    'length',
    'fault',
    ...numbered('size', rank),
    ...operandWords('y', rank),
    ...operandWords('x', rank),
    ...operandWords('index', rank),
  ]);

/** The text of a shader that is special to one of the kernels. */
export interface IndexedSource {
  /** How `y` is declared. */
  readonly kind: WordKind;
  readonly width: Width;
  readonly functions: string;
  /** The body after the check of the invocation's number. */
  body(uniforms: Uniforms): string;
}

/** Bindings: `x`, `index`, `y`, the fault words. */
export function indexedShader(key: string, rank: number, make: () => IndexedSource): Shader {
  const uniforms = uniformsFor(rank);
  return {
    key: `${key}:${rank}`,
    bindings: ['read', 'read', 'read_write', 'read_write'],
    words: uniforms.words,
    workgroupSize: [GROUP, 1, 1],
    source() {
      const { kind, width, functions, body } = make();
      return `
${declareBuffer(0, 'x', 'read', 'word', 32)}
@group(0) @binding(1) var<storage, read> index: array<i32>;
${declareBuffer(2, 'y', 'read_write', kind, width)}
${uniforms.declare(4)}
${faultSource(3)}
${functions}
${linearMain()}
  if (i >= ${uniforms.at('count')}) { return; }
${body(uniforms)}
}`;
    },
  };
}

/** Whether `picked` lies outside the indexed dimension, as a condition. */
export const isOutside = (uniforms: Uniforms): string =>
  `picked < 0 || u32(picked) >= ${uniforms.at('length')}`;

export const reportSource = (uniforms: Uniforms): string => `report_fault(${uniforms.at('fault')}, picked);`;

/** The place of the element of `name` at the coordinates before the last and `picked`. */
export function pickedPlace(name: 'x' | 'y', rank: number, uniforms: Uniforms): string {
  const last = rank - 1;
  const lead = Array.from(
    { length: last },
    (_, dim) => ` + c${dim} * ${uniforms.at(`${name}_stride${dim}`)}`,
  );
  return `${uniforms.at(`${name}_offset`)}${lead.join('')} + u32(picked) * ${uniforms.at(`${name}_stride${last}`)}`;
}

/** What a launch is given: `length` is the size of the indexed dimension. */
export interface IndexedCall {
  readonly op: 'gather' | 'scatter';
  readonly shape: readonly number[];
  readonly length: number;
  readonly y: Operand;
  readonly x: Operand;
  readonly index: Operand;
}

/** Launches the shader that `shaderOf` gives for the rank. */
export function launchIndexed(queue: Queue, call: IndexedCall, shaderOf: (rank: number) => Shader): void {
  const { op, shape, length, y, x, index } = call;
  const rank = shaderRank(shape.length);
  const shader = shaderOf(rank);
  const count = sizeOf(shape);
  const words = packWords(shader.words, [
    count,
    length,
    queue.faultSite(op, length),
    ...padded(shape, rank, 1),
    ...wordsOf(y, rank),
    ...wordsOf(x, rank),
    ...wordsOf(index, rank),
  ]);
  queue.dispatch(shader, [own(x), own(index), own(y), queue.faults], words, spread(count));
}
