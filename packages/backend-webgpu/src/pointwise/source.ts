import type { DType, Program } from '@flambeau/core/backend';
import type { Shader } from '../queue/types.ts';
import { bodyFunction, indexDims } from '../wgsl/body.ts';
import { GROUP, linearMain, UniformWords, uniformAt } from '../wgsl/launch.ts';
import { Library } from '../wgsl/library.ts';
import {
  declareBuffer,
  decodeSource,
  encodeSource,
  laneBits,
  loadBits,
  loadSource,
  packLanes,
  storedKind,
  storeSource,
  type WordKind,
} from '../wgsl/memory.ts';
import { type ParameterWord, parameterWords } from '../wgsl/parameters.ts';
import { type Width, widthOf } from '../wgsl/types.ts';

/** How an input is read four elements at a time: as they lie side by side, one that repeats, or one by one. */
export type InputMode = 'q' | 'r' | 's';

/**
 * What an invocation makes: one element; four that are written out, their inputs read as the modes say; or four one
 * after the other in a loop, for long programs, which compile four times as fast so.
 */
export type Lanes = 'one' | 'loop' | readonly InputMode[];

export interface PointwiseShader extends Shader {
  readonly parameters: readonly ParameterWord[];
  /** The first parameter's word. */
  readonly parametersAt: number;
  /** The uniform block, filled anew for each launch. */
  readonly uniforms: Uint32Array;
}

/** Places of words in the uniform block: count, last size, sizes, output, inputs, parameters. */
interface Places {
  readonly sizes: number;
  readonly output: number;
  readonly inputs: readonly number[];
  readonly parameters: number;
  readonly words: UniformWords;
}

/**
 * The shader of a program for one class of layouts. `slots` are the inputs' bindings, the output's being 0.
 */
export function pointwiseShader(
  program: Program,
  rank: number,
  lanes: Lanes,
  slots: readonly number[],
): PointwiseShader {
  const parameters = parameterWords(program);
  const words = new UniformWords();
  words.take(2);
  const places: Places = {
    sizes: words.take(rank),
    output: words.take(1 + rank),
    inputs: program.inputs.map(() => words.take(1 + rank)),
    parameters: words.take(parameters.length),
    words,
  };
  const bindings = 1 + Math.max(0, ...slots);
  return {
    key: `pointwise ${rank}${typeof lanes === 'string' ? lanes : `:${lanes.join('')}`}/${slots.join()} ${program.key}`,
    bindings: Array.from({ length: bindings }, (_, i) => (i === 0 ? 'read_write' : 'read')),
    words: words.words,
    workgroupSize: [GROUP, 1, 1],
    parameters,
    parametersAt: places.parameters,
    uniforms: new Uint32Array(words.words),
    source: () => new Source(program, rank, lanes, slots, parameters, places).text(),
  };
}

/** What the four elements' bits are called. */
const BITS = [0, 1, 2, 3].map((lane) => `bits${lane}`);

class Source {
  private readonly library = new Library();
  private readonly kinds: readonly WordKind[];
  private readonly program: Program;
  private readonly rank: number;
  private readonly lanes: Lanes;
  private readonly slots: readonly number[];
  private readonly parameters: readonly ParameterWord[];
  private readonly places: Places;

  constructor(
    program: Program,
    rank: number,
    lanes: Lanes,
    slots: readonly number[],
    parameters: readonly ParameterWord[],
    places: Places,
  ) {
    this.program = program;
    this.rank = rank;
    this.lanes = lanes;
    this.slots = slots;
    this.parameters = parameters;
    this.places = places;
    this.kinds = Array.from({ length: 1 + Math.max(0, ...slots) }, (_, binding) => this.kindOf(binding));
  }

  /** A buffer is declared in fours where all that use it read or write fours of one width. */
  private kindOf(binding: number): WordKind {
    const { program, slots, lanes } = this;
    if (lanes === 'one') return binding === 0 ? storedKind(widthOf(program.output)) : 'word';
    if (lanes === 'loop') return 'word';
    const users = program.inputs.flatMap((dtype, k) =>
      slots[k] === binding ? [{ width: widthOf(dtype), quad: lanes[k] === 'q' }] : [],
    );
    if (binding === 0) users.push({ width: widthOf(program.output), quad: true });
    const { width } = users[0]!;
    return users.every((user) => user.quad && user.width === width) ? 'quad' : 'word';
  }

  private widthOf(binding: number): Width {
    if (binding === 0) return widthOf(this.program.output);
    return widthOf(this.program.inputs[this.slots.indexOf(binding)]!);
  }

  text(): string {
    const { library, program, places, kinds } = this;
    const body = bodyFunction('body', program, {
      library,
      parameters: this.parameters,
      parameterAt: (place) => uniformAt(places.parameters + place),
    });
    const { lanes } = this;
    const main = lanes === 'one' ? this.single() : lanes === 'loop' ? this.loop() : this.four(lanes);
    const buffers = kinds.map((kind, binding) =>
      declareBuffer(
        binding,
        `b${binding}`,
        binding === 0 ? 'read_write' : 'read',
        kind,
        this.widthOf(binding),
      ),
    );
    return [
      ...buffers,
      places.words.declare(kinds.length),
      library.source(),
      body,
      linearMain(),
      `  if (i >= ${uniformAt(0)}) { return; }`,
      main,
      '}',
    ].join('\n');
  }

  /** Coordinates `cD` of invocation `i`; the last counts elements or fours. */
  private coordinates(): string {
    const lines = ['var rest = i;'];
    for (let dim = this.rank - 1; dim > 0; dim--) {
      const size = uniformAt(this.places.sizes + dim);
      lines.push(`let c${dim} = rest % ${size}; rest = rest / ${size};`);
    }
    if (this.rank > 0) lines.push('let c0 = rest;');
    return lines.map((line) => `  ${line}`).join('\n');
  }

  /** Where an operand's element for the coordinates lies. */
  private position(place: number, lastFactor: string): string {
    let text = uniformAt(place);
    for (let dim = 0; dim < this.rank; dim++) {
      const factor = dim === this.rank - 1 ? lastFactor : '';
      text += ` + c${dim}${factor} * ${uniformAt(place + 1 + dim)}`;
    }
    return text;
  }

  private single(): string {
    const { program, library, slots, kinds, places } = this;
    const lines = [this.coordinates()];
    const args = program.inputs.map((dtype, k) => {
      lines.push(`  let at${k} = ${this.position(places.inputs[k]!, '')};`);
      return loadSource(`b${slots[k]}`, kinds[slots[k]!]!, dtype, `at${k}`, library);
    });
    for (const dim of indexDims(program)) args.push(this.rank === 0 ? '0' : `i32(c${dim})`);
    lines.push(`  let value = body(${args.join(', ')});`);
    lines.push(`  let to = ${this.position(places.output, '')};`);
    lines.push(`  let bits = ${encodeSource(program.output, 'value', library)};`);
    lines.push(`  ${storeSource('b0', widthOf(program.output), 'to', 'bits')}`);
    return lines.join('\n');
  }

  /** The bound of the loop is a uniform, so that no compiler unrolls it. */
  private loop(): string {
    const { program, library, slots, places, rank } = this;
    const last = rank - 1;
    const lines = [this.coordinates()];
    for (let k = 0; k < program.inputs.length; k++)
      lines.push(`  let at${k} = ${this.position(places.inputs[k]!, ' * 4u')};`);
    lines.push(
      `  let left = min(4u, ${uniformAt(1)}${last > 0 ? '' : ' - c0 * 4u'});`,
      '  var bits = vec4<u32>();',
    );
    const args = program.inputs.map((dtype, k) => {
      const at = `at${k} + lane * ${uniformAt(places.inputs[k]! + rank)}`;
      return loadSource(`b${slots[k]}`, 'word', dtype, at, library);
    });
    for (const dim of indexDims(program))
      args.push(dim === last ? `i32(c${dim} * 4u + lane)` : `i32(c${dim})`);
    const value = encodeSource(program.output, `body(${args.join(', ')})`, library);
    lines.push(`  for (var lane = 0u; lane < left; lane++) { bits[lane] = ${value}; }`);
    lines.push('  let bits0 = bits.x; let bits1 = bits.y; let bits2 = bits.z; let bits3 = bits.w;');
    lines.push(`  let to = ${this.position(places.output, ' * 4u')};`);
    lines.push(this.storeWords(widthOf(program.output)));
    return lines.join('\n');
  }

  private four(modes: readonly InputMode[]): string {
    const { program, library, places, rank } = this;
    const last = rank - 1;
    const lines = [this.coordinates()];
    for (const [k, dtype] of program.inputs.entries()) {
      lines.push(`  let at${k} = ${this.position(places.inputs[k]!, modes[k] === 'r' ? '' : ' * 4u')};`);
      lines.push(this.loadFour(k, dtype, modes[k]!));
    }
    for (let lane = 0; lane < 4; lane++) {
      const args = program.inputs.map((_, k) => `x${k}_${modes[k] === 'r' ? 0 : lane}`);
      for (const dim of indexDims(program))
        args.push(dim === last ? `i32(c${dim} * 4u + ${lane}u)` : `i32(c${dim})`);
      lines.push(`  let bits${lane} = ${encodeSource(program.output, `body(${args.join(', ')})`, library)};`);
    }
    lines.push(`  let to = ${this.position(places.output, ' * 4u')};`, this.storeFour(last));
    return lines.join('\n');
  }

  /** `xK_0 … xK_3`, or `xK_0` alone where it repeats. */
  private loadFour(k: number, dtype: DType, mode: InputMode): string {
    const { library, places, rank } = this;
    const binding = this.slots[k]!;
    const name = `b${binding}`;
    const kind = this.kinds[binding]!;
    const width = widthOf(dtype);
    const lane = (j: number, bits: string): string =>
      `  let x${k}_${j} = ${decodeSource(dtype, bits, library)};`;
    if (mode === 'q' && kind === 'quad') {
      const lines = [`  let four${k} = ${name}[at${k} >> 2u];`];
      for (let j = 0; j < 4; j++) lines.push(lane(j, laneBits(`four${k}`, width, j)));
      return lines.join('\n');
    }
    if (mode === 'r') return lane(0, loadBits(name, kind, width, `at${k}`));
    const stride = uniformAt(places.inputs[k]! + rank);
    return [0, 1, 2, 3]
      .map((j) => lane(j, loadBits(name, kind, width, `(at${k} + ${j}u * ${stride})`)))
      .join('\n');
  }

  /** Stores `bits0 … bits3`; those beyond the last element leave what is there. */
  private storeFour(last: number): string {
    const width = widthOf(this.program.output);
    const kind = this.kinds[0]!;
    const packed = packLanes(width, BITS);
    if (kind === 'quad') {
      const all = `b0[to >> 2u] = ${packed};`;
      if (last > 0) return `  ${all}`;
      const kept = [1, 2, 3].map((j) => `if (left < ${j + 1}u) { kept${j} = ${laneBits('old', width, j)}; }`);
      return `  let left = ${uniformAt(1)} - c0 * 4u;
  if (left >= 4u) { ${all} return; }
  let old = b0[to >> 2u];
  var kept1 = bits1; var kept2 = bits2; var kept3 = bits3;
  ${kept.join('\n  ')}
  b0[to >> 2u] = ${packLanes(width, ['bits0', 'kept1', 'kept2', 'kept3'])};`;
    }
    const count = last > 0 ? '4u' : `min(4u, ${uniformAt(1)} - c0 * 4u)`;
    return `  let left = ${count};\n${this.storeWords(width)}`;
  }

  /** The same where the buffer is declared by words, as an input reads it otherwise. */
  private storeWords(width: Width): string {
    if (width === 32) {
      const stores = [0, 1, 2, 3].map((j) => `  if (left > ${j}u) { b0[to + ${j}u] = bits${j}; }`);
      return stores.join('\n');
    }
    if (width === 8) {
      return `  let mask = select((1u << (left * 8u)) - 1u, 0xffffffffu, left == 4u);
  b0[to >> 2u] = (b0[to >> 2u] & ~mask) | (${packLanes(8, BITS)} & mask);`;
    }
    return `  let first = select(0xffffu, 0xffffffffu, left > 1u);
  let second = select(select(0u, 0xffffu, left > 2u), 0xffffffffu, left > 3u);
  let pair = to >> 1u;
  b0[pair] = (b0[pair] & ~first) | ((bits0 | (bits1 << 16u)) & first);
  if (left > 2u) { b0[pair + 1u] = (b0[pair + 1u] & ~second) | ((bits2 | (bits3 << 16u)) & second); }`;
  }
}
