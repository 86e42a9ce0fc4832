import { checkOptions, type Tensor } from '@flambeau/core';
import { calculateGain, type FanMode, fanFor, fans, type Nonlinearity } from './fan.ts';
import { type DrawOptions, draw, normal_, uniform_ } from './fill.ts';

export interface XavierOptions extends DrawOptions {
  /** Default 1. */
  readonly gain?: number;
}

function xavierStd(op: string, tensor: Tensor, options: XavierOptions): number {
  checkOptions(op, options, ['gain', 'generator']);
  const { fanIn, fanOut } = fans(op, tensor);
  return (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut));
}

/**
 * Overwrites a weight `[out, in, ...]` with uniform numbers of `±gain sqrt(6 / (fanIn + fanOut))`.
 *
 * @throws {ShapeError} it has fewer than two dimensions.
 * @see Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010)
 * @example init.xavierUniform_(empty([3, 5]), { gain: init.calculateGain('relu') })
 */
export function xavierUniform_(tensor: Tensor, options: XavierOptions = {}): Tensor {
  const bound = Math.sqrt(3) * xavierStd('xavierUniform_', tensor, options);
  return uniform_(tensor, -bound, bound, draw(options));
}

/**
 * Overwrites a weight `[out, in, ...]` with normal numbers of deviation `gain sqrt(2 / (fanIn + fanOut))`.
 *
 * @throws {ShapeError} it has fewer than two dimensions.
 */
export const xavierNormal_ = (tensor: Tensor, options: XavierOptions = {}): Tensor =>
  normal_(tensor, 0, xavierStd('xavierNormal_', tensor, options), draw(options));

export interface KaimingOptions extends DrawOptions {
  /** Slope of the leaky ReLU that follows. Default 0. */
  readonly a?: number;
  /** Which side keeps its variance: `fanIn` the forward pass, `fanOut` the backward pass. Default `fanIn`. */
  readonly mode?: FanMode;
  /** What follows. Default `leakyRelu`. */
  readonly nonlinearity?: Nonlinearity;
}

/** Zero for a weight without elements or inputs, which any bound suits. */
function kaimingStd(op: string, tensor: Tensor, options: KaimingOptions): number {
  checkOptions(op, options, ['a', 'mode', 'nonlinearity', 'generator']);
  const fan = fanFor(op, tensor, options.mode ?? 'fanIn');
  return fan === 0 ? 0 : calculateGain(options.nonlinearity ?? 'leakyRelu', options.a ?? 0) / Math.sqrt(fan);
}

/**
 * Overwrites a weight `[out, in, ...]` with uniform numbers of `±gain sqrt(3 / fan)`.
 *
 * @throws {ShapeError} it has fewer than two dimensions.
 * @see He et al., Delving Deep into Rectifiers (2015)
 * @example init.kaimingUniform_(empty([3, 5]), { nonlinearity: 'relu' })
 */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd('kaimingUniform_', tensor, options);
  return uniform_(tensor, -bound, bound, draw(options));
}

/**
 * Overwrites a weight `[out, in, ...]` with normal numbers of deviation `gain / sqrt(fan)`.
 *
 * @throws {ShapeError} it has fewer than two dimensions.
 * @example init.kaimingNormal_(empty([8, 3, 3, 3]), { mode: 'fanOut', nonlinearity: 'relu' })
 */
export const kaimingNormal_ = (tensor: Tensor, options: KaimingOptions = {}): Tensor =>
  normal_(tensor, 0, kaimingStd('kaimingNormal_', tensor, options), draw(options));
