import type { DType, Operand, Parameters, Reduction } from '@flambeau/core/backend';
import { KIND_OF } from '../allocation.ts';
import { openSource } from '../pointwise/source.ts';
import { bodySource } from '../scalar/body.ts';
import { combineSource, identityOf, truthSource, wantsTruth } from '../scalar/combine.ts';
import { representationOf } from '../scalar/representation.ts';
import { loadSource, storeSource, valueSource } from '../scalar/source.ts';

/** A compiled reduction. The shape begins with the kept dimensions. */
export type ReduceLoop = (
  shape: readonly number[],
  output: Operand,
  inputs: readonly Operand[],
  parameters: Parameters,
) => void;

/** Programs longer than this are not unrolled: their own work hides the latency of combining. */
const UNROLLED_STEPS = 10;
const UNROLL = 4;
/** Floating sums in float64 are taken in blocks of this many, which are added with compensation. */
const BLOCK = 1024;
/** How many columns are accumulated side by side when rows are walked one after the other. */
export const TILE = 512;

interface Parts {
  readonly reduction: Reduction;
  readonly type: DType;
  readonly identity: string;
  combine(a: string, b: string): string;
  /** The value of one element as source, given each input's element. */
  element(read: (slot: number) => string): { readonly each: string; readonly value: string };
  readonly once: string;
  readonly postOnce: string;
  /** The statement that stores what `accumulated` gives. */
  finish(accumulated: string, target: string): string;
}

function partsOf(reduction: Reduction): Parts {
  const { pre, post, combiner } = reduction;
  const type = pre.output;
  const body = (read: (slot: number) => string) =>
    bodySource(pre, {
      prefix: 'v',
      read: (k) => loadSource(pre.inputs[k]!, read(k)),
      index: (dim) => `i${dim}`,
    });
  const finishing = bodySource(post, {
    prefix: 'w',
    read: () => 'result',
    index: (dim) => `i${dim}`,
    roundedLater: post.output === 'float16' || post.output === 'bfloat16',
  });
  return {
    reduction,
    type,
    identity: valueSource(identityOf(combiner, type)),
    combine: (a, b) => combineSource(combiner, type, a, b),
    element(read) {
      const { each, value } = body(read);
      return { each, value: wantsTruth(combiner, type) ? truthSource(type, value) : value };
    },
    once: body(() => '').once,
    postOnce: finishing.once,
    finish: (accumulated, target) =>
      `const result = ${accumulated};\n${finishing.each}\n${target} = ${storeSource(post.output, finishing.value)};`,
  };
}

/** Whether partial sums are added with compensation: in float64 alone, as the others accumulate in double. */
const isCompensated = ({ reduction, type }: Parts): boolean =>
  reduction.combiner === 'sum' && type === 'float64';

function header(reduction: Reduction, rank: number, keptRank: number): string {
  const lines = [openSource('y', 'output', KIND_OF[reduction.post.output]), 'let yP0 = output.offset + yB;'];
  for (let dim = 0; dim < rank; dim++) lines.push(`const n${dim} = shape[${dim}];`);
  for (let dim = 0; dim < keptRank; dim++) lines.push(`const yS${dim} = output.strides[${dim}];`);
  for (const [k, dtype] of reduction.pre.inputs.entries()) {
    lines.push(
      openSource(`x${k}`, `inputs[${k}]`, KIND_OF[dtype]),
      `let x${k}P0 = inputs[${k}].offset + x${k}B;`,
    );
    for (let dim = 0; dim < rank; dim++) lines.push(`const x${k}S${dim} = inputs[${k}].strides[${dim}];`);
  }
  return lines.join('\n');
}

/** Opens or closes the loop over `dim`; level `dim + 1` holds the offsets inside it. */
function openLoop(names: readonly string[], dim: number): string {
  return `for (let i${dim} = 0; i${dim} < n${dim}; i${dim}++) {
${names.map((name) => `let ${name}P${dim + 1} = ${name}P${dim};`).join(' ')}`;
}
const closeLoop = (names: readonly string[], dim: number): string =>
  `${names.map((name) => `${name}P${dim} += ${name}S${dim};`).join(' ')}\n}`;

const inputNames = (reduction: Reduction): string[] => reduction.pre.inputs.map((_, k) => `x${k}`);

/** Adds `value` to `total`, keeping what is lost in `lost` (Neumaier); infinities are left as they are. */
const addCompensated = (total: string, lost: string, value: string): string => `{
const sum = ${total} + ${value};
if (sum - sum === 0) ${lost} += Math.abs(${total}) >= Math.abs(${value}) ? ${total} - sum + ${value} : ${value} - sum + ${total};
${total} = sum;
}`;

/** One reduced value after another: the reduced dimensions are the inner loops. */
export function innerSource(reduction: Reduction, rank: number, keptRank: number): string {
  const parts = partsOf(reduction);
  const names = inputNames(reduction);
  const kept = ['y', ...names];
  const lines = [header(reduction, rank, keptRank), parts.once, parts.postOnce];
  for (let dim = 0; dim < keptRank; dim++) lines.push(openLoop(kept, dim));
  lines.push(`let total = ${parts.identity};`);
  if (isCompensated(parts)) lines.push('let lost = 0;');
  for (let dim = keptRank; dim < rank - 1; dim++) lines.push(openLoop(names, dim));
  lines.push(rank > keptRank ? runSource(parts, names, rank - 1) : singleSource(parts, rank));
  for (let dim = rank - 2; dim >= keptRank; dim--) lines.push(closeLoop(names, dim));
  lines.push(`{ ${parts.finish(isCompensated(parts) ? 'total + lost' : 'total', `y[yP${keptRank}]`)} }`);
  for (let dim = keptRank - 1; dim >= 0; dim--) lines.push(closeLoop(kept, dim));
  return `function reduceInner(shape, output, inputs, p) {\n${lines.join('\n')}\n}`;
}

function singleSource(parts: Parts, level: number): string {
  const { each, value } = parts.element((k) => `x${k}[x${k}P${level}]`);
  return `{ ${each}\ntotal = ${parts.combine('total', value)}; }`;
}

/** The innermost loop: several accumulators, so that one addition need not wait for the one before. */
function runSource(parts: Parts, names: readonly string[], dim: number): string {
  const { reduction } = parts;
  const unroll = reduction.pre.steps.length <= UNROLLED_STEPS ? UNROLL : 1;
  const accumulators = Array.from({ length: unroll }, (_, u) => `s${u}`);
  const lines = names.map((name) => `let ${name}Q = ${name}P${dim};`);
  for (const name of names)
    for (let u = 2; u <= unroll; u++) lines.push(`const ${name}S${dim}_${u} = ${name}S${dim} * ${u};`);
  const stride = (name: string, u: number): string =>
    u === 0 ? '' : u === 1 ? ` + ${name}S${dim}` : ` + ${name}S${dim}_${u}`;
  const replicate = (u: number, index: string): string => {
    const { each, value } = parts.element((k) => `x${k}[x${k}Q${stride(`x${k}`, u)}]`);
    return `{ const i${dim} = ${index};\n${each}\ns${u} = ${parts.combine(`s${u}`, value)}; }`;
  };
  const advance = (u: number): string =>
    names.map((name) => `${name}Q = ${name}Q${stride(name, u)};`).join(' ');
  const compensated = isCompensated(parts);
  if (compensated)
    lines.push(`let j = 0;\nwhile (j < n${dim}) {\nconst end = Math.min(n${dim}, j + ${BLOCK});`);
  else lines.push(`let j = 0; const end = n${dim};`);
  lines.push(...accumulators.map((name) => `let ${name} = ${parts.identity};`));
  if (unroll > 1) {
    const bodies = accumulators.map((_, u) => replicate(u, u === 0 ? 'j' : `j + ${u}`));
    lines.push(
      `for (; j + ${unroll - 1} < end; j += ${unroll}) {\n${bodies.join('\n')}\n${advance(unroll)}\n}`,
    );
  }
  lines.push(`for (; j < end; j++) {\n${replicate(0, 'j')}\n${advance(1)}\n}`);
  for (let u = 1; u < unroll; u++) lines.push(`s0 = ${parts.combine('s0', `s${u}`)};`);
  lines.push(
    compensated ? `${addCompensated('total', 'lost', 's0')}\n}` : `total = ${parts.combine('total', 's0')};`,
  );
  return `{ ${lines.join('\n')} }`;
}

const scratchSource = (type: DType, length: string): string => {
  switch (representationOf(type)) {
    case 'int64':
      return `new BigInt64Array(${length})`;
    case 'bool':
      return `new Uint8Array(${length})`;
    case 'int':
      return `new Int32Array(${length})`;
    default:
      return `new Float64Array(${length})`;
  }
};

/**
 * A row of accumulators, which are the last kept dimension: memory is walked row after row where the reduced
 * dimensions have the larger strides. `sums` holds up to `TILE` columns; in float64 it is emptied into `totals` with compensation.
 */
export function outerSource(reduction: Reduction, rank: number, keptRank: number): string {
  const parts = partsOf(reduction);
  const names = inputNames(reduction);
  const kept = ['y', ...names];
  const last = keptRank - 1;
  const compensated = isCompensated(parts);
  const lines = [header(reduction, rank, keptRank), parts.once, parts.postOnce];
  lines.push(
    `const width = Math.min(n${last}, ${TILE}); const sums = ${scratchSource(parts.type, 'width')};`,
  );
  if (compensated) lines.push('const totals = new Float64Array(width), losses = new Float64Array(width);');
  for (let dim = 0; dim < last; dim++) lines.push(openLoop(kept, dim));
  lines.push(
    `for (let start = 0; start < n${last}; start += ${TILE}) {\nconst end = Math.min(n${last}, start + ${TILE}); const count = end - start;`,
  );
  lines.push(`sums.fill(${parts.type === 'bool' ? `${parts.identity} ? 1 : 0` : parts.identity});`);
  if (compensated) lines.push('totals.fill(0); losses.fill(0); let rows = 0;');
  lines.push(...names.map((name) => `let ${name}P${keptRank} = ${name}P${last} + start * ${name}S${last};`));
  for (let dim = keptRank; dim < rank; dim++) lines.push(openLoop(names, dim));
  lines.push(rowSource(parts, names, last, rank));
  if (compensated) lines.push(`if (++rows === ${BLOCK / 4}) { ${emptySource()} rows = 0; }`);
  for (let dim = rank - 1; dim >= keptRank; dim--) lines.push(closeLoop(names, dim));
  if (compensated) lines.push(emptySource());
  const sum = compensated ? 'totals[j] + losses[j]' : parts.type === 'bool' ? 'sums[j] !== 0' : 'sums[j]';
  lines.push(`let yQ = yP${last} + start * yS${last};
for (let j = 0; j < count; j++) { const i${last} = start + j; ${parts.finish(sum, 'y[yQ]')} yQ += yS${last}; }
}`);
  for (let dim = last - 1; dim >= 0; dim--) lines.push(closeLoop(kept, dim));
  return `function reduceOuter(shape, output, inputs, p) {\n${lines.join('\n')}\n}`;
}

const emptySource = (): string =>
  `for (let j = 0; j < count; j++) { let total = totals[j], lost = losses[j]; const value = sums[j]; ${addCompensated('total', 'lost', 'value')} totals[j] = total; losses[j] = lost; sums[j] = 0; }`;

/** One row combined into the accumulators. */
function rowSource(parts: Parts, names: readonly string[], last: number, rank: number): string {
  const { each, value } = parts.element((k) => `x${k}[x${k}Q]`);
  const [read, write] =
    parts.type === 'bool'
      ? ['sums[j] !== 0', (text: string) => `${text} ? 1 : 0`]
      : ['sums[j]', (text: string) => text];
  return `${names.map((name) => `let ${name}Q = ${name}P${rank};`).join(' ')}
for (let j = 0; j < count; j++) {
const i${last} = start + j;
${each}
const sum = ${read};
sums[j] = ${write(parts.combine('sum', value))};
${names.map((name) => `${name}Q += ${name}S${last};`).join(' ')}
}`;
}
