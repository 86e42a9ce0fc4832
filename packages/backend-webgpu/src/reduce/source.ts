import type { Reduction } from '@flambeau/core/backend';
import type { Shader } from '../queue/types.ts';
import { bodyFunction, indexDims } from '../wgsl/body.ts';
import { combineSource, identitySource, truthSource } from '../wgsl/combine.ts';
import { GROUP, linearMain, UniformWords, uniformAt } from '../wgsl/launch.ts';
import { Library } from '../wgsl/library.ts';
import {
  declareBuffer,
  encodeSource,
  loadSource,
  packSource,
  storedKind,
  storeSource,
  unpackSource,
} from '../wgsl/memory.ts';
import { type ParameterWord, parameterWords } from '../wgsl/parameters.ts';
import { valueTypeOf, widthOf } from '../wgsl/types.ts';
import { coordinateLines, strideSum } from '../wgsl/walk.ts';
import { TREE_GROUP } from './plan.ts';

/** Which of a reduction's launches a shader serves. */
export interface ReduceForm {
  readonly rank: number;
  readonly keptRank: number;
  /** It reads the operands through the first program; later launches read the values of the parts before. */
  readonly first: boolean;
  /** It stores results through the second program; earlier launches leave a value for each part. */
  readonly last: boolean;
  readonly tree: boolean;
  /** The inputs' bindings; the target's is 0. */
  readonly slots: readonly number[];
}

/** Words of uniforms at fixed places; sizes, output, inputs and parameters follow. */
export const REDUCE_WORDS = { count: 0, results: 1, parts: 2, length: 3, partsInner: 4 } as const;

export interface ReduceShader extends Shader {
  readonly form: ReduceForm;
  readonly parameters: readonly ParameterWord[];
  readonly places: ReducePlaces;
}

interface ReducePlaces {
  readonly sizes: number;
  readonly output: number;
  readonly inputs: readonly number[];
  readonly parameters: number;
}

/** Values that are combined one after the other before they are added to the rest: keeps rounding errors small. */
const BLOCK = 16;

export function reduceShader(reduction: Reduction, form: ReduceForm): ReduceShader {
  const { rank, keptRank, first, slots } = form;
  const parameters = parameterWords(reduction.pre, reduction.post);
  const words = new UniformWords();
  words.take(8);
  const places: ReducePlaces = {
    sizes: words.take(rank),
    output: words.take(1 + keptRank),
    inputs: first ? reduction.pre.inputs.map(() => words.take(1 + rank)) : [],
    parameters: words.take(parameters.length),
  };
  const bindings = 1 + (first ? Math.max(0, ...slots) : 1);
  const group = form.tree ? TREE_GROUP : GROUP;
  return {
    key: `reduce ${rank}/${keptRank}${first ? 'F' : ''}${form.last ? 'L' : ''}${form.tree ? 'T' : ''}/${slots.join()} ${reduction.key}`,
    bindings: Array.from({ length: bindings }, (_, i) => (i === 0 ? 'read_write' : 'read')),
    words: words.words,
    workgroupSize: [group, 1, 1],
    form,
    parameters,
    places,
    source: () => new Source(reduction, form, parameters, places, words, bindings).text(),
  };
}

class Source {
  private readonly library = new Library();
  private readonly reduction: Reduction;
  private readonly form: ReduceForm;
  private readonly parameters: readonly ParameterWord[];
  private readonly places: ReducePlaces;
  private readonly words: UniformWords;
  private readonly bindings: number;

  constructor(
    reduction: Reduction,
    form: ReduceForm,
    parameters: readonly ParameterWord[],
    places: ReducePlaces,
    words: UniformWords,
    bindings: number,
  ) {
    this.reduction = reduction;
    this.form = form;
    this.parameters = parameters;
    this.places = places;
    this.words = words;
    this.bindings = bindings;
  }

  text(): string {
    const { library, form, reduction, places } = this;
    const context = {
      library,
      parameters: this.parameters,
      parameterAt: (place: number) => uniformAt(places.parameters + place),
    };
    const functions = [
      ...(form.first ? [bodyFunction('before', reduction.pre, { ...context, rounds: true })] : []),
      ...(form.last ? [bodyFunction('after', reduction.post, context)] : []),
    ];
    const main = form.tree ? this.treeMain() : this.serialMain();
    return [...this.buffers(), this.words.declare(this.bindings), library.source(), ...functions, main].join(
      '\n',
    );
  }

  private buffers(): string[] {
    const { form, reduction } = this;
    const width = form.last ? widthOf(reduction.post.output) : 32;
    const target = declareBuffer(0, 'b0', 'read_write', form.last ? storedKind(width) : 'word', width);
    const sources = Array.from({ length: this.bindings - 1 }, (_, i) =>
      declareBuffer(i + 1, `b${i + 1}`, 'read', 'word', 32),
    );
    return [target, ...sources];
  }

  /** Invocation `i` takes a part of a result: neighbours take parts of one, or the same part of neighbouring results. */
  private serialMain(): string {
    return `${linearMain()}
  if (i >= ${uniformAt(REDUCE_WORDS.count)}) { return; }
  let parts = ${uniformAt(REDUCE_WORDS.parts)};
  let results = ${uniformAt(REDUCE_WORDS.results)};
  let inner = ${uniformAt(REDUCE_WORDS.partsInner)} == 1u;
  let result = select(i % results, i / parts, inner);
  let part = select(i / results, i % parts, inner);
${this.accumulate('part', 'parts')}
${this.finish()}
}`;
  }

  private treeMain(): string {
    const { library, reduction } = this;
    const type = reduction.pre.output;
    const joined = combineSource(
      reduction.combiner,
      type,
      'shared_values[lane]',
      'shared_values[lane + width]',
      library,
    );
    return `var<workgroup> shared_values: array<${valueTypeOf(type)}, ${TREE_GROUP}>;
@compute @workgroup_size(${TREE_GROUP})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32) {
  let i = group.x + group.y * groups.x;
  if (i >= ${uniformAt(REDUCE_WORDS.count)}) { return; }
  let parts = ${uniformAt(REDUCE_WORDS.parts)};
  let result = i / parts;
  let part = i % parts;
${this.accumulate(`part * ${TREE_GROUP}u + lane`, `parts * ${TREE_GROUP}u`)}
  shared_values[lane] = total;
  for (var width = ${TREE_GROUP / 2}u; width > 0u; width = width >> 1u) {
    workgroupBarrier();
    if (lane < width) { shared_values[lane] = ${joined}; }
  }
  if (lane > 0u) { return; }
  total = shared_values[0];
${this.finish()}
}`;
  }

  /** `total`: every `step`th element of a result from `begin` on. */
  private accumulate(begin: string, step: string): string {
    const { library, reduction, form, places } = this;
    const { combiner, pre } = reduction;
    const type = pre.output;
    const identity = identitySource(combiner, type, library);
    const lines: string[] = [];
    if (form.first) {
      lines.push(...coordinateLines('result', 'k', 0, form.keptRank, places.sizes));
      for (const place of places.inputs.keys()) {
        const from = places.inputs[place]!;
        lines.push(`let base${place} = ${uniformAt(from)} + ${strideSum('k', 0, form.keptRank, from + 1)};`);
      }
    }
    return `  ${lines.join('\n  ')}
  let length = ${uniformAt(REDUCE_WORDS.length)};
  let step = ${step};
  var total = ${identity};
  var r = ${begin};
  while (r < length) {
    var run = ${identity};
    for (var j = 0u; j < ${BLOCK}u && r < length; j++) {
${this.element()}
      run = ${combineSource(combiner, type, 'run', 'element', library)};
      r += step;
    }
    total = ${combineSource(combiner, type, 'total', 'run', library)};
  }`;
  }

  private element(): string {
    const { library, reduction, form, places } = this;
    const { pre, combiner } = reduction;
    if (!form.first)
      return `      let element = ${unpackSource(valueTypeOf(pre.output), 'b1[result * length + r]')};`;
    const { rank, keptRank } = form;
    const lines = coordinateLines('r', 'd', keptRank, rank, places.sizes);
    const args = pre.inputs.map((dtype, k) => {
      const at = `base${k} + ${strideSum('d', keptRank, rank, places.inputs[k]! + 1)}`;
      return loadSource(`b${form.slots[k]}`, 'word', dtype, at, library);
    });
    for (const dim of indexDims(pre)) args.push(`i32(${dim < keptRank ? 'k' : 'd'}${dim})`);
    lines.push(`let element = ${truthSource(combiner, pre.output, `before(${args.join(', ')})`, library)};`);
    return lines.map((line) => `      ${line}`).join('\n');
  }

  private finish(): string {
    const { library, reduction, form, places } = this;
    if (!form.last) {
      const bits = packSource(valueTypeOf(reduction.pre.output), 'total');
      return `  b0[result * parts + part] = ${bits};`;
    }
    const { post } = reduction;
    const lines = coordinateLines('result', 'o', 0, form.keptRank, places.sizes);
    const indices = indexDims(post).map((dim) => `i32(o${dim})`);
    lines.push(
      `let to = ${uniformAt(places.output)} + ${strideSum('o', 0, form.keptRank, places.output + 1)};`,
      `let bits = ${encodeSource(post.output, `after(${['total', ...indices].join(', ')})`, library)};`,
      storeSource('b0', widthOf(post.output), 'to', 'bits'),
    );
    return `  ${lines.join('\n  ')}`;
  }
}
