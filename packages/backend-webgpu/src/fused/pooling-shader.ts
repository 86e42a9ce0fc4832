import { type DType, isFloating } from '@flambeau/core/backend';
import { beatsSource } from '../arg-reduce.ts';
import { elementOf, loadBits, storeBits, storeType } from '../elements/elements.ts';
import { numbered, operandWords, type Uniforms, uniformsOf } from '../elements/uniforms.ts';
import type { Shader } from '../queue/types.ts';
import { GROUP, linearMain } from '../wgsl/launch.ts';
import { Library } from '../wgsl/library.ts';
import { widthOf } from '../wgsl/types.ts';
import { coordinateLines, strideSum } from '../wgsl/walk.ts';

/**
 * Pools and their gradients. An invocation takes `run` elements that lie side by side along the last dimension of what it
 * writes: `[batch, channels, ...output]` of a pool, `[batch, channels, ...input]` of a gradient, whose elements look for
 * the windows that cover them, so that no two invocations add to one place.
 */
export interface PoolForm {
  readonly kind: 'maxPool' | 'avgPool' | 'maxPoolBackward' | 'avgPoolBackward';
  readonly dtype: DType;
  /** Spatial dimensions. */
  readonly rank: number;
  /** The elements of a window along every dimension, where a pool names each of them; 0 for loops. */
  readonly side: number;
  /** Whether no element lies in two windows, so that a gradient looks at one. */
  readonly apart: boolean;
}

interface Buffer {
  readonly name: string;
  readonly dtype: DType;
  readonly access: 'read' | 'read_write';
}

/** The operands under the names that core's declarations give them, in the order of their bindings. */
function buffersOf({ kind, dtype }: PoolForm): readonly Buffer[] {
  const read = (name: string, of: DType = dtype): Buffer => ({ name, dtype: of, access: 'read' });
  const written = (name: string, of: DType = dtype): Buffer => ({ name, dtype: of, access: 'read_write' });
  switch (kind) {
    case 'maxPool':
      return [read('x'), written('values'), written('indices', 'int32')];
    case 'avgPool':
      return [read('x'), written('y')];
    case 'maxPoolBackward':
      return [read('dy'), read('indices', 'int32'), written('dx')];
    case 'avgPoolBackward':
      return [read('dy'), written('dx')];
  }
}

/** Lists of one number for each spatial dimension, as core's declarations name them. */
export const WINDOW_LISTS = ['kernel', 'stride', 'padding', 'dilation', 'size', 'output'] as const;

/** The words of a pool: `grid` counts what is written, by runs along the last dimension, which has `width` elements. */
const uniformsFor = (form: PoolForm): Uniforms =>
  uniformsOf([
    ...['count', 'run', 'width', 'include', 'divisor'],
    ...numbered('grid', form.rank + 2),
    ...WINDOW_LISTS.flatMap((list) => numbered(list, form.rank)),
    ...buffersOf(form).flatMap(({ name }) => operandWords(name, form.rank + 2)),
  ]);

/** What the text of a form is put together of. */
interface Text {
  readonly form: PoolForm;
  readonly uniforms: Uniforms;
  readonly dims: readonly number[];
}

/** Nested loops, one for each spatial dimension, around `body`. */
const nest = (dims: readonly number[], head: (dim: number) => string, body: string): string =>
  `${dims.map(head).join('\n')}\n${body}\n${dims.map(() => '}').join(' ')}`;

/** The number of the element at `PREFIXd` among those of a plane of the input. */
const flat = ({ uniforms, dims }: Text, prefix: string): string =>
  dims.slice(1).reduce((sum, d) => `(${sum}) * ${uniforms.at(`size${d}`)} + ${prefix}${d}`, `${prefix}0`);

/** How many elements the windows at `PREFIXd` count for, as a float. */
function share({ uniforms: { at }, dims }: Text, prefix: string): string {
  const counts = dims.map((d) => {
    const words = ['kernel', 'stride', 'padding', 'size'].map((list) => `i32(${at(`${list}${d}`)})`);
    return `counted(${prefix}${d}, ${words.join(', ')})`;
  });
  return `f32(select(${counts.join(' * ')}, bitcast<i32>(${at('divisor')}), ${at('divisor')} != 0u))`;
}

/** How many elements a window counts for along one dimension: with padding where the pool includes it. */
const counted = ({ uniforms: { at } }: Text): string => `
fn counted(place: u32, kernel: i32, stride: i32, padding: i32, size: i32) -> i32 {
  let begin = i32(place) * stride - padding;
  let end = min(begin + kernel, size + padding);
  return select(min(end, size) - max(begin, 0), end - begin, ${at('include')} != 0u);
}`;

/** Where an operand's plane begins, for the first two coordinates. */
const plane = ({ uniforms }: Text, name: string): string =>
  `let ${name}_plane = ${uniforms.at(`${name}_offset`)} + ${strideSum('c', 0, 2, uniforms.place(`${name}_stride0`))};`;

/** The place of an operand's element at `PREFIXd` of its plane. */
const inPlane = ({ uniforms, dims }: Text, name: string, prefix: string): string =>
  `${name}_plane + ${dims.map((d) => `${prefix}${d} * ${uniforms.at(`${name}_stride${d + 2}`)}`).join(' + ')}`;

/** Statements for the window at `placeD`: `body` for each of its elements inside, at `pD`. A negative position is a large one. */
function eachTap(text: Text, body: string): string {
  const { uniforms, dims, form } = text;
  const { at } = uniforms;
  const position = (d: number, k: string): string =>
    `place${d} * ${at(`stride${d}`)} - ${at(`padding${d}`)} + ${k} * ${at(`dilation${d}`)}`;
  if (form.side > 0) return namedTaps(text, position, body);
  const head = (d: number): string => `for (var k${d} = 0u; k${d} < ${at(`kernel${d}`)}; k${d}++) {
    let p${d} = ${position(d, `k${d}`)};
    if (p${d} >= ${at(`size${d}`)}) { continue; }`;
  return nest(dims, head, body);
}

/** The same without loops: positions are found once for each dimension. */
function namedTaps(
  { uniforms, dims, form }: Text,
  position: (d: number, k: string) => string,
  body: string,
): string {
  const taps = Array.from({ length: form.side }, (_, k) => k);
  const positions = dims.flatMap((d) =>
    taps.map(
      (k) => `let p${d}_${k} = ${position(d, `${k}u`)};
    let inside${d}_${k} = p${d}_${k} < ${uniforms.at(`size${d}`)};`,
    ),
  );
  const places = dims.reduce<number[][]>((all, _) => all.flatMap((at) => taps.map((k) => [...at, k])), [[]]);
  const blocks = places.map(
    (place) => `if (${place.map((k, d) => `inside${d}_${k}`).join(' && ')}) {
    ${place.map((k, d) => `let p${d} = p${d}_${k};`).join(' ')}
    ${body}
    }`,
  );
  return [...positions, ...blocks].join('\n    ');
}

/** Defines the windows `firstD..lastD` that reach `placeD`. */
const reaching = ({ uniforms: { at } }: Text, d: number): string => {
  const [stride, span] = [at(`stride${d}`), `(${at(`kernel${d}`)} - 1u) * ${at(`dilation${d}`)}`];
  return `let from${d} = place${d} + ${at(`padding${d}`)};
  var last${d} = from${d} / ${stride};
  var first${d} = (max(from${d}, ${span}) - ${span} + ${stride} - 1u) / ${stride};`;
};

/** Moves the windows that reach `placeD` on to the next place, which takes no division. */
const advance = ({ uniforms: { at } }: Text, d: number): string => {
  const [stride, span] = [at(`stride${d}`), `(${at(`kernel${d}`)} - 1u) * ${at(`dilation${d}`)}`];
  const from = `place${d} + 1u + ${at(`padding${d}`)}`;
  return `last${d} += select(0u, 1u, (last${d} + 1u) * ${stride} <= ${from});
    first${d} += select(0u, 1u, first${d} * ${stride} + ${span} < ${from});`;
};

/** Statements for the element at `placeD`: `body` for each of the windows `oD` that reach it. */
function eachWindow({ uniforms: { at }, dims, form }: Text, body: string): string {
  if (form.apart) {
    const reached = dims.map((d) => `first${d} <= last${d} && last${d} < ${at(`output${d}`)}`);
    return `if (${reached.join(' && ')}) {
    ${dims.map((d) => `let o${d} = last${d};`).join(' ')}
    ${body}
    }`;
  }
  const head = (d: number): string =>
    `for (var o${d} = first${d}; o${d} <= min(last${d}, ${at(`output${d}`)} - 1u); o${d}++) {`;
  return nest(dims, head, body);
}

/** Statements that compute one element, `own` being its place in what is written. */
function elementSource(text: Text, library: Library): string {
  const { kind, dtype } = text.form;
  const load = (name: string, prefix: string): string =>
    `decode(load_${name}(${inPlane(text, name, prefix)}))`;
  switch (kind) {
    case 'maxPool':
      return `var best = ${isFloating(dtype) ? library.call('from_bits', '0xff800000u') : '0'};
    var at = -1;
    ${eachTap(
      text,
      `let value = ${load('x', 'p')};
    if (at < 0 || beats(value, best)) { best = value; at = i32(${flat(text, 'p')}); }`,
    )}
    store_values(${inPlane(text, 'values', 'place')}, encode(best));
    store_indices(${inPlane(text, 'indices', 'place')}, bitcast<u32>(at));`;
    case 'avgPool':
      return `var total = 0f;
    ${eachTap(text, `total += ${load('x', 'p')};`)}
    store_y(${inPlane(text, 'y', 'place')}, encode(total / ${share(text, 'place')}));`;
    case 'maxPoolBackward':
      return `var total = 0f;
    let own = ${flat(text, 'place')};
    ${eachWindow(
      text,
      `if (load_indices(${inPlane(text, 'indices', 'o')}) == own) { total += ${load('dy', 'o')}; }`,
    )}
    store_dx(${inPlane(text, 'dx', 'place')}, encode(total));`;
    case 'avgPoolBackward':
      return `var total = 0f;
    ${eachWindow(text, `total += ${load('dy', 'o')} / ${share(text, 'o')};`)}
    store_dx(${inPlane(text, 'dx', 'place')}, encode(total));`;
  }
}

export function poolShader(form: PoolForm): Shader {
  const { kind, rank, dtype } = form;
  const uniforms = uniformsFor(form);
  const { at } = uniforms;
  const text: Text = { form, uniforms, dims: Array.from({ length: rank }, (_, d) => d) };
  const buffers = buffersOf(form);
  const gradient = kind.endsWith('Backward');
  const last = rank - 1;
  return {
    key: Object.values(form).join(':'),
    bindings: buffers.map(({ access }) => access),
    words: uniforms.words,
    workgroupSize: [GROUP, 1, 1],
    source() {
      const { decode, encode } = elementOf(dtype);
      const library = new Library();
      const declared = buffers.map(({ name, dtype: of, access }, binding) => {
        const type = access === 'read' ? 'array<u32>' : storeType(widthOf(of));
        return `@group(0) @binding(${binding}) var<storage, ${access}> ${name}: ${type};
${access === 'read' ? loadBits(name, widthOf(of)) : storeBits(name, widthOf(of))}`;
      });
      const element = elementSource(text, library);
      const beats = kind === 'maxPool' ? beatsSource('max', isFloating(dtype) ? 'f32' : 'i32', library) : '';
      return `${declared.join('\n')}
${uniforms.declare(buffers.length)}
${decode}
${encode}
${beats}
${library.source()}
${kind.startsWith('avg') ? counted(text) : ''}
${linearMain()}
  if (i >= ${at('count')}) { return; }
  ${coordinateLines('i', 'c', 0, rank + 2, uniforms.place('grid0')).join('\n  ')}
  ${buffers.map(({ name }) => plane(text, name)).join('\n  ')}
  ${text.dims
    .slice(0, last)
    .map((d) => `let place${d} = c${d + 2};\n  ${gradient ? reaching(text, d) : ''}`)
    .join('\n  ')}
  let until = min((c${rank + 1} + 1u) * ${at('run')}, ${at('width')});
  var place${last} = c${rank + 1} * ${at('run')};
  ${gradient ? reaching(text, last) : ''}
  for (; place${last} < until; place${last}++) {
    ${element}
    ${gradient ? advance(text, last) : ''}
  }
}`;
    },
  };
}
