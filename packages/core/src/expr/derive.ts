import { Expr, type ExprKind, literal } from './expr.ts';

/** What each argument of a node receives, given what the node received; null where nothing flows. */
type Rule = (dy: Expr, args: readonly Expr[], y: Expr) => readonly (Expr | null)[];

const unary =
  (rule: (dy: Expr, x: Expr, y: Expr) => Expr | null): Rule =>
  (dy, [x], y) => [rule(dy, x!, y)];
const binary =
  (rule: (dy: Expr, a: Expr, b: Expr, y: Expr) => readonly [Expr | null, Expr | null]): Rule =>
  (dy, [a, b], y) => rule(dy, a!, b!, y);

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
const RULES: Readonly<Record<Exclude<ExprKind, 'input' | 'literal' | 'parameter' | 'index' | 'call'>, Rule>> = {
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
    a.eq(0).and(b.ge(0)).select(0, dy.mul(y.mul(a.log()))),
  ]),
  atan2: binary((dy, a, b) => {
    const scale = dy.div(a.square().add(b.square()));
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
  select: (dy, [condition]) => [null, condition!.select(dy, 0), condition!.select(0, dy)],
};

const isFloatingCast = (node: Expr): boolean => /float/.test(node.data.type ?? '');

/**
 * Reverse-mode differentiation: for each of `targets`, the expression of its gradient given that the value of
 * `root` receives `dy`; null where `root` does not depend on it differentiably.
 */
export function differentiate(root: Expr, targets: readonly Expr[], dy: Expr): (Expr | null)[] {
  const order = topological(root);
  const received = new Map<Expr, Expr>([[root, dy]]);
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i]!;
    const adjoint = received.get(node);
    if (adjoint === undefined || targets.includes(node)) continue;
    for (const [arg, share] of flows(node, adjoint)) {
      if (share === null) continue;
      const sum = received.get(arg);
      received.set(arg, sum === undefined ? share : sum.add(share));
    }
  }
  return targets.map((target) => received.get(target) ?? null);
}

function flows(node: Expr, dy: Expr): [Expr, Expr | null][] {
  switch (node.kind) {
    case 'input':
    case 'literal':
    case 'parameter':
    case 'index':
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
    done.set(node, args.every((arg, i) => arg === node.args[i]) ? node : Expr.make(node.kind, args, node.data));
  }
  return done.get(root)!;
}
