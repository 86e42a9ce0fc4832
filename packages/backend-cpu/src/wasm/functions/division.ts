import { f64x2, i32x4, i64, i64x2, Type, v128 } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';
import type { Real } from '../lanes/real.ts';
import { byLane, type HostKind } from './host.ts';

/**
 * Divisions that round, and what they leave: `truncDiv` and `rem` go towards zero, `floorDiv` and `mod` down. Each has
 * cases that only the host's function of the same name gets right or refuses; where a lane holds one, it takes all lanes.
 */
export type Division = 'truncDiv' | 'rem' | 'floorDiv' | 'mod';

/** `usual`, or what the host's function gives for `operands` where a lane is rare. */
function unless(
  lanes: Lanes,
  rare: Reg,
  kind: HostKind,
  host: number,
  operands: readonly Reg[],
  usual: () => Reg,
): Reg {
  const { f } = lanes;
  const y = f.local(Type.v128);
  f.get(rare).op(v128.anyTrue);
  f.if(
    () => f.get(byLane(lanes, kind, host, operands)).set(y),
    () => f.get(usual()).set(y),
  );
  return y;
}

/**
 * float32 in lanes of float64. A quotient below 2²⁸ that is no whole number lies at least 2⁻²⁴ beside the next one, so that
 * its rounding does not reach that; and the quotient's whole part times a divisor of 24 bits is exact.
 */
export function divideSingle(F: Real, op: Exclude<Division, 'truncDiv'>, x: Reg, y: Reg, host: number): Reg {
  const { lanes } = F;
  const quotient = F.div(x, y);
  const endless = F.eq(F.abs(y), F.c(Number.POSITIVE_INFINITY));
  const rare = lanes.or(F.ge(F.abs(quotient), F.c(2 ** 28)), endless);
  return unless(lanes, rare, 'f64', host, [x, y], () => {
    if (op === 'floorDiv') return lanes.apply(f64x2.floor, quotient);
    const left = F.sub(x, F.mul(lanes.apply(f64x2.trunc, quotient), y));
    // It has the sign of `x` even where it is 0.
    const rem = lanes.or(left, F.signOf(x));
    if (op === 'rem') return rem;
    const across = lanes.and(F.ne(rem, F.c(0)), F.lt(F.flip(F.c(1), lanes.xor(rem, y)), F.c(0)));
    return F.select(across, F.add(rem, y), rem);
  });
}

/** int32 and narrower, by quotients in float64, whose whole parts are exact. A divisor of 0 is the host's to refuse. */
export function divideInt32(lanes: Lanes, F: Real, op: Division, a: Reg, b: Reg, host: number): Reg {
  const wide = (reg: Reg, half: 0 | 1): Reg =>
    lanes.apply(f64x2.convertLowI32x4S, half === 0 ? reg : lanes.pick(reg, reg, 2, 3, 2, 3));
  const round = op === 'truncDiv' || op === 'rem' ? f64x2.trunc : f64x2.floor;
  const [low, high] = ([0, 1] as const).map((half) =>
    lanes.apply(round, F.div(wide(a, half), wide(b, half))),
  ) as [Reg, Reg];
  const quotient = lanes.pick(
    lanes.apply(i32x4.truncF64x2S, low),
    lanes.apply(i32x4.truncF64x2S, high),
    0,
    1,
    4,
    5,
  );
  const zero = lanes.apply(i32x4.eq, b, lanes.constant('i32', 0));
  // -2³¹ / -1 alone does not fit.
  const least = lanes.apply(i32x4.eq, a, lanes.constant('i32', -(2 ** 31)));
  return unless(lanes, lanes.or(zero, least), 'i32', host, [a, b], () =>
    op === 'truncDiv' || op === 'floorDiv'
      ? quotient
      : lanes.apply(i32x4.sub, a, lanes.apply(i32x4.mul, quotient, b)),
  );
}

/** int64, a lane at a time by the machine's own division. */
export function divideInt64(lanes: Lanes, op: Division, a: Reg, b: Reg, host: number): Reg {
  const zero = lanes.apply(i64x2.eq, b, lanes.constant64(0n));
  const least = lanes.apply(i64x2.eq, a, lanes.constant64(-(2n ** 63n)));
  return unless(lanes, lanes.or(zero, least), 'i64', host, [a, b], () => {
    const { f } = lanes;
    const quotient = f.local(Type.v128);
    for (const lane of [0, 1]) {
      f.get(quotient).get(a).lane(i64x2.extract, lane).get(b).lane(i64x2.extract, lane);
      f.op(i64.divS).lane(i64x2.replace, lane).set(quotient);
    }
    if (op === 'truncDiv') return quotient;
    const rem = lanes.apply(i64x2.sub, a, lanes.apply(i64x2.mul, quotient, b));
    if (op === 'rem') return rem;
    const nothing = lanes.apply(i64x2.eq, rem, lanes.constant64(0n));
    const apart = lanes.apply(i64x2.ltS, lanes.xor(rem, b), lanes.constant64(0n));
    const across = lanes.andnot(apart, nothing);
    // A mask is -1 where it is set.
    return lanes.apply(i64x2.add, ...(op === 'mod' ? [rem, lanes.and(across, b)] : [quotient, across]));
  });
}
