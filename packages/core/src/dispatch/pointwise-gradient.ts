import { differentiate, substitute, topological } from '../expr/derive.ts';
import { type Expr, input, literal, parameter } from '../expr/expr.ts';

/** The expression of an operator, on its inputs and on its parameters by name. */
export type Build = (inputs: readonly Expr[], params: Readonly<Record<string, Expr>>) => Expr;

/** What a gradient rule sees: the gradient of the output, the inputs, the output and the parameters. */
export interface GradientScope {
  readonly dy: Expr;
  /** The first input. */
  readonly x: Expr;
  readonly inputs: readonly Expr[];
  readonly y: Expr;
  readonly params: Readonly<Record<string, Expr>>;
}

/** The gradient of the only input, or that of each; null where none flows. */
export type GradientRule = (scope: GradientScope) => Expr | readonly (Expr | null)[];

/** The gradient of one input as an operator's expression on `dy`, the inputs of `reads` and, if read, the output. */
export interface DerivedGradient {
  /** Null where the gradient is `dy` itself. */
  readonly build: Build | null;
  /** The inputs that it reads, in order. */
  readonly reads: readonly number[];
  readonly readsOutput: boolean;
}

/** The gradient of input `i`: by its rule, or by differentiating the expression. Null where none flows. */
export function deriveGradient(
  arity: number,
  build: Build,
  paramNames: readonly string[],
  rule: GradientRule | undefined,
  i: number,
): DerivedGradient | null {
  const inputs = Array.from({ length: arity }, (_, slot) => input(slot));
  const params = Object.fromEntries(paramNames.map((name, slot) => [name, parameter(slot)]));
  const y = input(arity);
  const dy = input(arity + 1);
  const scope: GradientScope = { dy, x: inputs[0]!, inputs, y, params };
  const share = rule === undefined ? differentiated(build(inputs, params), scope, i) : ruled(rule, scope, i);
  if (share === null) return null;
  if (share === dy) return { build: null, reads: [], readsOutput: false };
  const leaves = new Set(topological(share));
  const reads = inputs.flatMap((x, slot) => (leaves.has(x) ? [slot] : []));
  const readsOutput = leaves.has(y);
  const sources = [dy, ...reads.map((slot) => inputs[slot]!), ...(readsOutput ? [y] : [])];
  return {
    reads,
    readsOutput,
    build: (given, givenParams) => {
      const map = new Map<Expr, Expr>(sources.map((source, slot) => [source, given[slot]!]));
      for (const name of paramNames) map.set(params[name]!, givenParams[name]!);
      return substitute(share, map);
    },
  };
}

function differentiated(root: Expr, { inputs, dy, y }: GradientScope, i: number): Expr {
  const share = differentiate(root, [inputs[i]!], dy)[0]!;
  // Where the value does not depend on the input, or only by steps, PyTorch's gradient is zero, not absent.
  return share === null ? literal(0) : substitute(share, new Map([[root, y]]));
}

function ruled(rule: GradientRule, scope: GradientScope, i: number): Expr | null {
  const shares = rule(scope);
  if (Array.isArray(shares)) return shares[i] ?? null;
  return i === 0 ? (shares as Expr) : null;
}
