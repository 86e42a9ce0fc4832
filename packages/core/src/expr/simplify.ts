import type { Expr, ExprData, ExprKind } from './expr.ts';

const isLiteral = (node: Expr | undefined, value: number | boolean): boolean =>
  node?.kind === 'literal' && Object.is(node.data.value, value);

type Folder = (a: number, b: number) => number;

/** Literals are folded only where every type would give the same: exact arithmetic on small numbers. */
const FOLDED: Partial<Record<ExprKind, Folder>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  neg: (a) => -a,
};

/**
 * The simpler node that means the same as `kind(args)`, or `undefined` to keep it. Nothing here turns a NaN or an
 * infinity into a number: `x * 0` stays.
 */
export function fold(
  kind: ExprKind,
  args: readonly Expr[],
  data: ExprData,
  literal: (value: number) => Expr,
): Expr | undefined {
  const [a, b, c] = args;
  const folder = FOLDED[kind];
  if (
    folder !== undefined &&
    args.every((arg) => arg.kind === 'literal' && typeof arg.data.value === 'number')
  ) {
    return literal(folder(Number(a!.data.value), Number(b?.data.value ?? 0)));
  }
  switch (kind) {
    case 'add':
      if (isLiteral(a, 0)) return b;
      if (isLiteral(b, 0)) return a;
      return joinSelects(a!, b!);
    case 'sub':
      return isLiteral(b, 0) ? a : isLiteral(a, 0) ? b!.neg() : undefined;
    case 'mul':
      if (isLiteral(a, 1)) return b;
      if (isLiteral(b, 1)) return a;
      if (isLiteral(a, -1)) return b!.neg();
      if (isLiteral(b, -1)) return a!.neg();
      return undefined;
    case 'div':
      return isLiteral(b, 1) ? a : undefined;
    case 'neg':
      return a!.kind === 'neg' ? a!.args[0] : undefined;
    case 'not':
      return a!.kind === 'not' && isBoolean(a!.args[0]!) ? a!.args[0] : undefined;
    case 'select':
      if (b === c) return b;
      if (a!.kind === 'literal') return a!.data.value === false || a!.data.value === 0 ? c : b;
      return undefined;
    case 'cast':
      return a!.kind === 'cast' && a!.data.type === data.type ? a : undefined;
    default:
      return undefined;
  }
}

/** `select(c, a, 0) + select(c, 0, b)`, as gradients of a select make it, is `select(c, a, b)`. */
function joinSelects(a: Expr, b: Expr): Expr | undefined {
  if (a.kind !== 'select' || b.kind !== 'select' || a.args[0] !== b.args[0]) return undefined;
  const [condition, a1, a2] = a.args as [Expr, Expr, Expr];
  const [, b1, b2] = b.args as [Expr, Expr, Expr];
  if (isLiteral(a2, 0) && isLiteral(b1, 0)) return condition.select(a1, b2);
  if (isLiteral(a1, 0) && isLiteral(b2, 0)) return condition.select(b1, a2);
  return undefined;
}

const BOOLEAN = new Set<ExprKind>(['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'xor', 'not', 'isnan']);
const isBoolean = (node: Expr): boolean => BOOLEAN.has(node.kind);
