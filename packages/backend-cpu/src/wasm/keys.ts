import { type FunctionBuilder, f32x4, i32, i32x4, Type } from './assembler/index.ts';
import { locals, whileRoom } from './emit.ts';
import { Lanes, type Reg } from './lanes/lanes.ts';
import { addresses, load, type Place, store } from './programs/memory.ts';
import { UNIT, value } from './programs/value.ts';

const SIGN = -0x80000000;

/**
 * Elements as unsigned integers that sort the same way, from `keys` on; turned round where the local `flip` is -1. All
 * but the count and the step move on.
 */
export function fillKeys(
  f: FunctionBuilder,
  dtype: 'float32' | 'int32',
  {
    keys,
    x,
    step,
    count,
    flip,
  }: Record<'keys' | 'x' | 'step' | 'count', number> & { readonly flip?: number },
  neighbours: boolean,
): void {
  const lanes = new Lanes(f, false);
  const [done, left] = locals(f, Type.i32, 2);
  const keysOf = (place: Place): Reg => {
    const [bits] = load(lanes, dtype, place).regs as [Reg];
    const made = dtype === 'float32' ? floatKeys(lanes, bits) : lanes.xor(bits, lanes.constant('i32', SIGN));
    if (flip === undefined) return made;
    f.get(flip).op(i32x4.splat);
    return lanes.xor(made, lanes.keep());
  };
  const apart = (limit?: number): Place => addresses(lanes, x, () => f.get(step), limit);
  f.i32(0).set(done);
  whileRoom(f, done, count, UNIT, () => {
    const made = keysOf(neighbours ? { at: x, offset: 0 } : apart());
    f.get(keys).get(made).store();
    f.increase(keys, UNIT * 4);
    f.get(step).i32(UNIT).op(i32.mul).get(x).op(i32.add).set(x);
  });
  f.get(count).get(done).op(i32.sub).tee(left);
  f.if(() => {
    const made = keysOf(apart(left));
    store(
      lanes,
      'int32',
      addresses(lanes, keys, () => f.i32(4), left),
      value('i32', made),
      left,
    );
  });
}

/** Negative floats are turned round, positive ones put above them; -0 is 0, and NaN above all. */
function floatKeys(lanes: Lanes, bits: Reg): Reg {
  const zero = lanes.constant('i32', 0);
  const number = lanes.andnot(bits, lanes.apply(f32x4.eq, bits, zero));
  const turned = lanes.or(lanes.shift(i32x4.shrS, number, 31), lanes.constant('i32', SIGN));
  // All bits set are the largest key.
  return lanes.or(lanes.xor(number, turned), lanes.apply(f32x4.ne, bits, bits));
}
