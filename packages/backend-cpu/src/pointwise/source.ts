import type { Operand, Parameters, Program } from '@flambeau/core/backend';
import { KIND_OF } from '../allocation.ts';
import { bodySource } from '../scalar/body.ts';
import { loadSource, storeSource } from '../scalar/source.ts';

/** A compiled loop over elements. */
export type PointwiseLoop = (
  shape: readonly number[],
  output: Operand,
  inputs: readonly Operand[],
  parameters: Parameters,
) => void;

const isHalf = (program: Program): boolean => program.output === 'float16' || program.output === 'bfloat16';

/**
 * `x` for an operand's array and `xB` for where its memory begins there, without a call when the memory is of the
 * dtype's own class.
 */
export function openSource(name: string, operand: string, kind: number): string {
  return [
    `const ${name}M = ${operand}.allocation;`,
    `let ${name}, ${name}B = 0;`,
    `if (${name}M.kind === ${kind}) { ${name} = ${name}M.array; ${name}B = ${name}M.base; } else ${name} = ${name}M.view(${kind});`,
  ].join(' ');
}

function openAll(program: Program): string {
  const inputs = program.inputs.map((dtype, k) => openSource(`x${k}`, `inputs[${k}]`, KIND_OF[dtype]));
  return [openSource('y', 'output', KIND_OF[program.output]), ...inputs].join('\n');
}

/** Programs up to this length are repeated in the loop: it is the loop, not they, that takes the time. */
const UNROLLED_STEPS = 6;
const UNROLL = 4;

/**
 * The loop over `n` elements that lie side by side in every operand from `yP`, `x0P` … on, except for those that
 * `repeated` marks, which are one element each. `dim` is the dimension it runs along.
 */
function runSource(program: Program, repeated: number, dim: number): string {
  const isRepeated = (k: number): boolean => ((repeated >> k) & 1) === 1;
  const bodyAt = (i: string) =>
    bodySource(program, {
      prefix: 'v',
      read: (k) => loadSource(program.inputs[k]!, isRepeated(k) ? `x${k}[x${k}P]` : `x${k}[x${k}P + ${i}]`),
      index: (d) => (d === dim ? i : `i${d}`),
      constantInputs: repeated,
      roundedLater: isHalf(program),
    });
  const { once, each, value } = bodyAt('i');
  if (each === '') {
    return `${once}\nconst filling = ${storeSource(program.output, value)};
if (n > 16) y.fill(filling, yP, yP + n); else for (let i = 0; i < n; i++) y[yP + i] = filling;`;
  }
  const element = (i: string): string => {
    const body = bodyAt(i);
    return `{ ${body.each}\ny[yP + ${i}] = ${storeSource(program.output, body.value)}; }`;
  };
  if (program.steps.length > UNROLLED_STEPS) return `${once}\nfor (let i = 0; i < n; i++) ${element('i')}`;
  const elements = Array.from({ length: UNROLL }, (_, u) => element(u === 0 ? 'i' : `(i + ${u})`));
  return `${once}\nlet i = 0;
for (; i + ${UNROLL - 1} < n; i += ${UNROLL}) {\n${elements.join('\n')}\n}
for (; i < n; i++) ${element('i')}`;
}

/** The loop over the only dimension. */
function flatSource(program: Program, repeated: number): string {
  const offsets = program.inputs.map((_, k) => `const x${k}P = inputs[${k}].offset + x${k}B;`).join('\n');
  return `${openAll(program)}\nconst yP = output.offset + yB;\n${offsets}\n${runSource(program, repeated, 0)}`;
}

/** Which input the whole program copies, without a conversion; -1 where it does more. */
export function copiedInput(program: Program): number {
  const [first] = program.steps;
  return program.steps.length === 1 && first?.op === 'input' ? first.slot : -1;
}

/**
 * The function that is called first: it takes the flat case itself and leaves the rest to `other`. Reads nothing
 * but fields and calls nothing, as small tensors spend their time here.
 */
export function entrySource(program: Program): string {
  const strides = ['output', ...program.inputs.map((_, k) => `inputs[${k}]`)];
  const flat = strides.map((operand) => `${operand}.strides[0] === 1`).join(' && ');
  const copy = copiedInput(program) >= 0 ? 'if (n > 64) { other(shape, output, inputs, p); return; }' : '';
  return `(other) => function pointwise(shape, output, inputs, p) {
const rank = shape.length;
if (rank === 0 || (rank === 1 && ${flat})) {
const n = rank === 0 ? 1 : shape[0];
${copy}
${flatSource(program, 0)}
return;
}
other(shape, output, inputs, p);
}`;
}

/** The loop over one dimension in which some inputs are one repeated element. */
export function repeatedSource(program: Program, repeated: number): string {
  return `function pointwiseRepeated(shape, output, inputs, p) {
const n = shape[0];
${flatSource(program, repeated)}
}`;
}

/**
 * Nested loops over `rank` dimensions. The innermost is a run of neighbours in which the inputs of `repeated` are
 * one element, or, where `repeated` is -1, has any strides.
 */
export function nestSource(program: Program, rank: number, repeated: number): string {
  const names = ['y', ...program.inputs.map((_, k) => `x${k}`)];
  const last = rank - 1;
  const lines = [openAll(program)];
  for (let dim = 0; dim < rank; dim++) lines.push(`const n${dim} = shape[${dim}];`);
  for (const [k, name] of names.entries()) {
    const operand = k === 0 ? 'output' : `inputs[${k - 1}]`;
    for (let dim = 0; dim < rank; dim++) lines.push(`const ${name}S${dim} = ${operand}.strides[${dim}];`);
    lines.push(`let ${name}P0 = ${operand}.offset + ${name}B;`);
  }
  for (let dim = 0; dim < last; dim++) {
    lines.push(`for (let i${dim} = 0; i${dim} < n${dim}; i${dim}++) {`);
    lines.push(names.map((name) => `let ${name}P${dim + 1} = ${name}P${dim};`).join(' '));
  }
  if (repeated >= 0) {
    const offsets = names.map((name) => `const ${name}P = ${name}P${last};`).join(' ');
    lines.push(`{ const n = n${last}; ${offsets}\n${runSource(program, repeated, last)} }`);
  } else {
    lines.push(stridedRun(program, names, last));
  }
  for (let dim = last - 1; dim >= 0; dim--) {
    lines.push(names.map((name) => `${name}P${dim} += ${name}S${dim};`).join(' '), '}');
  }
  return `function pointwiseNest(shape, output, inputs, p) {\n${lines.join('\n')}\n}`;
}

/** The innermost loop where operands have strides of their own. */
function stridedRun(program: Program, names: readonly string[], dim: number): string {
  const { once, each, value } = bodySource(program, {
    prefix: 'v',
    read: (k) => loadSource(program.inputs[k]!, `x${k}[x${k}P${dim}]`),
    index: (d) => `i${d}`,
    roundedLater: isHalf(program),
  });
  return `${once}
for (let i${dim} = 0; i${dim} < n${dim}; i${dim}++) {
${each}
y[yP${dim}] = ${storeSource(program.output, value)};
${names.map((name) => `${name}P${dim} += ${name}S${dim};`).join(' ')}
}`;
}
