import { f32, f32x4, f64, f64x2, i32x4, i64x2, type Opcode, Type } from '../assembler/index.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';

/** How the lanes of a vector pass through a function that takes one value at a time. */
interface Passage {
  readonly lanes: number;
  readonly extract: Opcode;
  readonly replace: Opcode;
  /** From the lane's type to the function's, and back. */
  readonly out?: Opcode;
  readonly back?: Opcode;
}

const PASSAGES = {
  f32: { lanes: 4, extract: f32x4.extract, replace: f32x4.replace, out: f64.promote, back: f32.demote },
  f64: { lanes: 2, extract: f64x2.extract, replace: f64x2.replace },
  i32: { lanes: 4, extract: i32x4.extract, replace: i32x4.replace },
  i64: { lanes: 2, extract: i64x2.extract, replace: i64x2.replace },
} satisfies Readonly<Record<string, Passage>>;

export type HostKind = keyof typeof PASSAGES;

/** The type in which a function of the host takes and gives values of a kind. */
export const HOST_TYPE: Readonly<Record<HostKind, Type>> = {
  f32: Type.f64,
  f64: Type.f64,
  i32: Type.i32,
  i64: Type.i64,
};

/** Calls a function for each lane. */
export function byLane(lanes: Lanes, kind: HostKind, callee: number, operands: readonly Reg[]): Reg {
  const passage: Passage = PASSAGES[kind];
  const { f } = lanes;
  const result = f.local(Type.v128);
  for (let lane = 0; lane < passage.lanes; lane++) {
    f.get(result);
    for (const operand of operands) {
      f.get(operand).lane(passage.extract, lane);
      if (passage.out !== undefined) f.op(passage.out);
    }
    f.call(callee);
    if (passage.back !== undefined) f.op(passage.back);
    f.lane(passage.replace, lane).set(result);
  }
  return result;
}
