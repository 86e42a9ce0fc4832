import { type DType, isFloating, sizeOf, type TensorOperand } from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { padded, shaderRank } from '../elements/operands.ts';
import { numbered, operandWords, packWords, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import { walkSource } from '../elements/walk.ts';
import { faultSource } from '../queue/fault-source.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { GROUP, linearMain, spread } from '../wgsl/launch.ts';
import { Library } from '../wgsl/library.ts';
import { declareBuffer, encodeSource, loadSource, storedKind, storeSource } from '../wgsl/memory.ts';
import { widthOf } from '../wgsl/types.ts';

/**
 * Kernels that go over rows: `count` elements of each operand, `NAME_step` apart, for every place of the dimensions
 * around them. On GPUs a workgroup takes a row, and its invocations join their values in workgroup memory; on software
 * adapters, where barriers are slow, an invocation takes one alone. Values are computed in float32.
 */

/** An operand of such a kernel by name. */
export interface RowOperand {
  readonly name: string;
  readonly access: 'read' | 'read_write';
  readonly dtype: DType;
}

export interface RowForm {
  readonly key: string;
  readonly rank: number;
  readonly software: boolean;
  readonly operands: readonly RowOperand[];
  /** Further words of uniforms, behind the others. */
  readonly words?: readonly string[];
  /** Whether it may report an index out of range; the word `fault` then stands before `words`. */
  readonly faults?: boolean;
  /** Statements for one row. */
  body(text: RowText): string;
}

/** Invocations of a workgroup that takes a row together. */
const LANES = 128;
/** Values that are added up before they are added to the rest: keeps rounding errors small. */
const BLOCK = 16;

/** What a kernel's body is put together of. */
export class RowText {
  readonly library = new Library();
  readonly uniforms: Uniforms;
  private readonly form: RowForm;
  private joined = 0;

  constructor(form: RowForm, uniforms: Uniforms) {
    this.form = form;
    this.uniforms = uniforms;
  }

  private dtypeOf(name: string): DType {
    return this.form.operands.find((operand) => operand.name === name)!.dtype;
  }

  /** The element `i` of the row of an operand. */
  load(name: string): string {
    return this.loadAt(name, `${name}_at + i * ${this.uniforms.at(`${name}_step`)}`);
  }

  loadAt(name: string, at: string): string {
    return loadSource(name, 'word', this.dtypeOf(name), at, this.library);
  }

  /** Stores `value` as the element `i` of the row. */
  store(name: string, value: string): string {
    return this.storeAt(name, `${name}_at + i * ${this.uniforms.at(`${name}_step`)}`, value);
  }

  storeAt(name: string, at: string, value: string): string {
    const dtype = this.dtypeOf(name);
    return `let bits_${name} = ${encodeSource(dtype, value, this.library)};
    ${storeSource(name, widthOf(dtype), at, `bits_${name}`)}`;
  }

  private loop(): readonly [begin: string, step: string] {
    return this.form.software ? ['0u', '1u'] : ['lane', `${LANES}u`];
  }

  /** Statements for every `i` of the row. */
  each(body: string): string {
    const [begin, step] = this.loop();
    return `for (var i = ${begin}; i < count; i += ${step}) {
    ${body}
  }`;
  }

  /** Defines `name`: the sum of an expression over the row. */
  sum(name: string, value: string): string {
    return this.sums({ [name]: value });
  }

  /** Defines each name: the sum of its expression over the row, which may read what `lines` define for an `i`. */
  sums(values: Readonly<Record<string, string>>, lines = ''): string {
    const [begin, step] = this.loop();
    const names = Object.keys(values);
    const each = (text: (name: string) => string): string => names.map(text).join(' ');
    return `${each((name) => `var ${name}_part = 0f;`)}
  for (var next = ${begin}; next < count;) {
    ${each((name) => `var ${name}_run = 0f;`)}
    for (var j = 0u; j < ${BLOCK}u && next < count; j++) {
      let i = next;
      ${lines}
      ${each((name) => `${name}_run += ${values[name]};`)}
      next += ${step};
    }
    ${each((name) => `${name}_part += ${name}_run;`)}
  }
  ${each((name) => `let ${name} = ${this.join(`${name}_part`, 'sum')};`)}`;
  }

  /** Defines `name`: the largest value of an expression over the row; NaN wins. */
  max(name: string, value: string): string {
    const lowest = this.library.call('from_bits', '0xff800000u');
    return `var ${name}_part = ${lowest};
  ${this.each(`${name}_part = ${this.library.call('float_max', `${name}_part`, value)};`)}
  let ${name} = ${this.join(`${name}_part`, 'max')};`;
  }

  private join(value: string, combiner: 'sum' | 'max'): string {
    if (this.form.software) return value;
    this.joined |= combiner === 'sum' ? 1 : 2;
    return `join_${combiner}(${value}, lane)`;
  }

  /** Statements that one invocation of a row runs. */
  once(body: string): string {
    return this.form.software ? `{ ${body} }` : `if (lane == 0u) { ${body} }`;
  }

  joins(): string {
    const join = (name: string, combine: string): string => `fn join_${name}(x: f32, lane: u32) -> f32 {
  workgroupBarrier();
  joined_values[lane] = x;
  for (var width = ${LANES / 2}u; width > 0u; width = width >> 1u) {
    workgroupBarrier();
    if (lane < width) { joined_values[lane] = ${combine}; }
  }
  workgroupBarrier();
  return joined_values[0];
}`;
    const [a, b] = ['joined_values[lane]', 'joined_values[lane + width]'];
    return [
      ...(this.joined > 0 ? [`var<workgroup> joined_values: array<f32, ${LANES}>;`] : []),
      ...((this.joined & 1) > 0 ? [join('sum', `${a} + ${b}`)] : []),
      ...((this.joined & 2) > 0 ? [join('max', `float_max(${a}, ${b})`)] : []),
    ].join('\n');
  }
}

export function rowShader(form: RowForm): Shader {
  const { key, rank, software, operands, faults = false } = form;
  const uniforms = uniformsOf([
    'rows',
    'count',
    ...numbered('size', rank),
    ...operands.flatMap(({ name }) => [...operandWords(name, rank), `${name}_step`]),
    ...(form.faults === true ? ['fault'] : []),
    ...(form.words ?? []),
  ]);
  const head = software
    ? `${linearMain()}
  let row = i;`
    : `@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;`;
  return {
    key: `${key}${software ? '' : ' joined'} ${rank}`,
    bindings: [...operands.map(({ access }) => access), ...(faults ? (['read_write'] as const) : [])],
    words: uniforms.words,
    workgroupSize: [software ? GROUP : LANES, 1, 1],
    source() {
      const text = new RowText(form, uniforms);
      const body = form.body(text);
      const buffers = operands.map(({ name, access, dtype }, binding) => {
        const width = widthOf(dtype);
        return declareBuffer(binding, name, access, access === 'read' ? 'word' : storedKind(width), width);
      });
      const names = operands.map(({ name }) => name);
      return `${buffers.join('\n')}
${faults ? faultSource(operands.length) : ''}
${uniforms.declare(operands.length + (faults ? 1 : 0))}
${text.library.source()}
${text.joins()}
${head}
  if (row >= ${uniforms.at('rows')}) { return; }
  let count = ${uniforms.at('count')};
${walkSource(uniforms, names, rank, 'row')}
  ${body}
}`;
    },
  };
}

/** An operand's place: the strides around the rows, and the step within them. */
export interface RowPlace {
  readonly operand: TensorOperand;
  readonly strides: readonly number[];
  readonly step: number;
}

/** Whether an invocation of a shader over rows takes a row alone. */
const takesAlone = ({ workgroupSize }: Shader): boolean => workgroupSize[0] === GROUP;

/** Launches `shader` for the rows around which `shape` lies. */
export function launchRows(
  queue: Queue,
  shader: Shader,
  shape: readonly number[],
  count: number,
  places: readonly RowPlace[],
  words: readonly number[] = [],
  faults = false,
): void {
  const rank = shaderRank(shape.length);
  const rows = sizeOf(shape);
  const packed = packWords(shader.words, [
    rows,
    count,
    ...padded(shape, rank, 1),
    ...places.flatMap(({ operand, strides, step }) => [operand.offset, ...padded(strides, rank, 0), step]),
    ...words,
  ]);
  const buffers = places.map(({ operand }) => own(operand));
  if (faults) buffers.push(queue.faults);
  queue.dispatch(shader, buffers, packed, spread(rows, takesAlone(shader) ? undefined : 1));
}

/** Rows of this length keep few invocations busy for long, unless there are many of them: their parts do better. */
const LONG = 4096;
const FEW = 64;

/** Whether rows are many enough for a kernel that gives each to one workgroup or invocation. */
export const areEnough = (rows: number, count: number, software: boolean): boolean =>
  count <= LONG || rows >= (software ? FEW : 1);

/** Operands by the names that core gives them. */
export type Operands = Readonly<Record<string, TensorOperand | undefined>>;

/** Whether all operands are floating, of one dtype, and have elements. */
export function areAlike(inputs: Operands): boolean {
  const given = Object.values(inputs).filter((x) => x !== undefined);
  return given.every((x) => isFloating(x.dtype) && x.dtype === given[0]!.dtype && sizeOf(x.shape) > 0);
}
