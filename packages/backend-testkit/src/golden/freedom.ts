import { isInteger, type Json } from './case.ts';
import { isTensorJson } from './compare.ts';
import { decodeTensor } from './elements.ts';
import { isTensor } from './framework.ts';

/**
 * Where the mathematics, or PyTorch's own documentation, leaves a result free, it is compared through what it must satisfy.
 * Here stand those rules: equal elements in any order now; the signs and bases of decompositions belong here too.
 */
export interface FreeResult {
  readonly named: ReadonlyMap<string, unknown>;
  /** Our results, in PyTorch's order. */
  readonly results: readonly unknown[];
  readonly expected: readonly Json[];
}

/** The differences by position of the result; a position that is not named is compared as usual. */
type Rule = (free: FreeResult) => Promise<ReadonlyMap<number, readonly string[]>>;

const ordering = { distinct: true };
const picking = { distinct: false };

export const freedoms: Readonly<Record<string, Rule>> = {
  sort: tiedIndices(1, ordering),
  argsort: tiedIndices(0, ordering),
  topk: tiedIndices(1, ordering),
  kthvalue: tiedIndices(1, picking),
  mode: tiedIndices(1, picking),
  median: tiedIndices(1, picking),
  nanmedian: tiedIndices(1, picking),
};

/**
 * Indices into the input along `dim`, of which any may stand for an equal element: each must lead to the same value as
 * PyTorch's, and in an ordering no index may come twice.
 */
function tiedIndices(position: number, { distinct }: { distinct: boolean }): Rule {
  return async ({ named, results, expected }) => {
    const [got, wanted, input] = [results[position], expected[position], named.get('input')];
    if (named.get('stable') === true || wanted === undefined || !isTensorJson(wanted)) return new Map();
    const raw = decodeTensor(wanted);
    if (!isTensor(got) || !isTensor(input)) return new Map();
    if (!isInteger(got.dtype) || got.shape.join() !== raw.shape.join()) return new Map();

    const values = await input.data();
    const ours = Array.from(await got.data(), Number);
    const theirs = Array.from(raw.elements, Number);
    const rank = input.shape.length;
    const dim = typeof named.get('dim') === 'number' ? (named.get('dim') as number) : -1;
    const axis = rank === 0 ? 0 : (dim + rank) % rank;
    const size = input.shape[axis] ?? 1;
    const inner = input.shape.slice(axis + 1).reduce((product, length) => product * length, 1);
    const count = raw.shape.length === rank ? (raw.shape[axis] ?? 1) : 1;

    const seen = new Set<string>();
    for (const [i, index] of ours.entries()) {
      const outer = Math.floor(i / (count * inner));
      const line = outer * size * inner + (i % inner);
      if (!(index >= 0 && index < size)) return verdict(position, `index ${index} is outside 0..${size - 1}`);
      const wantedIndex = theirs[i] ?? 0;
      const [value, wantedValue] = [values[line + index * inner], values[line + wantedIndex * inner]];
      // Object.is for NaN, === for the two zeros.
      if (!Object.is(value, wantedValue) && value !== wantedValue) {
        return verdict(
          position,
          `index ${index} leads to ${value}, PyTorch's ${wantedIndex} to ${wantedValue}`,
        );
      }
      const key = `${line}:${index}`;
      if (distinct && seen.has(key)) return verdict(position, `index ${index} comes twice`);
      seen.add(key);
    }
    return new Map([[position, []]]);
  };
}

function verdict(position: number, difference: string): ReadonlyMap<number, readonly string[]> {
  return new Map([[position, [`out[${position}]: ${difference}`]]]);
}
