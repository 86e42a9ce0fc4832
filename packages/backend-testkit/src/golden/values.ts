/** A dtype given as an argument, kept apart from strings until the call. */
export class DTypeName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A Python float with a whole value, `2.0`, beside tensors that are all integral: there PyTorch promotes to floating, while
 * a JavaScript `2` is an integer.
 */
export class FloatScalar {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A Python `slice` in an index. */
export class SliceIndex {
  readonly start: number | undefined;
  readonly stop: number | undefined;
  readonly step: number | undefined;
  constructor(start: number | undefined, stop: number | undefined, step: number | undefined) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/** Python's `...` in an index. */
export const ellipsis: unique symbol = Symbol('ellipsis');
