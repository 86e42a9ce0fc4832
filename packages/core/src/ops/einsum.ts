import { composite } from '../dispatch/declare.ts';
import { ArgumentError, ShapeError, showShape } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { MAX_RANK, sizeOf } from '../shape.ts';
import { mul } from './arithmetic.ts';
import { sum } from './broadcast.ts';
import { cast } from './copying.ts';
import { checkFactors, matmul } from './matmul.ts';
import { permute, reshape, squeeze } from './reshape.ts';
import { diagonal } from './slicing.ts';

/** A name of a dimension: a letter, or `.0 .1 …` for those of an ellipsis, counted from its right. */
type Label = string;

/** A tensor with a name for each dimension, each name once. */
interface Term {
  readonly x: Tensor;
  readonly labels: readonly Label[];
}

interface Equation {
  /** For each operand its letters; `...` stands as one entry. */
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[] | undefined;
}

const refuse = (what: string, equation: string): ArgumentError =>
  new ArgumentError(`einsum: ${what}; the equation is ${JSON.stringify(equation)}`, {
    op: 'einsum',
    data: { equation },
  });

function parse(equation: string): Equation {
  const parts = equation.replaceAll(' ', '').split('->');
  if (parts.length > 2) throw refuse('there is more than one ->', equation);
  const letters = (term: string): readonly string[] => {
    const found = term.match(/\.\.\.|[A-Za-z]/g) ?? [];
    if (found.join('') !== term)
      throw refuse(`${JSON.stringify(term)} holds something other than letters and one ...`, equation);
    if (found.filter((label) => label === '...').length > 1)
      throw refuse(`${JSON.stringify(term)} has more than one ...`, equation);
    return found;
  };
  const output = parts[1] === undefined ? undefined : letters(parts[1]);
  if (output !== undefined && new Set(output).size !== output.length)
    throw refuse(`a letter appears twice in the output ${parts[1]}`, equation);
  return { inputs: parts[0]!.split(',').map(letters), output };
}

/** Names the dimensions of an operand; a letter that it repeats becomes the diagonal of those dimensions. */
function term(equation: string, x: Tensor, letters: readonly string[], position: number): Term {
  const given = letters.filter((label) => label !== '...').length;
  const hidden = x.shape.length - given;
  if (hidden < 0 || (hidden > 0 && !letters.includes('...'))) {
    throw new ShapeError(
      `einsum: operand ${position} has ${x.shape.length} dimensions, ${showShape(x.shape)}, but ${letters.join('') || 'an empty term'} names ${given}; the equation is ${JSON.stringify(equation)}`,
      { op: 'einsum' },
    );
  }
  const labels = letters.flatMap((label) =>
    label === '...' ? Array.from({ length: hidden }, (_, i) => `.${hidden - 1 - i}`) : [label],
  );
  return withoutRepeats(equation, { x, labels });
}

function withoutRepeats(equation: string, { x, labels }: Term): Term {
  const second = labels.findIndex((label, i) => labels.indexOf(label) < i);
  if (second < 0) return { x, labels };
  const first = labels.indexOf(labels[second]!);
  if (x.shape[first] !== x.shape[second]) {
    throw new ShapeError(
      `einsum: the letter ${labels[second]} names dims of sizes ${x.shape[first]} and ${x.shape[second]} of ${showShape(x.shape)}; the equation is ${JSON.stringify(equation)}`,
      { op: 'einsum' },
    );
  }
  const rest = labels.filter((_, i) => i !== first && i !== second);
  return withoutRepeats(equation, {
    x: diagonal(x, { dim1: first, dim2: second }),
    labels: [...rest, labels[second]!],
  });
}

/** The labels of the result: as written, or the ellipsis and then all letters that appear once, in order. */
function outputLabels(equation: string, parsed: Equation, terms: readonly Term[]): readonly Label[] {
  const present = new Set(terms.flatMap(({ labels }) => labels));
  const hidden = [...present]
    .filter((label) => label.startsWith('.'))
    .sort((a, b) => Number(b.slice(1)) - Number(a.slice(1)));
  if (parsed.output !== undefined) {
    const labels = parsed.output.flatMap((label) => (label === '...' ? hidden : [label]));
    const unknown = labels.find((label) => !present.has(label));
    if (unknown !== undefined) throw refuse(`the output's letter ${unknown} is in no operand`, equation);
    return labels;
  }
  const uses = new Map<string, number>();
  for (const label of parsed.inputs.flat()) uses.set(label, (uses.get(label) ?? 0) + 1);
  const once = [...uses].filter(([label, count]) => label !== '...' && count === 1).map(([label]) => label);
  return [...hidden, ...once.sort()];
}

/** Refuses labels with several sizes; a size of 1 goes with any. */
function checkSizes(equation: string, terms: readonly Term[]): void {
  const sizes = new Map<Label, number>();
  for (const { x, labels } of terms) {
    labels.forEach((label, i) => {
      const size = x.shape[i]!;
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && size !== 1 && known !== size) {
        const what = label.startsWith('.') ? 'the ellipsis' : `the letter ${label}`;
        throw new ShapeError(
          `einsum: ${what} has sizes ${known} and ${size}; the equation is ${JSON.stringify(equation)}, the operands are ${terms.map((t) => showShape(t.x.shape)).join(', ')}`,
          { op: 'einsum' },
        );
      }
      sizes.set(label, known === 1 ? size : known);
    });
  }
}

/** Sums over dimensions that nobody needs any more. */
function keep({ x, labels }: Term, needed: ReadonlySet<Label>): Term {
  const gone = labels.flatMap((label, i) => (needed.has(label) ? [] : [i]));
  if (gone.length === 0) return { x, labels };
  return { x: cast(sum(x, gone), x.dtype), labels: labels.filter((label) => needed.has(label)) };
}

/** Drops dimensions of size 1 that the other term has larger: they repeat. */
function withoutUnits({ x, labels }: Term, other: Term): Term {
  const units = labels.flatMap((label, i) =>
    x.shape[i] === 1 && (other.x.shape[other.labels.indexOf(label)] ?? 1) !== 1 ? [i] : [],
  );
  return units.length === 0
    ? { x, labels }
    : { x: squeeze(x, units), labels: labels.filter((_, i) => !units.includes(i)) };
}

/** The tensor with its dimensions in the order of `labels`; dimensions that it lacks have size 1. */
function arrange({ x, labels }: Term, order: readonly Label[]): Tensor {
  const present = order.filter((label) => labels.includes(label));
  const ordered = permute(
    x,
    present.map((label) => labels.indexOf(label)),
  );
  return present.length === order.length
    ? ordered
    : reshape(
        ordered,
        order.map((label) => sizeAt({ x, labels }, label)),
      );
}

const sizeAt = ({ x, labels }: Term, label: Label): number => x.shape[labels.indexOf(label)] ?? 1;

/** The product of two terms, summed over what nobody needs: a batched matrix product. */
function contract(first: Term, second: Term, needed: ReadonlySet<Label>): Term {
  const a = keep(withoutUnits(first, second), new Set([...needed, ...second.labels]));
  const b = keep(withoutUnits(second, first), new Set([...needed, ...a.labels]));
  return contractKept(keep(a, new Set([...needed, ...b.labels])), b, needed);
}

function contractKept(a: Term, b: Term, needed: ReadonlySet<Label>): Term {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => needed.has(label));
  const inner = shared.filter((label) => !needed.has(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const columns = b.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...rows, ...columns];
  if (inner.length === 0 && (rows.length === 0 || columns.length === 0) && labels.length <= MAX_RANK) {
    return { x: mul(arrange(a, labels), arrange(b, labels)), labels };
  }
  const of = (t: Term, names: readonly Label[]): number[] => names.map((label) => sizeAt(t, label));
  const [sizes, m, k, n] = [of(a, batch), sizeOf(of(a, rows)), sizeOf(of(a, inner)), sizeOf(of(b, columns))];
  const left = reshape(arrange(a, [...batch, ...rows, ...inner]), [sizeOf(sizes), m, k]);
  const right = reshape(arrange(b, [...batch, ...inner, ...columns]), [sizeOf(sizes), k, n]);
  return { x: reshape(matmul(left, right), [...sizes, ...of(a, rows), ...of(b, columns)]), labels };
}

/**
 * Sums of products in Einstein's notation: each letter names a dimension; what the output does not name is summed.
 * Without `->`, the output has the letters that appear once, in alphabetical order. `...` stands for leading
 * dimensions, which broadcast; a letter repeated within an operand takes the diagonal.
 *
 * - `tensors`: one for each term of the equation, of one dtype
 *
 * Operands are taken two at a time from the left, each pair as a batched matrix product.
 *
 * @throws {ArgumentError} the equation cannot be read. @throws {ShapeError} the operands do not fit it.
 * @example einsum('ij,jk->ik', [ones([2, 3]), ones([3, 2])]) // tensor([[3., 3.], [3., 3.]])
 */
export const einsum = composite('einsum', (equation: string, tensors: readonly Tensor[]): Tensor => {
  if (typeof equation !== 'string' || !Array.isArray(tensors)) {
    throw new ArgumentError(
      "einsum: takes an equation and an array of tensors, e.g. einsum('ij,jk->ik', [a, b])",
      { op: 'einsum' },
    );
  }
  const parsed = parse(equation);
  if (tensors.length !== parsed.inputs.length || tensors.length === 0) {
    throw refuse(`${tensors.length} operands are given for ${parsed.inputs.length} terms`, equation);
  }
  checkFactors('einsum', ...tensors);
  const terms = parsed.inputs.map((letters, i) => term(equation, tensors[i]!, letters, i));
  checkSizes(equation, terms);
  const output = outputLabels(equation, parsed, terms);
  const wanted = new Set(output);
  let total = keep(terms[0]!, new Set([...wanted, ...terms.slice(1).flatMap(({ labels }) => labels)]));
  for (let i = 1; i < terms.length; i++) {
    total = contract(
      total,
      terms[i]!,
      new Set([...wanted, ...terms.slice(i + 1).flatMap(({ labels }) => labels)]),
    );
  }
  return permute(
    total.x,
    output.map((label) => total.labels.indexOf(label)),
  );
});
