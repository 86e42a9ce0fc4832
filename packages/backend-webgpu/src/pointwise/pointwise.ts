import {
  type Operand,
  type Parameters,
  type Program,
  type RequiredKernels,
  sizeOf,
} from '@flambeau/core/backend';
import { type BoundBuffers, boundBuffers, own, releaseCopies } from '../bound-buffers.ts';
import type { Queue } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { putParameters, wordOf } from '../wgsl/parameters.ts';
import { valueTypeOf, widthOf } from '../wgsl/types.ts';
import { isHeavy } from './cost.ts';
import { type InputMode, type Lanes, type PointwiseShader, pointwiseShader } from './source.ts';

/** How invocations share the elements: one each, four in a loop, or four at a time with a mode for each input. */
const ONE = 0;
const LOOP = 1;
const QUADS = 2;

const MODES: readonly InputMode[] = ['r', 'q', 's'];

/** Inputs whose layout one number holds. */
const MOST_NUMBERED = 7;

/** The `pointwise` kernel. Shaders lie by the program's id and the layout's class. */
export function pointwiseKernel(queue: Queue): RequiredKernels['pointwise'] {
  const table: Map<number | string, PointwiseShader>[] = [];
  return (program, shape, output, inputs, parameters) => {
    if (writeNumber(queue, program, shape, output, parameters)) return;
    const bound = boundBuffers(queue, [own(output)], inputs, true);
    const quads = inQuads(program, shape, output, inputs, bound.offsets);
    const way = !quads ? ONE : isHeavy(program) ? LOOP : QUADS;
    const key = keyOf(way, shape, inputs, bound);
    const shaders = (table[program.id] ??= new Map());
    let shader = shaders.get(key);
    if (shader === undefined) {
      shader = pointwiseShader(
        program,
        shape.length,
        lanesOf(way, shape, inputs, bound.offsets),
        bound.slots,
      );
      shaders.set(key, shader);
    }
    const { uniforms } = shader;
    const count = putLayout(uniforms, shape, output, inputs, bound, quads);
    putParameters(shader.parameters, parameters, uniforms, shader.parametersAt);
    queue.dispatch(shader, bound.buffers, uniforms, spread(count));
    releaseCopies(queue, bound);
  };
}

const word = new Uint32Array(1);
const wordBytes = new Uint8Array(word.buffer);

/** Writes one number that the call gives from the host, as that takes no shader; false where there is more to do. */
function writeNumber(
  queue: Queue,
  { steps, output: dtype }: Program,
  shape: readonly number[],
  output: Operand,
  parameters: Parameters,
): boolean {
  if (steps.length > 1 || widthOf(dtype) < 32 || sizeOf(shape) > 1) return false;
  const [step] = steps;
  if (step?.op !== 'parameter') return false;
  word[0] = wordOf(valueTypeOf(step.type), parameters[step.slot]!);
  queue.write(own(output), output.offset * 4, wordBytes);
  return true;
}

/** What decides the shader, besides the program: a number for as many inputs as fit, as launches look it up. */
function keyOf(
  way: number,
  shape: readonly number[],
  inputs: readonly Operand[],
  { slots, offsets }: BoundBuffers,
): number | string {
  let key = shape.length * 3 + way;
  let modes = '';
  for (let k = 0; k < inputs.length; k++) {
    const mode = way === QUADS ? modeOf(shape, inputs[k]!, offsets[k]!) : 0;
    if (inputs.length <= MOST_NUMBERED) key = (key * 3 + mode) * (MOST_NUMBERED + 1) + slots[k]!;
    else modes += `,${mode}/${slots[k]}`;
  }
  return inputs.length <= MOST_NUMBERED ? key : `${key}${modes}`;
}

function lanesOf(
  way: number,
  shape: readonly number[],
  inputs: readonly Operand[],
  offsets: readonly number[],
): Lanes {
  if (way === ONE) return 'one';
  return way === LOOP ? 'loop' : inputs.map((input, k) => MODES[modeOf(shape, input, offsets[k]!)]!);
}

const isQuad = (value: number): boolean => (value & 3) === 0;

/** Whether a tensor's elements come in fours that begin at a multiple of four, along the last dimension. */
function fallsInQuads(strides: readonly number[], offset: number): boolean {
  const last = strides.length - 1;
  if (strides[last] !== 1 || !isQuad(offset)) return false;
  for (let dim = 0; dim < last; dim++) if (!isQuad(strides[dim]!)) return false;
  return true;
}

/**
 * Whether an invocation makes four elements. Narrow outputs do whenever it is possible, as others need atomics; wide
 * ones where reading in fours pays.
 */
function inQuads(
  program: Program,
  shape: readonly number[],
  output: Operand,
  inputs: readonly Operand[],
  offsets: readonly number[],
): boolean {
  const rank = shape.length;
  if (rank === 0 || (rank > 1 && !isQuad(shape[rank - 1]!))) return false;
  if (!fallsInQuads(output.strides, output.offset)) return false;
  if (widthOf(program.output) < 32) return true;
  if (isHeavy(program)) return false;
  for (let k = 0; k < inputs.length; k++) {
    const { strides } = inputs[k]!;
    if (strides[rank - 1] !== 0 && !fallsInQuads(strides, offsets[k]!)) return false;
  }
  return true;
}

/** The place among `MODES` of an input that is read for four elements: repeated, four at once, or one by one. */
function modeOf(shape: readonly number[], { strides }: Operand, offset: number): 0 | 1 | 2 {
  if (strides[shape.length - 1] === 0) return 0;
  return fallsInQuads(strides, offset) ? 1 : 2;
}

/** Writes sizes, offsets and strides into uniforms; gives how many invocations there are. */
function putLayout(
  words: Uint32Array,
  shape: readonly number[],
  output: Operand,
  inputs: readonly Operand[],
  { offsets }: BoundBuffers,
  quads: boolean,
): number {
  const rank = shape.length;
  let count = 1;
  for (let dim = 0; dim < rank; dim++) {
    const size = shape[dim]!;
    const units = quads && dim === rank - 1 ? Math.ceil(size / 4) : size;
    words[2 + dim] = units;
    count *= units;
  }
  words[0] = count;
  words[1] = rank === 0 ? 1 : shape[rank - 1]!;
  let at = 2 + rank;
  words[at++] = output.offset;
  for (let dim = 0; dim < rank; dim++) words[at++] = output.strides[dim]!;
  for (let k = 0; k < inputs.length; k++) {
    const { strides } = inputs[k]!;
    words[at++] = offsets[k]!;
    for (let dim = 0; dim < rank; dim++) words[at++] = strides[dim]!;
  }
  return count;
}
