/**
 * How a kernel finds the elements of strided operands: a linear number is taken apart into indices, one for each
 * dimension of a nest of loops, and put together again with each operand's strides. Sizes and strides are arguments,
 * so that one kernel serves every layout of a rank class.
 */

/** The ranks for which there are kernels; a nest of another rank is padded with dimensions of size 1 in front. */
const CLASSES = [1, 2, 4, 8] as const;

export const rankClass = (rank: number): number => CLASSES.find((size) => size >= rank) ?? 8;

/** The type in which a kernel counts elements: int, or long long where an operand reaches further. */
export interface Counting {
  readonly wide: boolean;
}

export const indexType = ({ wide }: Counting): string => (wide ? 'long long' : 'int');

export class NestSource {
  readonly rank: number;
  private readonly prefix: string;
  private readonly counting: Counting;
  private readonly operands: readonly string[];

  /** @param prefix sets apart the nests of one kernel. */
  constructor(prefix: string, rank: number, operands: readonly string[], counting: Counting) {
    this.prefix = prefix;
    this.rank = rank;
    this.operands = operands;
    this.counting = counting;
  }

  /** The parameters, in the order in which `writeNest` writes them. */
  get parameters(): string[] {
    const { prefix, rank, counting } = this;
    const index = indexType(counting);
    const lines: string[] = [];
    for (let dim = 1; dim < rank; dim++) {
      lines.push(`${index} ${prefix}n${dim}`);
      if (!counting.wide) lines.push(`unsigned ${prefix}m${dim}`, `int ${prefix}h${dim}`);
    }
    for (const operand of this.operands) {
      for (let dim = 0; dim < rank; dim++) lines.push(`${index} ${prefix}${operand}s${dim}`);
    }
    return lines;
  }

  /** Statements that take `linear` apart into `<prefix>i0 …`. */
  decode(linear: string): string {
    const { prefix, rank, counting } = this;
    if (rank === 1) return `const ${indexType(counting)} ${prefix}i0 = ${linear};`;
    const lines = counting.wide
      ? [`long long ${prefix}rest = ${linear}, ${prefix}next;`]
      : [`unsigned ${prefix}rest = (unsigned)(${linear}), ${prefix}next;`];
    for (let dim = rank - 1; dim > 0; dim--) {
      const [r, q, n] = [`${prefix}rest`, `${prefix}next`, `${prefix}n${dim}`];
      lines.push(
        counting.wide
          ? `${q} = ${r} / ${n}; const long long ${prefix}i${dim} = ${r} - ${q} * ${n}; ${r} = ${q};`
          : `${q} = (__umulhi(${r}, ${prefix}m${dim}) + ${r}) >> ${prefix}h${dim}; const int ${prefix}i${dim} = (int)(${r} - ${q} * (unsigned)${n}); ${r} = ${q};`,
      );
    }
    lines.push(`const ${indexType(counting)} ${prefix}i0 = (${indexType(counting)})${prefix}rest;`);
    return lines.join('\n');
  }

  /** Where an operand's element lies, after `decode`. */
  offset(operand: string): string {
    const { prefix, rank } = this;
    return Array.from({ length: rank }, (_, dim) => `${prefix}i${dim} * ${prefix}${operand}s${dim}`).join(
      ' + ',
    );
  }

  index(dim: number): string {
    return `${this.prefix}i${dim}`;
  }
}
