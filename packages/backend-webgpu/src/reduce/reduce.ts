import type { Operand, Parameters, Reduction, RequiredKernels } from '@flambeau/core/backend';
import { boundBuffers, own, releaseCopies } from '../bound-buffers.ts';
import type { GpuAllocation } from '../memory/allocation.ts';
import type { Queue } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { putParameters } from '../wgsl/parameters.ts';
import { planReduction, type ReducePlan } from './plan.ts';
import { REDUCE_WORDS, type ReduceForm, type ReduceShader, reduceShader } from './source.ts';

/** What one call of the kernel was given. */
interface Call {
  readonly reduction: Reduction;
  readonly shape: readonly number[];
  readonly keptRank: number;
  readonly output: Operand;
  readonly inputs: readonly Operand[];
  readonly parameters: Parameters;
}

/** The `reduce` kernel: launches follow one another until each result is one value. Shaders lie by the reduction's id and form. */
export function reduceKernel(queue: Queue): RequiredKernels['reduce'] {
  const table: Map<string, ReduceShader>[] = [];
  const shaderFor = (reduction: Reduction, form: ReduceForm): ReduceShader => {
    const { rank, keptRank, first, last, tree, slots } = form;
    const key = `${rank},${keptRank},${first},${last},${tree},${slots.join()}`;
    const shaders = (table[reduction.id] ??= new Map());
    let shader = shaders.get(key);
    if (shader === undefined) {
      shader = reduceShader(reduction, form);
      shaders.set(key, shader);
    }
    return shader;
  };

  const launch = (
    call: Call,
    plan: ReducePlan,
    results: number,
    length: number,
    before: GpuAllocation | null,
    target: GpuAllocation,
  ): void => {
    const first = before === null;
    const last = plan.parts === 1;
    const bound = boundBuffers(queue, [target], first ? call.inputs : [], false);
    const rank = first ? call.shape.length : call.keptRank;
    const form = { rank, keptRank: call.keptRank, first, last, tree: plan.tree, slots: bound.slots };
    const shader = shaderFor(call.reduction, form);
    const count = results * plan.parts;
    const words = uniformsOf(shader, call, count, results, plan.parts, length, bound.offsets);
    queue.dispatch(
      shader,
      first ? bound.buffers : [target, before],
      words,
      spread(count, plan.tree ? 1 : undefined),
    );
    releaseCopies(queue, bound);
  };

  return (reduction, shape, keptRank, output, inputs, parameters) => {
    const call = { reduction, shape, keptRank, output, inputs, parameters };
    const results = product(shape, 0, keptRank);
    let length = product(shape, keptRank, shape.length);
    let before: GpuAllocation | null = null;
    for (;;) {
      const plan = planReduction(results, length, queue.software);
      const target: GpuAllocation =
        plan.parts === 1 ? own(output) : queue.workspace(results * plan.parts * 4);
      launch(call, plan, results, length, before, target);
      if (before !== null) queue.release(before);
      if (plan.parts === 1) return;
      before = target;
      length = plan.parts;
    }
  };
}

function product(shape: readonly number[], begin: number, end: number): number {
  let size = 1;
  for (let dim = begin; dim < end; dim++) size *= shape[dim]!;
  return size;
}

function uniformsOf(
  { words: wordCount, form, places, parameters }: ReduceShader,
  call: Call,
  count: number,
  results: number,
  parts: number,
  length: number,
  offsets: readonly number[],
): Uint32Array {
  const words = new Uint32Array(wordCount);
  const { shape, output, inputs } = call;
  words[REDUCE_WORDS.count] = count;
  words[REDUCE_WORDS.results] = results;
  words[REDUCE_WORDS.parts] = parts;
  words[REDUCE_WORDS.length] = length;
  words[REDUCE_WORDS.partsInner] = !form.first || partsAreNear(call) ? 1 : 0;
  for (let dim = 0; dim < form.rank; dim++) words[places.sizes + dim] = shape[dim]!;
  words[places.output] = output.offset;
  for (let dim = 0; dim < form.keptRank; dim++) words[places.output + 1 + dim] = output.strides[dim]!;
  for (let k = 0; k < places.inputs.length; k++) {
    const at = places.inputs[k]!;
    words[at] = offsets[k]!;
    for (let dim = 0; dim < form.rank; dim++) words[at + 1 + dim] = inputs[k]!.strides[dim]!;
  }
  putParameters(parameters, call.parameters, words, places.parameters);
  return words;
}

/** Whether elements of one result lie closer together in memory than those of different ones. */
function partsAreNear({ inputs, shape, keptRank }: Call): boolean {
  let near = Number.POSITIVE_INFINITY;
  let isNear = true;
  for (const { strides } of inputs) {
    for (let dim = 0; dim < shape.length; dim++) {
      const stride = strides[dim]!;
      if (stride === 0 || shape[dim] === 1 || stride >= near) continue;
      near = stride;
      isNear = dim >= keptRank;
    }
  }
  return isNear;
}
