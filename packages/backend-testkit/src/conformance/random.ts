import { type DType, isFloating } from '@flambeau/core/backend';
import type { Value } from './elements.ts';

/** A small generator of our own: the same cases in every run and on every machine. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A seed from a name, so that cases do not depend on one another. */
  static of(name: string): Random {
    let hash = 2166136261;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
    return new Random(hash);
  }

  /** In `[0, 1)`: mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** An integer of `low..high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)]!;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const order = items.slice();
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }

  /** Sizes of 1 or more. */
  shape(rank: number, largest = 5): number[] {
    return Array.from({ length: rank }, () => this.integer(1, largest));
  }

  /** Small whole numbers, which every dtype holds exactly. */
  small(dtype: DType, count: number): Value[] {
    return Array.from({ length: count }, () => {
      if (dtype === 'bool') return this.next() < 0.5;
      const value = dtype === 'uint8' ? this.integer(0, 9) : this.integer(-9, 9);
      return dtype === 'int64' ? BigInt(value) : value;
    });
  }

  /** Values of the whole range of an integer dtype, or of `-range..range` of a floating one, rounded to the dtype. */
  wide(dtype: DType, count: number, range = 4): Value[] {
    return Array.from({ length: count }, () => {
      if (dtype === 'bool') return this.next() < 0.5;
      if (isFloating(dtype)) return rounded(dtype, this.uniform(-range, range));
      const bits = (BigInt(this.integer(0, 2 ** 32 - 1)) << 32n) | BigInt(this.integer(0, 2 ** 32 - 1));
      const value = wrapped(dtype, bits);
      return dtype === 'int64' ? value : Number(value);
    });
  }
}

/** A number cut to what a floating dtype certainly holds: halves keep fewer bits than they have. */
export function rounded(dtype: DType, value: number): number {
  switch (dtype) {
    case 'float64':
      return value;
    case 'float16':
      return Math.round(value * 128) / 128;
    case 'bfloat16':
      return Math.round(value * 16) / 16;
    default:
      return Math.fround(value);
  }
}

/** An integer brought into an integer dtype, modulo its width. */
export function wrapped(type: DType | 'uint32', value: bigint): bigint {
  switch (type) {
    case 'uint8':
      return BigInt.asUintN(8, value);
    case 'uint32':
      return BigInt.asUintN(32, value);
    case 'int8':
      return BigInt.asIntN(8, value);
    case 'int16':
      return BigInt.asIntN(16, value);
    case 'int32':
      return BigInt.asIntN(32, value);
    default:
      return BigInt.asIntN(64, value);
  }
}
