import type { DType } from '@flambeau/core/backend';
import { numbered, operandWords, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import { walkSource } from '../elements/walk.ts';
import type { Shader } from '../queue/types.ts';
import { Library } from '../wgsl/library.ts';
import { declareBuffer, encodeSource, loadSource, storedKind, storeSource } from '../wgsl/memory.ts';
import { widthOf } from '../wgsl/types.ts';
import type { AttentionForm } from './attention-form.ts';

/**
 * Shaders in which an invocation holds a row of matrices, of queries or of keys, in registers, and goes over the rows of
 * others, which its workgroup brings into workgroup memory in tiles.
 */

/** An operand: a matrix for each place of the batch. */
export interface MatrixOperand {
  readonly name: string;
  readonly access: 'read' | 'read_write';
  readonly dtype: DType;
  /** Elements of a row that is read or written as a whole, otherwise 0. */
  readonly width: number;
}

export interface AttentionPass {
  readonly key: string;
  readonly form: AttentionForm;
  readonly operands: readonly MatrixOperand[];
  /** What an invocation holds a row of: it goes over the other. */
  readonly held: 'queries' | 'keys';
  /** Operands whose rows are gone over. */
  readonly streamed: readonly string[];
  /** Statements before the loop, for the row `j` of those that are gone over, and after it. */
  before(text: AttentionText): string;
  each(text: AttentionText): string;
  after(text: AttentionText): string;
}

/** Invocations of a workgroup. */
const LANES = 64;
/** Quads of numbers that a workgroup has in its memory: 16 KiB, the least that devices have. */
const TILE_QUADS = 1024;

const quadsOf = (width: number): number => Math.ceil(width / 4);

const FOUR = [0, 1, 2, 3] as const;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const lines = (list: readonly string[]): string => list.join('\n    ');

/** The words of every shader: sizes, then each operand's strides around a matrix, between rows and between elements. */
const uniformsFor = ({ form: { rank }, operands }: AttentionPass): Uniforms =>
  uniformsOf([
    'matrices',
    'queries',
    'keys',
    'scale',
    'repeats',
    ...numbered('size', rank),
    ...operands.flatMap(({ name }) => [...operandWords(name, rank + 2), `${name}_repeat`]),
  ]);

/** What a pass is put together of. */
export class AttentionText {
  readonly library = new Library();
  readonly uniforms: Uniforms;
  readonly pass: AttentionPass;

  constructor(pass: AttentionPass, uniforms: Uniforms) {
    this.pass = pass;
    this.uniforms = uniforms;
  }

  /** How many rows there are of what is held, and of what is gone over. */
  get heldSize(): string {
    return this.uniforms.at(this.pass.held);
  }

  get streamedSize(): string {
    return this.uniforms.at(this.pass.held === 'queries' ? 'keys' : 'queries');
  }

  private operand(name: string): MatrixOperand {
    return this.pass.operands.find((operand) => operand.name === name)!;
  }

  private quads(name: string): number {
    return quadsOf(this.operand(name).width);
  }

  /** Where the row `row` of an operand begins. */
  rowAt(name: string, row: string): string {
    return `${name}_at + ${row} * ${this.uniforms.at(`${name}_stride${this.pass.form.rank}`)}`;
  }

  private step(name: string): string {
    return this.uniforms.at(`${name}_stride${this.pass.form.rank + 1}`);
  }

  /** The element of an operand at a place. */
  element(name: string, at: string): string {
    return loadSource(name, 'word', this.operand(name).dtype, at, this.library);
  }

  /** Holds the invocation's row of an operand, times `factor`. */
  hold(name: string, factor = '1f'): string {
    return lines([
      `let ${name}_row = ${this.rowAt(name, 'held')};`,
      ...upTo(this.quads(name)).map(
        (g) => `let ${name}_${g} = quad_${name}(${name}_row, ${g}u) * ${factor};`,
      ),
    ]);
  }

  /** Declares sums as wide as `width`. */
  sums(name: string, width: number): string {
    return lines(upTo(quadsOf(width)).map((g) => `var ${name}_${g} = vec4<f32>();`));
  }

  scaleSums(name: string, width: number, factor: string): string {
    return lines(upTo(quadsOf(width)).map((g) => `${name}_${g} *= ${factor};`));
  }

  /** Four elements of the row at hand. */
  private streamed(name: string, g: number): string {
    return `tile_${name}[(j - base) * ${this.quads(name)}u + ${g}u]`;
  }

  /** Defines `target`: the product of what is held with the row at hand. */
  product(target: string, held: string, streamed: string): string {
    return lines([
      `var ${target}_four = ${held}_0 * ${this.streamed(streamed, 0)};`,
      ...upTo(this.quads(streamed))
        .slice(1)
        .map((g) => `${target}_four = fma(${held}_${g}, ${this.streamed(streamed, g)}, ${target}_four);`),
      `var ${target} = (${target}_four.x + ${target}_four.y) + (${target}_four.z + ${target}_four.w);`,
    ]);
  }

  /** Adds the row at hand to sums with a weight. */
  accumulate(sums: string, weight: string, streamed: string): string {
    return lines(
      upTo(this.quads(streamed)).map(
        (g) => `${sums}_${g} = fma(vec4<f32>(${weight}), ${this.streamed(streamed, g)}, ${sums}_${g});`,
      ),
    );
  }

  /** Makes a score that may not be seen -Infinity, and adds what a mask of scores has. */
  masked(score: string): string {
    const { mask } = this.pass.form;
    const [query, key] = this.pass.held === 'queries' ? ['held', 'j'] : ['j', 'held'];
    const at = (): string => `${this.rowAt('mask', query!)} + ${key} * ${this.step('mask')}`;
    const hide = (seen: string): string =>
      `${score} = select(${this.library.call('from_bits', '0xff800000u')}, ${score}, ${seen});`;
    switch (mask) {
      case 'none':
        return '';
      case 'causal':
        return hide(`${key} <= ${query}`);
      case 'truths':
        return hide(this.element('mask', at()));
      case 'scores':
        return `${score} += ${this.element('mask', at())};`;
    }
  }

  /** Stores sums times `factor` as the invocation's row of an operand. */
  store(name: string, sums: string, factor: string): string {
    const { dtype, width } = this.operand(name);
    const quads = quadsOf(width);
    const list = upTo(quads).map((g) => `${sums}_${g}`);
    return `if (row < ${this.heldSize}) {
      var quads = array<vec4<f32>, ${quads}>(${list.join(', ')});
      let at = ${this.rowAt(name, 'row')};
      for (var i = 0u; i < ${width}u; i++) {
        let bits = ${encodeSource(dtype, `quads[i >> 2u][i & 3u] * ${factor}`, this.library)};
        ${storeSource(name, widthOf(dtype), 'at + i', 'bits')}
      }
    }`;
  }

  private isVector({ access, width }: MatrixOperand): boolean {
    return access === 'read' && width > 0 && this.pass.form.vector;
  }

  /** `quad_NAME`: four elements of a row, zeros behind its end. */
  private reader(operand: MatrixOperand): string {
    const { name, dtype, width } = operand;
    const head = `fn quad_${name}(at: u32, g: u32) -> vec4<f32>`;
    if (this.isVector(operand)) return `${head} { return ${name}[(at >> 2u) + g]; }`;
    const element = (c: number): string => {
      const place = `at + (g * 4u + ${c}u) * ${this.step(name)}`;
      const loaded = loadSource(name, 'word', dtype, place, this.library);
      return width % 4 === 0 ? loaded : `select(0f, ${loaded}, g * 4u + ${c}u < ${width}u)`;
    };
    return `${head} { return vec4<f32>(${FOUR.map(element).join(', ')}); }`;
  }

  /** Buffers, the functions that read them, and the memory of the workgroup. */
  head(): string {
    const { operands, streamed } = this.pass;
    const buffers = operands.map((operand, binding) => {
      const { name, access, dtype } = operand;
      if (this.isVector(operand))
        return `@group(0) @binding(${binding}) var<storage, read> ${name}: array<vec4<f32>>;`;
      const width = widthOf(dtype);
      return declareBuffer(binding, name, access, access === 'read' ? 'word' : storedKind(width), width);
    });
    const readers = operands.filter(({ access, width }) => access === 'read' && width > 0);
    const tiles = streamed.map(
      (name) => `var<workgroup> tile_${name}: array<vec4<f32>, ${this.tileRows * this.quads(name)}>;`,
    );
    return [
      ...buffers,
      this.uniforms.declare(operands.length),
      ...readers.map((operand) => this.reader(operand)),
      ...tiles,
    ].join('\n');
  }

  /** Rows of a tile. */
  private get tileRows(): number {
    const quads = this.pass.streamed.reduce((total, name) => total + this.quads(name), 0);
    return Math.min(LANES, Math.floor(TILE_QUADS / quads));
  }

  /** Goes over rows from `begin` to `end`, a tile after the other. */
  loop(): string {
    const fills = this.pass.streamed.map((name) => {
      const quads = this.quads(name);
      return `for (var e = lane; e < ${this.tileRows * quads}u; e += ${LANES}u) {
        let line = base + e / ${quads}u;
        if (line < end) { tile_${name}[e] = quad_${name}(${this.rowAt(name, 'line')}, e % ${quads}u); }
      }`;
    });
    return `for (var base = begin; base < end; base += ${this.tileRows}u) {
      workgroupBarrier();
      ${fills.join('\n      ')}
      workgroupBarrier();
      for (var j = base; j < min(base + ${this.tileRows}u, end); j++) {
    ${this.pass.each(this)}
      }
    }`;
  }
}

/** The statements of a pass. */
function bodyOf(text: AttentionText): string {
  const { pass, uniforms } = text;
  const { form, held, operands } = pass;
  const { at } = uniforms;
  const causal = form.mask === 'causal';
  const names = operands.map(({ name }) => name);
  const moved = operands.filter(({ access }) => access === 'read').map(({ name }) => name);
  // Of a causal pass a workgroup goes over what any of its rows meets.
  return `  let groups_each = (${text.heldSize} + ${LANES - 1}u) / ${LANES}u;
  let number = group.x + group.y * groups.x;
  let matrix = number / groups_each;
  if (matrix >= ${at('matrices')}) { return; }
  let first = number % groups_each * ${LANES}u;
  let begin = ${causal && held === 'keys' ? 'first' : '0u'};
  let end = ${causal && held === 'queries' ? `min(${text.streamedSize}, first + ${LANES}u)` : text.streamedSize};
  let row = first + lane;
  let held = min(row, ${text.heldSize} - 1u);
${walkSource(uniforms, names, form.rank, 'matrix')}
    ${pass.before(text)}
    for (var repeat = 0u; repeat < ${at('repeats')}; repeat++) {
    ${moved.map((name) => `let ${name}_at = ${name}_at + repeat * ${at(`${name}_repeat`)};`).join('\n    ')}
    ${text.loop()}
    }
    ${pass.after(text)}`;
}

/** A shader, and the names of its operands in the order of its bindings. */
export interface NamedShader extends Shader {
  readonly operands: readonly string[];
}

export function attentionShader(pass: AttentionPass): NamedShader {
  const uniforms = uniformsFor(pass);
  const { key, form, operands } = pass;
  return {
    key: `${key} ${Object.values(form).join()}`,
    operands: operands.map(({ name }) => name),
    bindings: operands.map(({ access }) => access),
    words: uniforms.words,
    workgroupSize: [LANES, 1, 1],
    source() {
      const text = new AttentionText(pass, uniforms);
      const body = bodyOf(text);
      return `${text.head()}
${text.library.source()}
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32) {
${body}
}`;
    },
  };
}
