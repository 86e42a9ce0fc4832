/** What a walk needs of an operand. */
export interface Walked {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Goes through every index of a shape in row-major order, with the position of each operand's element. */
export class Walk {
  /** The index now. */
  readonly index: number[];
  /** Where each operand's element lies now. */
  readonly at: number[];
  private readonly shape: readonly number[];
  private readonly operands: readonly Walked[];

  constructor(shape: readonly number[], operands: readonly Walked[]) {
    this.shape = shape;
    this.operands = operands;
    this.index = shape.map(() => 0);
    this.at = operands.map(({ offset }) => offset);
  }

  /** Goes on to the next index; false after the last. */
  next(): boolean {
    for (let dim = this.shape.length - 1; dim >= 0; dim--) {
      const size = this.shape[dim]!;
      const atEnd = this.index[dim] === size - 1;
      const steps = atEnd ? 1 - size : 1;
      this.index[dim] = atEnd ? 0 : this.index[dim]! + 1;
      for (let k = 0; k < this.operands.length; k++) this.at[k]! += steps * this.operands[k]!.strides[dim]!;
      if (!atEnd) return true;
    }
    return false;
  }
}
