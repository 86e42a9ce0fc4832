/**
 * Weights and inputs by a fixed integer formula, so that every language makes the same ones bit for bit.
 * `peer_torch.py` holds the same formula in Python; the harness finds a difference as a wrong result.
 */

/** The finaliser of MurmurHash3: spreads the bits of a 32-bit number. */
export function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const SEED_STEP = 0x9e3779b1;

const bits = (seed: number, i: number): number => mix(i + Math.imul(seed, SEED_STEP));

/** `length` numbers spread evenly over `base - bound … base + bound`. */
export function uniform(seed: number, length: number, bound = 1, base = 0): Float32Array {
  return Float32Array.from({ length }, (_, i) => base + bound * ((bits(seed, i) >>> 8) / 2 ** 23 - 1));
}

/** `length` integers of `0 … count - 1`. */
export function classes(seed: number, length: number, count: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => (bits(seed, i) >>> 8) % count);
}
