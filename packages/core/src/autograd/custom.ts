import { atCaller } from '../dispatch/declare.ts';
import { isDifferentiable } from '../dtype.ts';
import { AutogradError } from '../errors.ts';
import { gradEnabled, withRecording } from '../graph/mode.ts';
import { type Edge, edgeTo, type GradientList, type Gradients, Node, wantsGrad } from '../graph/node.ts';
import { SavedTensor } from '../graph/saved.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { cloneAlias } from './detach.ts';

/** What a custom operator keeps between forward and backward. */
export interface CustomContext {
  /** Keeps tensors for the gradient; a later in-place change of one is noticed. */
  save(...tensors: Tensor[]): void;
  /** What was saved, in order. In `backward` only. */
  readonly saved: readonly Tensor[];
  /** Anything else. */
  state: Record<string, unknown>;
  /** Whether each tensor among the arguments wants a gradient, in order. */
  readonly needs: readonly boolean[];
}

export interface CustomOperator<A extends unknown[], R extends Tensor | readonly Tensor[]> {
  /** Computes the result. Its own operators are not recorded. */
  forward(context: CustomContext, ...args: A): R;
  /** The gradients of the tensors among the arguments, in their order, from those of the results. */
  backward(
    context: CustomContext,
    ...dys: (Tensor | null)[]
  ): Tensor | null | readonly (Tensor | null | undefined)[];
}

/**
 * An operator with a forward and a backward of your own.
 *
 * @throws {AutogradError} `backward` gives another number of gradients than there are tensors.
 * @example
 * const cube = customOp('cube', {
 *   forward(context, x: Tensor) { context.save(x); return x.mul(x).mul(x); },
 *   backward: ({ saved: [x] }, dy) => dy.mul(x.mul(x)).mul(3),
 * });
 */
export function customOp<A extends unknown[], R extends Tensor | readonly Tensor[]>(
  name: string,
  rules: CustomOperator<A, R>,
): (...args: A) => R {
  const call = (...args: A): R => {
    try {
      return run(name, rules, args);
    } catch (error) {
      throw atCaller(error, call as (...args: never[]) => unknown);
    }
  };
  return call;
}

function run<A extends unknown[], R extends Tensor | readonly Tensor[]>(
  name: string,
  rules: CustomOperator<A, R>,
  args: A,
): R {
  const tensors = (args as readonly unknown[]).flat().filter(isTensor);
  const needs = tensors.map((x) => isDifferentiable(x.dtype) && wantsGrad(x));
  const context = new Context(name, needs);
  for (const tensor of tensors) tensor.shown = true;
  const raw = withRecording(false, () => rules.forward(context, ...args));
  if (!gradEnabled || !needs.some(Boolean)) return raw;
  const edges = tensors.map((x, i) => (needs[i] ? edgeTo(x) : null));
  const node = new CustomNode(name, edges, context, rules.backward.bind(rules));
  const attach = (y: Tensor, i: number): Tensor => {
    const output = tensors.includes(y) || y.viewLink !== null ? cloneAlias(y) : y;
    if (isDifferentiable(output.dtype)) {
      output.node = node;
      output.outputIndex = i;
    }
    return output;
  };
  const results = (Array.isArray(raw) ? raw : [raw]) as readonly Tensor[];
  const outputs = results.map(attach);
  context.keep(new Map(results.map((y, i) => [y, outputs[i]!])));
  return (Array.isArray(raw) ? outputs : outputs[0]) as R;
}

class Context implements CustomContext {
  state: Record<string, unknown> = {};
  readonly needs: readonly boolean[];
  private listed: readonly Tensor[] = [];
  private held: SavedTensor[] = [];
  private readonly name: string;

  constructor(name: string, needs: readonly boolean[]) {
    this.name = name;
    this.needs = needs;
  }

  save(...tensors: Tensor[]): void {
    this.listed = tensors;
  }

  /** After the results have their node: saved results are kept with it. */
  keep(outputs: ReadonlyMap<Tensor, Tensor>): void {
    this.held = this.listed.map((x) => new SavedTensor(outputs.get(x) ?? x));
    this.listed = [];
  }

  get saved(): readonly Tensor[] {
    return this.held.map((x) => x.unpack(this.name));
  }

  release(): void {
    for (const x of this.held) x.release();
  }
}

class CustomNode extends Node {
  private readonly context: Context;
  private readonly rule: CustomOperator<unknown[], Tensor>['backward'];

  constructor(
    name: string,
    edges: readonly (Edge | null)[],
    context: Context,
    rule: CustomOperator<unknown[], Tensor>['backward'],
  ) {
    super(name, edges);
    this.context = context;
    this.rule = rule;
  }

  apply(dys: Gradients): GradientList {
    for (const dy of dys) if (dy) dy.shown = true;
    const given = this.rule(this.context, ...dys.map((dy) => dy ?? null));
    const gradients: GradientList = Array.isArray(given)
      ? [...(given as Gradients)]
      : [given as Tensor | null];
    if (gradients.length !== this.edges.length) {
      throw new AutogradError(
        `backward of ${this.name}: it returned ${gradients.length} gradients for ${this.edges.length} tensors`,
        { op: this.name },
      );
    }
    for (const gradient of gradients) if (gradient) gradient.shown = true;
    return gradients;
  }

  override release(): void {
    this.context.release();
  }
}
