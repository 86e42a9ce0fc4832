import { ArgumentError, describe, pad, type Tensor } from '@flambeau/core';
import { Module } from '../module/module.ts';
import { python, settings } from '../module/repr.ts';

/** A number for every side, or one for each: before and after, the last dimension first. Negative ones cut off. */
export type PaddingSize = number | readonly number[];

/** What stands beyond the edges: one value, or what the input has. */
type Filling = number | 'reflect' | 'replicate' | 'circular';

abstract class Pad extends Module {
  readonly padding: readonly number[];
  readonly #filling: Filling;

  protected constructor(layer: string, rank: number, padding: PaddingSize, filling: Filling) {
    super();
    const list: unknown = typeof padding === 'number' ? new Array<number>(2 * rank).fill(padding) : padding;
    if (!Array.isArray(list) || list.length !== 2 * rank || !list.every(Number.isInteger)) {
      throw new ArgumentError(
        `${layer}: padding must be an integer, or an array of ${2 * rank} of them; got ${describe(padding)}`,
        { op: layer },
      );
    }
    this.padding = list as number[];
    this.#filling = filling;
  }

  /**
   * - `x`: `[batch, channels, ...]` or `[channels, ...]`
   * - returns: the same with larger last dimensions
   */
  forward(x: Tensor): Tensor {
    const filling = this.#filling;
    return typeof filling === 'number'
      ? pad(x, this.padding, { value: filling })
      : pad(x, this.padding, { mode: filling });
  }

  override extraRepr(): string {
    return python(this.padding);
  }
}

abstract class ConstantPad extends Pad {
  readonly value: number;

  protected constructor(layer: string, rank: number, padding: PaddingSize, value: number) {
    super(layer, rank, padding, value);
    this.value = value;
  }

  override extraRepr(): string {
    return settings({ padding: this.padding, value: this.value });
  }
}

/**
 * One value around the last dimension.
 *
 * @example new ConstantPad1d([2, 0], 9).forward(tensor([[1, 2]])) // tensor([[9., 9., 1., 2.]])
 */
export class ConstantPad1d extends ConstantPad {
  static readonly builtIn: string = 'ConstantPad1d';
  constructor(padding: PaddingSize, value: number) {
    super('ConstantPad1d', 1, padding, value);
  }
}

/** One value around the last two dimensions. */
export class ConstantPad2d extends ConstantPad {
  static readonly builtIn: string = 'ConstantPad2d';
  constructor(padding: PaddingSize, value: number) {
    super('ConstantPad2d', 2, padding, value);
  }
}

/** One value around the last three dimensions. */
export class ConstantPad3d extends ConstantPad {
  static readonly builtIn: string = 'ConstantPad3d';
  constructor(padding: PaddingSize, value: number) {
    super('ConstantPad3d', 3, padding, value);
  }
}

/**
 * Zeros around the last dimension.
 *
 * @example new ZeroPad1d(1).forward(tensor([[1, 2]])) // tensor([[0., 1., 2., 0.]])
 */
export class ZeroPad1d extends Pad {
  static readonly builtIn: string = 'ZeroPad1d';
  constructor(padding: PaddingSize) {
    super('ZeroPad1d', 1, padding, 0);
  }
}

/** Zeros around the last two dimensions. */
export class ZeroPad2d extends Pad {
  static readonly builtIn: string = 'ZeroPad2d';
  constructor(padding: PaddingSize) {
    super('ZeroPad2d', 2, padding, 0);
  }
}

/** Zeros around the last three dimensions. */
export class ZeroPad3d extends Pad {
  static readonly builtIn: string = 'ZeroPad3d';
  constructor(padding: PaddingSize) {
    super('ZeroPad3d', 3, padding, 0);
  }
}

/**
 * What lies behind the edge, mirrored, around the last dimension; the edge itself comes once.
 *
 * @example new ReflectionPad1d(1).forward(tensor([[1, 2, 3]])) // tensor([[2., 1., 2., 3., 2.]])
 */
export class ReflectionPad1d extends Pad {
  static readonly builtIn: string = 'ReflectionPad1d';
  constructor(padding: PaddingSize) {
    super('ReflectionPad1d', 1, padding, 'reflect');
  }
}

/** What lies behind the edge, mirrored, around the last two dimensions; the edge itself comes once. */
export class ReflectionPad2d extends Pad {
  static readonly builtIn: string = 'ReflectionPad2d';
  constructor(padding: PaddingSize) {
    super('ReflectionPad2d', 2, padding, 'reflect');
  }
}

/** What lies behind the edge, mirrored, around the last three dimensions; the edge itself comes once. */
export class ReflectionPad3d extends Pad {
  static readonly builtIn: string = 'ReflectionPad3d';
  constructor(padding: PaddingSize) {
    super('ReflectionPad3d', 3, padding, 'reflect');
  }
}

/**
 * The edge's own values around the last dimension.
 *
 * @example new ReplicationPad1d(1).forward(tensor([[1, 2]])) // tensor([[1., 1., 2., 2.]])
 */
export class ReplicationPad1d extends Pad {
  static readonly builtIn: string = 'ReplicationPad1d';
  constructor(padding: PaddingSize) {
    super('ReplicationPad1d', 1, padding, 'replicate');
  }
}

/** The edge's own values around the last two dimensions. */
export class ReplicationPad2d extends Pad {
  static readonly builtIn: string = 'ReplicationPad2d';
  constructor(padding: PaddingSize) {
    super('ReplicationPad2d', 2, padding, 'replicate');
  }
}

/** The edge's own values around the last three dimensions. */
export class ReplicationPad3d extends Pad {
  static readonly builtIn: string = 'ReplicationPad3d';
  constructor(padding: PaddingSize) {
    super('ReplicationPad3d', 3, padding, 'replicate');
  }
}

/**
 * What lies at the other end around the last dimension.
 *
 * @example new CircularPad1d(1).forward(tensor([[1, 2, 3]])) // tensor([[3., 1., 2., 3., 1.]])
 */
export class CircularPad1d extends Pad {
  static readonly builtIn: string = 'CircularPad1d';
  constructor(padding: PaddingSize) {
    super('CircularPad1d', 1, padding, 'circular');
  }
}

/** What lies at the other end around the last two dimensions. */
export class CircularPad2d extends Pad {
  static readonly builtIn: string = 'CircularPad2d';
  constructor(padding: PaddingSize) {
    super('CircularPad2d', 2, padding, 'circular');
  }
}

/** What lies at the other end around the last three dimensions. */
export class CircularPad3d extends Pad {
  static readonly builtIn: string = 'CircularPad3d';
  constructor(padding: PaddingSize) {
    super('CircularPad3d', 3, padding, 'circular');
  }
}
