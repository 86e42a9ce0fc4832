import { ArgumentError, type Tensor } from '@flambeau/core';
import { checkBooleans, checkNotNegative, checkNumbers } from './checks.ts';
import type { ParamGroup, Params } from './optimizer.ts';
import { OwnOptimizer } from './own-optimizer.ts';
import { descent } from './rules.ts';

export interface SGDOptions {
  /** Learning rate. Default 0.001. */
  readonly lr?: number;
  /** How much of the last step is kept. Default 0. */
  readonly momentum?: number;
  /** How much of the gradient momentum leaves out. Default 0. */
  readonly dampening?: number;
  /** Factor of the L2 penalty. Default 0. */
  readonly weightDecay?: number;
  /** Nesterov's momentum, which looks one step ahead. Default false. */
  readonly nesterov?: boolean;
  /** Goes up the gradient instead of down. Default false. */
  readonly maximize?: boolean;
}

interface SGDState {
  momentumBuffer?: Tensor;
}

const plain = descent('sgd', {
  operands: ['x', 'g'],
  numbers: ['lr'],
  steps: { x: ({ x, g, lr }) => x.sub(g.mul(lr)) },
});

/* @__NO_SIDE_EFFECTS__ */
function withMomentum(name: string, nesterov: boolean) {
  return descent(name, {
    operands: ['x', 'g', 'buffer'],
    numbers: ['lr', 'momentum', 'kept', 'weight'],
    steps: {
      buffer: ({ buffer, g, kept, weight }) => buffer.mul(kept).add(g.mul(weight)),
      x: ({ x, g, buffer, lr, momentum }) => x.sub((nesterov ? g.add(buffer.mul(momentum)) : buffer).mul(lr)),
    },
  });
}
const heavyBall = withMomentum('sgdMomentum', false);
const nesterovs = withMomentum('sgdNesterov', true);

/**
 * Stochastic gradient descent: `x -= lr * b`, where `b` is the gradient or, with momentum,
 * `b = momentum * b + (1 - dampening) * gradient`, begun with the first gradient.
 *
 * @throws {ArgumentError} an option is out of range, or `nesterov` stands without momentum or with dampening.
 * @see Sutskever et al., On the importance of initialization and momentum in deep learning (2013)
 * @example new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })
 */
export class SGD extends OwnOptimizer<SGDOptions, SGDState> {
  protected override readonly layout = { momentumBuffer: 'optional' } as const;

  constructor(params: Params<SGDOptions>, options: SGDOptions = {}) {
    super('SGD', params, options, {
      lr: 1e-3,
      momentum: 0,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
      maximize: false,
    });
  }

  protected override check(options: Required<SGDOptions>): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = options;
    checkNotNegative('SGD', { lr, momentum, weightDecay });
    checkNumbers('SGD', { dampening });
    checkBooleans('SGD', { nesterov, maximize });
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new ArgumentError(
        `SGD: nesterov needs a momentum and no dampening, got momentum ${momentum} and dampening ${dampening}`,
        { op: 'SGD' },
      );
    }
  }

  protected override update(
    x: Tensor,
    gradient: Tensor,
    state: SGDState,
    group: ParamGroup<SGDOptions>,
  ): void {
    const { lr, momentum, dampening, nesterov } = group;
    if (momentum === 0) {
      this.descend(plain, [x, gradient], { lr }, group);
      return;
    }
    const first = state.momentumBuffer === undefined;
    const buffer = (state.momentumBuffer ??= this.zeros(x));
    const [kept, weight] = first ? [0, 1] : [momentum, 1 - dampening];
    this.descend(
      nesterov ? nesterovs : heavyBall,
      [x, gradient, buffer],
      { lr, momentum, kept, weight },
      group,
    );
  }
}
