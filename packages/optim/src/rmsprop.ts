import type { Expr, Tensor } from '@flambeau/core';
import { checkBooleans, checkNotNegative } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { blend, blendSquare, descent } from './rules.ts';

export interface RMSpropOptions {
  /** Learning rate. Default 0.01. */
  readonly lr?: number;
  /** How slowly the running averages forget. Default 0.99. */
  readonly alpha?: number;
  /** Keeps the denominator away from 0. Default 1e-8. */
  readonly eps?: number;
  /** Factor of the L2 penalty. Default 0. */
  readonly weightDecay?: number;
  /** How much of the last step is kept. Default 0. */
  readonly momentum?: number;
  /** Divides by the standard deviation instead of the root mean square. Default false. */
  readonly centered?: boolean;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface RMSpropState {
  step: number;
  squareAvg: Tensor;
  momentumBuffer?: Tensor;
  gradAvg?: Tensor;
}

const NUMBERS = ['lr', 'momentum', 'forget', 'weight', 'epsilon'] as const;
type Values = Readonly<Record<'x' | 'g' | 'square' | (typeof NUMBERS)[number], Expr>>;

const square = ({ square, g, forget, weight }: Values): Expr => blendSquare(square, g, forget, weight);
const average = ({ average, g, weight }: Values & { readonly average: Expr }): Expr =>
  blend(average, g, weight);
const scaled = ({ g, square, epsilon }: Values): Expr => g.div(square.sqrt().add(epsilon));
const centred = ({ g, square, average, epsilon }: Values & { readonly average: Expr }): Expr =>
  g.div(square.sub(average.square()).sqrt().add(epsilon));
const x = ({ x, lr }: Values, step: Expr): Expr => x.sub(step.mul(lr));

/** By whether the average of gradients is subtracted, and whether a part of the last step is kept. */
const rules = {
  plain: descent('rmsprop', {
    operands: ['x', 'g', 'square'],
    numbers: NUMBERS,
    steps: { square, x: (values) => x(values, scaled(values)) },
  }),
  centred: descent('rmspropCentred', {
    operands: ['x', 'g', 'square', 'average'],
    numbers: NUMBERS,
    steps: { square, average, x: (values) => x(values, centred(values)) },
  }),
  plainMomentum: descent('rmspropMomentum', {
    operands: ['x', 'g', 'square', 'buffer'],
    numbers: NUMBERS,
    steps: {
      square,
      buffer: (values) => values.buffer.mul(values.momentum).add(scaled(values)),
      x: (values) => x(values, values.buffer),
    },
  }),
  centredMomentum: descent('rmspropCentredMomentum', {
    operands: ['x', 'g', 'square', 'average', 'buffer'],
    numbers: NUMBERS,
    steps: {
      square,
      average,
      buffer: (values) => values.buffer.mul(values.momentum).add(centred(values)),
      x: (values) => x(values, values.buffer),
    },
  }),
};

/**
 * RMSprop: divides the gradient by the root of the running average of its square, `x -= lr * g / (sqrt(v) + eps)`.
 *
 * @throws {ArgumentError} an option is out of range.
 * @see Hinton, Neural Networks for Machine Learning, lecture 6e (2012); Graves, Generating Sequences With Recurrent
 * Neural Networks (2013), for `centered`
 * @example new RMSprop(model.parameters(), { lr: 0.01, momentum: 0.9 })
 */
export class RMSprop extends OwnOptimizer<RMSpropOptions, RMSpropState> {
  protected override readonly layout = {
    step: 'number',
    squareAvg: 'tensor',
    momentumBuffer: 'optional',
    gradAvg: 'optional',
  } as const;

  constructor(params: Params<RMSpropOptions>, options: RMSpropOptions = {}) {
    super('RMSprop', params, options, {
      lr: 1e-2,
      alpha: 0.99,
      eps: 1e-8,
      weightDecay: 0,
      momentum: 0,
      centered: false,
      maximize: false,
    });
  }

  protected override check(options: Required<RMSpropOptions>): void {
    const { lr, alpha, eps, weightDecay, momentum, centered, maximize } = options;
    checkNotNegative('RMSprop', { lr, alpha, eps, weightDecay, momentum });
    checkBooleans('RMSprop', { centered, maximize });
  }

  protected override newState(x: Tensor): RMSpropState {
    return { step: 0, squareAvg: this.zeros(x) };
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: RMSpropState,
    group: ParamGroup<RMSpropOptions>,
  ): void {
    const { lr, alpha, eps, momentum, centered } = group;
    const { squareAvg } = state;
    state.step += 1;
    const row = [x, gradient, squareAvg];
    if (centered) row.push((state.gradAvg ??= this.zeros(x)));
    if (momentum > 0) row.push((state.momentumBuffer ??= this.zeros(x)));
    const rule = rules[`${centered ? 'centred' : 'plain'}${momentum > 0 ? 'Momentum' : ''}`];
    this.descend(rule, row, { lr, momentum, forget: alpha, weight: 1 - alpha, epsilon: eps }, group);
  }
}
