import { type Expr, literal } from '../expr/expr.ts';

/** The parameters that every random program has, with the defaults that stand for "always given". */
export const STREAM = { seedLow: -1, seedHigh: -1, offsetLow: -1, offsetHigh: -1 } as const;

export type Stream = { readonly [K in keyof typeof STREAM]: Expr };

const ROUNDS = 10;
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;

/**
 * The four words of one block of Philox 4x32-10.
 *
 * @see Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (2011)
 */
export function philox(block: Expr, stream: Stream): readonly [Expr, Expr, Expr, Expr] {
  const word = (value: Expr): Expr => value.cast('uint32');
  const low = word(stream.offsetLow).add(word(block));
  const carry = low.lt(word(stream.offsetLow)).select(word(literal(1)), word(literal(0)));
  let counter: [Expr, Expr, Expr, Expr] = [
    low,
    word(stream.offsetHigh).add(carry),
    word(literal(0)),
    word(literal(0)),
  ];
  let key = [word(stream.seedLow), word(stream.seedHigh)] as const;
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) key = [key[0].add(word(literal(WEYL[0]))), key[1].add(word(literal(WEYL[1])))];
    const [a, b] = [word(literal(MULTIPLIERS[0])), word(literal(MULTIPLIERS[1]))];
    counter = [
      b.mulHigh(counter[2]).bitXor(counter[1]).bitXor(key[0]),
      b.mul(counter[2]),
      a.mulHigh(counter[0]).bitXor(counter[3]).bitXor(key[1]),
      a.mul(counter[0]),
    ];
  }
  return counter;
}

/** The word of element `i`, where four elements share a block. */
export function wordOf(i: Expr, stream: Stream): Expr {
  const [w0, w1, w2, w3] = philox(i.shiftRight(2), stream);
  const lane = i.bitAnd(3);
  return lane.eq(0).select(w0, lane.eq(1).select(w1, lane.eq(2).select(w2, w3)));
}

/** A word as a float32 in `[0, 1)`: its upper 24 bits. */
export const unit = (word: Expr): Expr =>
  word
    .shiftRight(8)
    .cast('float32')
    .mul(2 ** -24);

/** Two words as a float64 in `[0, 1)`: 53 bits. */
export const unit64 = (high: Expr, low: Expr): Expr =>
  high
    .shiftRight(5)
    .cast('float64')
    .mul(2 ** 26)
    .add(low.shiftRight(6).cast('float64'))
    .mul(2 ** -53);
