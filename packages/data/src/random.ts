import { defaultGenerator, type Generator } from '@flambeau/core';

const ROUNDS = 10;

/** The upper and the lower half of the product of two 32-bit words. */
function multiply(a: number, b: number): [high: number, low: number] {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return [
    (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000)) >>> 0,
    Math.imul(a, b) >>> 0,
  ];
}

/**
 * The next `count` random words of a generator, on the host: the same bits that `rand` takes on a device.
 *
 * @see Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (2011), for Philox 4x32-10
 */
export function randomWords(generator: Generator, count: number): Uint32Array {
  const blockCount = Math.ceil(count / 4);
  const { seedLow, seedHigh, offsetLow, offsetHigh } = generator.take(blockCount);
  const words = new Uint32Array(blockCount * 4);
  for (let block = 0; block < blockCount; block++) {
    let c0 = (offsetLow + block) >>> 0;
    let c1 = (offsetHigh + (offsetLow + block > 0xffffffff ? 1 : 0)) >>> 0;
    let c2 = 0;
    let c3 = 0;
    let k0 = seedLow;
    let k1 = seedHigh;
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) {
        k0 = (k0 + 0x9e3779b9) >>> 0;
        k1 = (k1 + 0xbb67ae85) >>> 0;
      }
      const [high0, low0] = multiply(0xd2511f53, c0);
      const [high1, low1] = multiply(0xcd9e8d57, c2);
      c0 = (high1 ^ c1 ^ k0) >>> 0;
      c1 = low1;
      c2 = (high0 ^ c3 ^ k1) >>> 0;
      c3 = low0;
    }
    words.set([c0, c1, c2, c3], block * 4);
  }
  return words.subarray(0, count);
}

/** An integer of `[0, bound)` from a random word; uneven by less than `bound / 2^32`. */
const below = (word: number, bound: number): number => Math.floor((word / 2 ** 32) * bound);

/** The integers below `length` in random order. */
export function permutation(length: number, generator: Generator = defaultGenerator): Uint32Array {
  const order = new Uint32Array(length);
  const words = randomWords(generator, length);
  for (let i = 0; i < length; i++) {
    // The next integer goes to a random place among those that stand, and what was there to the end.
    const j = below(words[i]!, i + 1);
    order[i] = order[j]!;
    order[j] = i;
  }
  return order;
}

/** Random integers of `[0, bound)`, each as likely as the others. */
export function randomIntegers(
  count: number,
  bound: number,
  generator: Generator = defaultGenerator,
): Uint32Array {
  return randomWords(generator, count).map((word) => below(word, bound));
}

/** Random numbers of `[0, 1)` with all 53 bits. */
export function randomUniform(count: number, generator: Generator = defaultGenerator): Float64Array {
  const words = randomWords(generator, count * 2);
  return Float64Array.from(
    { length: count },
    (_, i) => ((words[2 * i]! >>> 5) * 2 ** 26 + (words[2 * i + 1]! >>> 6)) * 2 ** -53,
  );
}
