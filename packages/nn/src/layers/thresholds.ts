import {
  ArgumentError,
  checkOptions,
  hardshrink,
  hardtanh,
  logsigmoid,
  softshrink,
  type Tensor,
  tanhshrink,
  threshold,
} from '@flambeau/core';
import { Module } from '../module/module.ts';
import { python, pythonFloat } from '../module/repr.ts';
import { Activation, type InplaceOptions } from './activation.ts';

export interface HardtanhLayerOptions extends InplaceOptions {
  /** Default -1. */
  readonly minVal?: number;
  /** Default 1. */
  readonly maxVal?: number;
}

/** `min(max(x, minVal), maxVal)`. */
export class Hardtanh extends Activation {
  static readonly builtIn: string = 'Hardtanh';
  readonly minVal: number;
  readonly maxVal: number;

  constructor(options: HardtanhLayerOptions = {}) {
    super('Hardtanh', options, ['minVal', 'maxVal']);
    this.minVal = options.minVal ?? -1;
    this.maxVal = options.maxVal ?? 1;
    if (!(this.maxVal > this.minVal)) {
      throw new ArgumentError(
        `Hardtanh: maxVal must be above minVal, got ${this.minVal} and ${this.maxVal}`,
        { op: 'Hardtanh' },
      );
    }
  }

  forward(x: Tensor): Tensor {
    const { minVal, maxVal } = this;
    return this.inplace ? x.hardtanh_({ minVal, maxVal }) : hardtanh(x, { minVal, maxVal });
  }

  override extraRepr(): string {
    return this.settingsWithInplace(
      `min_val=${pythonFloat(this.minVal)}`,
      `max_val=${pythonFloat(this.maxVal)}`,
    );
  }
}

/** `x` where it is above `threshold`, `value` elsewhere. @example new Threshold(2, 0).forward(tensor([1, 3])) // tensor([0., 3.]) */
export class Threshold extends Activation {
  static readonly builtIn: string = 'Threshold';
  readonly threshold: number;
  readonly value: number;

  constructor(limit: number, value: number, options: InplaceOptions = {}) {
    super('Threshold', options);
    this.threshold = limit;
    this.value = value;
  }

  forward(x: Tensor): Tensor {
    return this.inplace ? x.threshold_(this.threshold, this.value) : threshold(x, this.threshold, this.value);
  }

  override extraRepr(): string {
    return this.settingsWithInplace(`threshold=${python(this.threshold)}`, `value=${python(this.value)}`);
  }
}

export interface ShrinkOptions {
  /** Default 0.5. */
  readonly lambd?: number;
}

/** `x` moved towards 0 by `lambd`, and 0 within `-lambd..lambd`. @throws {ArgumentError} `lambd` is negative. */
export class Softshrink extends Module {
  static readonly builtIn: string = 'Softshrink';
  readonly lambd: number;

  constructor(options: ShrinkOptions = {}) {
    super();
    checkOptions('Softshrink', options, ['lambd']);
    this.lambd = options.lambd ?? 0.5;
    if (!(this.lambd >= 0))
      throw new ArgumentError(`Softshrink: lambd must be 0 or more, got ${this.lambd}`, { op: 'Softshrink' });
  }

  forward(x: Tensor): Tensor {
    return softshrink(x, { lambd: this.lambd });
  }

  override extraRepr(): string {
    return python(this.lambd);
  }
}

/** `x`, and 0 within `-lambd..lambd`. */
export class Hardshrink extends Module {
  static readonly builtIn: string = 'Hardshrink';
  readonly lambd: number;

  constructor(options: ShrinkOptions = {}) {
    super();
    checkOptions('Hardshrink', options, ['lambd']);
    this.lambd = options.lambd ?? 0.5;
  }

  forward(x: Tensor): Tensor {
    return hardshrink(x, { lambd: this.lambd });
  }

  override extraRepr(): string {
    return python(this.lambd);
  }
}

/** `x - tanh(x)`. */
export class Tanhshrink extends Module {
  static readonly builtIn: string = 'Tanhshrink';
  forward(x: Tensor): Tensor {
    return tanhshrink(x);
  }
}

/** `log(sigmoid(x))`. */
export class LogSigmoid extends Module {
  static readonly builtIn: string = 'LogSigmoid';
  forward(x: Tensor): Tensor {
    return logsigmoid(x);
  }
}
