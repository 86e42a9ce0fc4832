/**
 * Functions to some hundred bits, in fixed point on bigints: the judge of approximations in float64. Slow, and made
 * of series alone, so that it shares nothing with what it judges.
 */

const BITS = 420;
const P = BigInt(BITS);
const ONE = 1n << P;

/** `m 2^e`. */
export interface Exact {
  readonly m: bigint;
  readonly e: number;
}

const scratch = new DataView(new ArrayBuffer(8));

/** A double's significand and exponent. */
function parts(x: number): Exact {
  scratch.setFloat64(0, x);
  const bits = scratch.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 2047n);
  const fraction = bits & ((1n << 52n) - 1n);
  const m = exponent === 0 ? fraction : fraction | (1n << 52n);
  return { m: x < 0 ? -m : m, e: Math.max(exponent, 1) - 1075 };
}

const shift = (m: bigint, by: number): bigint => (by >= 0 ? m << BigInt(by) : m >> BigInt(-by));
/** Towards zero, so that series of either sign come to their end. */
const mul = (a: bigint, b: bigint): bigint => (a * b) / ONE;
const div = (a: bigint, b: bigint): bigint => (a << P) / b;
const abs = (a: bigint): bigint => (a < 0n ? -a : a);
const fixed = (x: number): bigint => {
  const { m, e } = parts(x);
  return shift(m, e + BITS);
};
const plain = (m: bigint): Exact => ({ m, e: -BITS });

function sqrt(x: bigint): bigint {
  const n = x << P;
  if (n === 0n) return 0n;
  let y = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (y + n / y) >> 1n;
    if (next >= y) return y;
    y = next;
  }
}

/** x ± x³/3 + x⁵/5 …: atan and atanh of a small number. */
function odd(x: bigint, sign: 1n | -1n): bigint {
  const square = mul(x, x) * sign;
  let [power, sum, k] = [x, x, 1n];
  while (power !== 0n) {
    power = mul(power, square);
    k += 2n;
    sum += power / k;
  }
  return sum;
}

const LN2 = 2n * odd(ONE / 3n, 1n);
const PI = 4n * (4n * odd(ONE / 5n, -1n) - odd(ONE / 239n, -1n));

function expOf(x: bigint): Exact {
  const k = (x + (LN2 >> 1n)) / LN2 - (x + (LN2 >> 1n) < 0n ? 1n : 0n);
  const r = (x - k * LN2) >> 8n;
  let [term, sum, i] = [ONE, ONE, 1n];
  while (term !== 0n) {
    term = mul(term, r) / i;
    sum += term;
    i += 1n;
  }
  for (let n = 0; n < 8; n++) sum = mul(sum, sum);
  return { m: sum, e: Number(k) - BITS };
}

const settle = ({ m, e }: Exact): bigint => shift(m, e + BITS);

function logOf(x: number): bigint {
  const { m, e } = parts(x);
  const size = m.toString(2).length;
  // Between 3/4 and 3/2.
  let [value, power] = [shift(m, BITS - size), e + size];
  if (value < (ONE * 3n) / 4n) [value, power] = [value * 2n, power - 1];
  return 2n * odd(div(value - ONE, value + ONE), 1n) + BigInt(power) * LN2;
}

function circle(x: bigint): readonly [sin: bigint, cos: bigint] {
  const turn = 2n * PI;
  const r = x % turn;
  const small = r >> 4n;
  const series = (first: bigint, from: bigint): bigint => {
    let [term, sum, i] = [first, first, from];
    while (term !== 0n) {
      term = -mul(mul(term, small), small) / ((i + 1n) * (i + 2n));
      sum += term;
      i += 2n;
    }
    return sum;
  };
  let [s, c] = [series(small, 1n), series(ONE, 0n)];
  for (let n = 0; n < 4; n++) [s, c] = [2n * mul(s, c), ONE - 2n * mul(s, s)];
  return [s, c];
}

function atanOf(x: bigint): bigint {
  let y = x;
  for (let n = 0; n < 4; n++) y = div(y, ONE + sqrt(ONE + mul(y, y)));
  return odd(y, -1n) << 4n;
}

/** Past the precision of fixed point, an argument is its own sine, tangent, arc … */
const exp = (x: number): bigint => settle(expOf(fixed(x)));
const ratio = (a: bigint, b: bigint): Exact => plain(div(a, b));

export const EXACT = {
  exp: (x: number) => expOf(fixed(x)),
  exp2: (x: number) => expOf(mul(fixed(x), LN2)),
  expm1: (x: number) => plain(exp(x) - ONE),
  log: (x: number) => plain(logOf(x)),
  log2: (x: number) => ratio(logOf(x), LN2),
  log10: (x: number) => ratio(logOf(x), logOf(10)),
  log1p: (x: number) => plain(2n * odd(div(fixed(x), 2n * ONE + fixed(x)), 1n)),
  sin: (x: number) => plain(circle(fixed(x))[0]),
  cos: (x: number) => plain(circle(fixed(x))[1]),
  tan: (x: number) => ratio(...circle(fixed(x))),
  asin: (x: number) => plain(atanOf(div(fixed(x), sqrt(ONE - mul(fixed(x), fixed(x)))))),
  acos: (x: number) => plain(PI / 2n - atanOf(div(fixed(x), sqrt(ONE - mul(fixed(x), fixed(x)))))),
  atan: (x: number) => plain(atanOf(fixed(x))),
  sinh: (x: number) => plain((exp(x) - exp(-x)) / 2n),
  cosh: (x: number) => plain((exp(x) + exp(-x)) / 2n),
  tanh: (x: number) => ratio(exp(2 * x) - ONE, exp(2 * x) + ONE),
} as const;

export const exactPow = (x: number, y: number): Exact => expOf(mul(fixed(y), logOf(x)));
export const exactAtan2 = (y: number, x: number): Exact => {
  const turn = x > 0 ? 0n : y < 0 ? -PI : PI;
  return plain(turn + atanOf(div(fixed(y), fixed(x))));
};

/** How far `got` lies from `exact`, in gaps between the floats around that. `digits` is 53 or 24, `least` the exponent of the smallest. */
export function ulpsOff(got: number, exact: Exact, digits: number, least: number): number {
  const size = abs(exact.m).toString(2).length + exact.e;
  const gap = Math.max(size - digits, least);
  const own = parts(got);
  const common = Math.min(own.e, exact.e);
  const distance = abs((own.m << BigInt(own.e - common)) - (exact.m << BigInt(exact.e - common)));
  return Number(shift(distance, common - gap + 30)) / 2 ** 30;
}
