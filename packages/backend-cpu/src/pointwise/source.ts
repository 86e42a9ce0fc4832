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

/** `const x = …` for an operand's array and offset, without a call when the memory is of the dtype's own class. */
export function openSource(name: string, operand: string, kind: number): string {
  return [
    `const ${name}M = ${operand}.allocation;`,
    `const ${name} = ${name}M.kind === ${kind} ? ${name}M.array : ${name}M.view(${kind});`,
  ].join(' ');
}

function openAll(program: Program): string {
  const inputs = program.inputs.map((dtype, k) => openSource(`x${k}`, `inputs[${k}]`, KIND_OF[dtype]));
  return [openSource('y', 'output', KIND_OF[program.output]), ...inputs].join('\n');
}

/**
 * The loop over elements that lie side by side in every operand, except for those that `repeated` marks, which
 * are one element each.
 */
function flatLoop(program: Program, repeated: number): string {
  const isRepeated = (k: number): boolean => ((repeated >> k) & 1) === 1;
  const { once, each, value } = bodySource(program, {
    prefix: 'v',
    read: (k) => loadSource(program.inputs[k]!, isRepeated(k) ? `x${k}[x${k}P]` : `x${k}[x${k}P + i]`),
    index: () => 'i',
    constantInputs: repeated,
    roundedLater: isHalf(program),
  });
  const offsets = program.inputs.map((_, k) => `const x${k}P = inputs[${k}].offset;`).join('\n');
  const stored = storeSource(program.output, value);
  const loop =
    each === ''
      ? `const filling = ${stored}; if (n > 16) y.fill(filling, yP, yP + n); else for (let i = 0; i < n; i++) y[yP + i] = filling;`
      : `for (let i = 0; i < n; i++) {\n${each}\ny[yP + i] = ${stored};\n}`;
  return `${openAll(program)}\nconst yP = output.offset;\n${offsets}\n${once}\n${loop}`;
}

/** Whether the whole program is a copy without a conversion. */
const isCopy = (program: Program): boolean => program.steps.length === 1 && program.steps[0]!.op === 'input';

/**
 * The function that is called first: it takes the flat case itself and leaves the rest to `other`. Reads nothing
 * but fields and calls nothing, as small tensors spend their time here.
 */
export function entrySource(program: Program): string {
  const strides = ['output', ...program.inputs.map((_, k) => `inputs[${k}]`)];
  const flat = strides.map((operand) => `${operand}.strides[0] === 1`).join(' && ');
  const copy = isCopy(program) ? 'if (n > 64) { other(shape, output, inputs, p); return; }' : '';
  return `(other) => function pointwise(shape, output, inputs, p) {
const rank = shape.length;
if (rank === 0 || (rank === 1 && ${flat})) {
const n = rank === 0 ? 1 : shape[0];
${copy}
${flatLoop(program, 0)}
return;
}
other(shape, output, inputs, p);
}`;
}

/** The loop over one dimension in which some inputs are one repeated element. */
export function repeatedSource(program: Program, repeated: number): string {
  return `function pointwiseRepeated(shape, output, inputs, p) {
const n = shape[0];
${flatLoop(program, repeated)}
}`;
}

/** Nested loops over `rank` dimensions with any strides. */
export function nestSource(program: Program, rank: number): string {
  const operands = ['y', ...program.inputs.map((_, k) => `x${k}`)];
  const { once, each, value } = bodySource(program, {
    prefix: 'v',
    read: (k) => loadSource(program.inputs[k]!, `x${k}[x${k}P${rank - 1}]`),
    index: (dim) => `i${dim}`,
    roundedLater: isHalf(program),
  });
  const lines = [openAll(program)];
  for (let dim = 0; dim < rank; dim++) lines.push(`const n${dim} = shape[${dim}];`);
  for (const [k, name] of operands.entries()) {
    const operand = k === 0 ? 'output' : `inputs[${k - 1}]`;
    for (let dim = 0; dim < rank; dim++) lines.push(`const ${name}S${dim} = ${operand}.strides[${dim}];`);
    lines.push(`let ${name}P0 = ${operand}.offset;`);
  }
  lines.push(once);
  for (let dim = 0; dim < rank; dim++) {
    if (dim > 0) lines.push(operands.map((name) => `let ${name}P${dim} = ${name}P${dim - 1};`).join(' '));
    lines.push(`for (let i${dim} = 0; i${dim} < n${dim}; i${dim}++) {`);
  }
  lines.push(each, `y[yP${rank - 1}] = ${storeSource(program.output, value)};`);
  for (let dim = rank - 1; dim >= 0; dim--) {
    lines.push(operands.map((name) => `${name}P${dim} += ${name}S${dim};`).join(' '), '}');
  }
  return `function pointwiseNest(shape, output, inputs, p) {\n${lines.join('\n')}\n}`;
}

export { isCopy };
