/**
 * Digits after the point that settle every tie: a float64 that lies next to a tie differs from it within so many.
 * 100 is the most that JavaScript writes.
 */
const settling = (precision: number): number => Math.min(100, precision + 40);

/** From here on JavaScript writes fixed notation with an exponent. */
const FIXED_LIMIT = 1e21;

const sign = (value: number): string => (value < 0 || Object.is(value, -0) ? '-' : '');

function nonFinite(value: number): string {
  return Number.isNaN(value) ? 'nan' : `${sign(value)}inf`;
}

/**
 * The digits before an exact tie, if that is what the longer text shows and rounding to even keeps them:
 * JavaScript rounds ties away from zero, C and Python to even.
 */
function tieToEven(longer: string, precision: number): string | undefined {
  const point = longer.indexOf('.');
  const end = point + 1 + precision;
  if (longer[end] !== '5' || /[1-9]/.test(longer.slice(end + 1))) return undefined;
  const kept = longer.slice(0, precision === 0 ? point : end);
  return (kept.charCodeAt(kept.length - 1) - 48) % 2 === 0 ? kept : undefined;
}

/** `precision` digits after the point, ties to even: C's `%.4f`. */
export function fixed(value: number, precision: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const size = Math.abs(value);
  if (size >= FIXED_LIMIT)
    return sign(value) + BigInt(size).toString() + (precision > 0 ? `.${'0'.repeat(precision)}` : '');
  // A tie is an odd multiple of 10^-precision / 2, and as a binary fraction it is a multiple of 2^-(precision + 1).
  const digits = Number.isInteger(size * 2 ** (precision + 1))
    ? tieToEven(size.toFixed(settling(precision)), precision)
    : undefined;
  return sign(value) + (digits ?? size.toFixed(precision));
}

/** One digit before the point, `precision` after it, and an exponent of two digits at least: C's `%.4e`. */
export function scientific(value: number, precision: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const size = Math.abs(value);
  const text = size.toExponential(precision);
  const at = text.indexOf('e');
  const longer = size.toExponential(settling(precision));
  const mantissa = tieToEven(longer.slice(0, longer.indexOf('e')), precision) ?? text.slice(0, at);
  const exponent = text.slice(at + 2).padStart(2, '0');
  return `${sign(value)}${mantissa}e${text[at + 1]}${exponent}`;
}
