import type { Operand } from '@flambeau/core/backend';

/** A position that several operands walk together: what an odometer needs of each. */
export type Walked = Pick<Operand, 'offset' | 'strides'>;

/**
 * Walks the first `rank` dimensions of several operands together, in row-major order. `offsets` holds where each
 * operand stands; it begins at the first element.
 *
 * @example const rows = new Odometer(shape, 1, [output, input]); do { … rows.offsets[0] … } while (rows.next());
 */
export class Odometer {
  readonly offsets: number[];
  readonly counters: number[];
  private readonly shape: readonly number[];
  private readonly operands: readonly Walked[];

  constructor(shape: readonly number[], rank: number, operands: readonly Walked[]) {
    this.shape = shape;
    this.operands = operands;
    this.offsets = operands.map((operand) => operand.offset);
    this.counters = new Array<number>(rank).fill(0);
  }

  /** To the next position; false after the last one, when it stands at the first again. */
  next(): boolean {
    const { counters, offsets, operands, shape } = this;
    for (let dim = counters.length - 1; dim >= 0; dim--) {
      const size = shape[dim]!;
      counters[dim]! += 1;
      if (counters[dim]! < size) {
        for (let k = 0; k < offsets.length; k++) offsets[k]! += operands[k]!.strides[dim]!;
        return true;
      }
      counters[dim] = 0;
      for (let k = 0; k < offsets.length; k++) offsets[k]! -= operands[k]!.strides[dim]! * (size - 1);
    }
    return false;
  }
}
