import { Expr, type ExprKind, literal } from './expr.ts';

/** What each argument of a node receives, given what the node received; null where nothing flows. */
type Rule = (dy: Expr, args: readonly Expr[], y: Expr) => readonly (Expr | null)[];

const unary =
  (rule: (dy: Expr, x: Expr, y: Expr) => Expr | null): Rule =>
  (dy, [x], y) => [rule(dy, x!, y)];
const binary =
  (rule: (dy: Expr, a: Expr, b: Expr, y: Expr) => readonly [Expr | null, Expr | null]): Rule =>
  (dy, [a, b], y) =>
    rule(dy, a!, b!, y);

const flat: Rule = (_dy, args) => args.map(() => null);
const LN2 = Math.LN2;
const LN10 = Math.LN10;
const one = (): Expr => literal(1);

/** Ties share equally; the side that loses receives nothing. With a NaN no side loses, as in PyTorch. */
const extremum = (loses: (own: Expr, other: Expr) => Expr): Rule =>
  binary((dy, a, b) => {
    const share = a.eq(b).select(dy.mul(0.5), dy);
    return [loses(a, b).select(0, share), loses(b, a).select(0, share)];
  });

/** The gradient of every intrinsic. */
const RULES: Readonly<
  Record<Exclude<ExprKind, 'input' | 'literal' | 'parameter' | 'index' | 'select' | 'call'>, Rule>
> = {
  neg: unary((dy) => dy.neg()),
  abs: unary((dy, x) => dy.mul(x.sign())),
  sign: flat,
  floor: flat,
  ceil: flat,
  trunc: flat,
  round: flat,
  sqrt: unary((dy, _x, y) => dy.div(y.mul(2))),
  exp: unary((dy, _x, y) => dy.mul(y)),
  exp2: unary((dy, _x, y) => dy.mul(y).mul(LN2)),
  expm1: unary((dy, _x, y) => dy.mul(y.add(1))),
  log: unary((dy, x) => dy.div(x)),
  log1p: unary((dy, x) => dy.div(x.add(1))),
  log2: unary((dy, x) => dy.div(x.mul(LN2))),
  log10: unary((dy, x) => dy.div(x.mul(LN10))),
  sin: unary((dy, x) => dy.mul(x.cos())),
  cos: unary((dy, x) => dy.mul(x.sin()).neg()),
  tan: unary((dy, _x, y) => dy.mul(y.square().add(1))),
  asin: unary((dy, x) => dy.mul(one().sub(x.square()).rsqrt())),
  acos: unary((dy, x) => dy.mul(one().sub(x.square()).rsqrt()).neg()),
  atan: unary((dy, x) => dy.div(x.square().add(1))),
  sinh: unary((dy, x) => dy.mul(x.cosh())),
  cosh: unary((dy, x) => dy.mul(x.sinh())),
  tanh: unary((dy, _x, y) => dy.mul(one().sub(y.square()))),
  isnan: flat,
  not: flat,
  bitNot: flat,

  add: binary((dy) => [dy, dy]),
  sub: binary((dy) => [dy, dy.neg()]),
  mul: binary((dy, a, b) => [dy.mul(b), dy.mul(a)]),
  div: binary((dy, _a, b, y) => [dy.div(b), dy.mul(y.div(b)).neg()]),
  truncDiv: flat,
  floorDiv: flat,
  rem: binary((dy, a, b) => [dy, dy.mul(a.truncDiv(b)).neg()]),
  mod: binary((dy, a, b) => [dy, dy.mul(a.floorDiv(b)).neg()]),
  pow: binary((dy, a, b, y) => [
    b.eq(0).select(0, dy.mul(b.mul(a.pow(b.sub(1))))),
    a
      .eq(0)
      .and(b.ge(0))
      .select(0, dy.mul(y.mul(a.log()))),
  ]),
  atan2: binary((dy, a, b) => {
    const squares = a.square().add(b.square());
    const scale = squares.eq(0).select(0, dy.div(squares));
    return [scale.mul(b), scale.mul(a).neg()];
  }),
  min: extremum((own, other) => own.gt(other)),
  max: extremum((own, other) => own.lt(other)),
  eq: flat,
  ne: flat,
  lt: flat,
  le: flat,
  gt: flat,
  ge: flat,
  and: flat,
  or: flat,
  xor: flat,
  bitAnd: flat,
  bitOr: flat,
  bitXor: flat,
  shiftLeft: flat,
  shiftRight: flat,
  mulHigh: flat,
  cast: (dy, _args, y) => [isFloatingCast(y) ? dy : null],
};

const isFloatingCast = (node: Expr): boolean => /float/.test(node.data.type ?? '');

/** A branch of a `select`: the condition, and whether it holds there. */
interface Branch {
  readonly condition: Expr;
  readonly holds: boolean;
}

/** What a node receives through the branches named, outermost first. */
interface Term {
  readonly within: readonly Branch[];
  readonly value: Expr;
}

/** What a node receives in all, one term for each path of branches. */
class Adjoint {
  private readonly byPath = new Map<string, Term>();

  add(within: readonly Branch[], value: Expr): void {
    const path = within.map(({ condition, holds }) => `${condition.id}${holds}`).join();
    const present = this.byPath.get(path);
    this.byPath.set(path, { within, value: present === undefined ? value : present.value.add(value) });
  }

  get terms(): readonly Term[] {
    return [...this.byPath.values()];
  }
}

/**
 * Reverse-mode differentiation: for each of `targets`, the expression of its gradient given that the value of
 * `root` receives `dy`; null where `root` does not depend on it differentiably.
 *
 * What flows through the branches of a `select` is kept apart and selected at the end, so that the branch not taken,
 * whose derivative may be infinite or NaN there, is never multiplied by zero.
 */
export function differentiate(root: Expr, targets: readonly Expr[], dy: Expr): (Expr | null)[] {
  const order = topological(root);
  const received = new Map<Expr, Adjoint>();
  const give = (node: Expr, within: readonly Branch[], value: Expr | null | undefined): void => {
    if (value === null || value === undefined) return;
    const adjoint = received.get(node) ?? new Adjoint();
    received.set(node, adjoint);
    adjoint.add(within, value);
  };
  give(root, [], dy);
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i]!;
    const adjoint = received.get(node);
    if (adjoint === undefined || targets.includes(node)) continue;
    for (const { within, value } of adjoint.terms) {
      if (node.kind === 'select') {
        const [condition, a, b] = node.args as [Expr, Expr, Expr];
        give(a, [...within, { condition, holds: true }], value);
        give(b, [...within, { condition, holds: false }], value);
      } else {
        for (const [arg, share] of flows(node, value)) give(arg, within, share);
      }
    }
  }
  return targets.map((target) => {
    const adjoint = received.get(target);
    return adjoint === undefined ? null : assemble(adjoint.terms, 0);
  });
}

/** The sum of terms that lie in the same branches down to `depth`. */
function assemble(terms: readonly Term[], depth: number): Expr {
  let total: Expr = literal(0);
  for (const { within, value } of terms) if (within.length === depth) total = total.add(value);
  const deeper = terms.filter(({ within }) => within.length > depth);
  for (const condition of new Set(deeper.map(({ within }) => within[depth]!.condition))) {
    const side = (holds: boolean): Expr =>
      assemble(
        deeper.filter(
          ({ within }) => within[depth]!.condition === condition && within[depth]!.holds === holds,
        ),
        depth + 1,
      );
    total = total.add(condition.select(side(true), side(false)));
  }
  return total;
}

function flows(node: Expr, dy: Expr): [Expr, Expr | null][] {
  switch (node.kind) {
    case 'input':
    case 'literal':
    case 'parameter':
    case 'index':
    case 'select':
      return [];
    case 'call': {
      const [body, ...args] = node.args as [Expr, ...Expr[]];
      if (node.data.grad === undefined) return [[body, dy]];
      const shares = node.data.grad(dy, args, node);
      return args.map((arg, i) => [arg, shares[i] ?? null]);
    }
    default: {
      const shares = RULES[node.kind](dy, node.args, node);
      return node.args.map((arg, i) => [arg, shares[i] ?? null]);
    }
  }
}

/** Every node below `root`, arguments before users. */
export function topological(root: Expr): Expr[] {
  const order: Expr[] = [];
  const seen = new Set<Expr>();
  const visit = (node: Expr): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const arg of node.args) visit(arg);
    order.push(node);
  };
  visit(root);
  return order;
}

/** The same expression with some nodes replaced. */
export function substitute(root: Expr, replacements: ReadonlyMap<Expr, Expr>): Expr {
  const done = new Map<Expr, Expr>(replacements);
  for (const node of topological(root)) {
    if (done.has(node)) continue;
    const args = node.args.map((arg) => done.get(arg)!);
    done.set(
      node,
      args.every((arg, i) => arg === node.args[i]) ? node : Expr.make(node.kind, args, node.data),
    );
  }
  return done.get(root)!;
}
