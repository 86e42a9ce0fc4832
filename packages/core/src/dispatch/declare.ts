import type { Scalar } from '../dtype.ts';
import { FlambeauError, hideFrames } from '../errors.ts';
import type { Expr } from '../expr/expr.ts';
import type { Tensor } from '../graph/tensor.ts';
import { enterOperator, leaveOperator } from '../storage/running.ts';
import { scope } from '../storage/scope.ts';
import { underName } from './faults.ts';
import { copyInto } from './in-place.ts';
import {
  type Attrs,
  type CompositeDeclaration,
  type Inputs,
  Operator,
  type PrimitiveDeclaration,
  type Specs,
} from './operator.ts';
import { PointwiseOp } from './pointwise.ts';
import type { ParameterValues, Value } from './pointwise-operands.ts';
import type { PointwiseSettings } from './pointwise-variants.ts';
import { type Dims, type ReduceOptions, ReductionOp, type ReductionSettings } from './reduction.ts';
import { operatorInterceptor } from './seams.ts';
import { UpdateOp, type UpdateSettings } from './update.ts';
import { type ViewDeclaration, ViewOp } from './view.ts';

/** What a declared operator carries besides being a function. */
export interface Declared {
  readonly opName: string;
  /** Writes the result over the first argument; absent where that has no meaning. */
  readonly inPlace?: ((x: Tensor, ...args: never[]) => Tensor) | undefined;
}

type Options<P> = { readonly [K in keyof P]?: P[K] extends boolean ? boolean : number };

export type UnaryOperator = ((x: Tensor) => Tensor) & Declared;
export type UnaryOperatorWith<P> = ((x: Tensor, options?: Options<P>) => Tensor) & Declared;
export type BinaryOperator = ((x: Tensor | Scalar, y: Tensor | Scalar) => Tensor) & Declared;
export type BinaryOperatorWith<P> = ((
  x: Tensor | Scalar,
  y: Tensor | Scalar,
  options?: Options<P>,
) => Tensor) &
  Declared;
export type TernaryOperator = ((x: Tensor | Scalar, y: Tensor | Scalar, z: Tensor | Scalar) => Tensor) &
  Declared;
export type TernaryOperatorWith<P> = ((
  x: Tensor | Scalar,
  y: Tensor | Scalar,
  z: Tensor | Scalar,
  options?: Options<P>,
) => Tensor) &
  Declared;

type Plain = Omit<PointwiseSettings, 'params'> & { readonly params?: never };
type With<P> = PointwiseSettings & { readonly params: P };

/**
 * What a builder with parameters is given: inputs, then the parameters by name. One type serves both, so that
 * TypeScript infers the number of inputs from the builder.
 */
type Given<P> = Expr & { readonly [K in keyof P]: Expr };

type OperatorOf<Given extends unknown[]> = Given['length'] extends 1
  ? UnaryOperator
  : Given['length'] extends 2
    ? BinaryOperator
    : TernaryOperator;
type OperatorWith<Given extends unknown[], P> = Given['length'] extends 2
  ? UnaryOperatorWith<P>
  : Given['length'] extends 3
    ? BinaryOperatorWith<P>
    : TernaryOperatorWith<P>;

/**
 * Declares a pointwise operator: one expression over scalars. The loop on every device, the gradient and the
 * in-place form follow from it.
 *
 * @example const silu = pointwise('silu', (x) => x.mul(x.sigmoid()), { promote: 'float' });
 */
export function pointwise<B extends (...inputs: Expr[]) => Expr>(
  name: string,
  build: B,
  settings?: Plain,
): OperatorOf<Parameters<B>>;
export function pointwise<P extends ParameterValues, B extends (...given: Given<P>[]) => Expr>(
  name: string,
  build: B,
  settings: With<P>,
): OperatorWith<Parameters<B>, P>;
// Bundlers may leave out what is declared and not used.
/* @__NO_SIDE_EFFECTS__ */
export function pointwise(
  name: string,
  build: (...args: never[]) => Expr,
  settings: PointwiseSettings = {},
): Declared {
  const arity = build.length - (settings.params === undefined ? 0 : 1);
  const spread = build as (...args: unknown[]) => Expr;
  const op = new PointwiseOp(name, arity, (inputs, params) => spread(...inputs, params), settings);
  return exposePointwise(op, settings.inPlace ?? true);
}

function exposePointwise(op: PointwiseOp, hasInPlace: boolean): Declared {
  const run = (operands: readonly Value[], options: ParameterValues | undefined, from: Frame): Tensor => {
    try {
      if (operatorInterceptor !== null) {
        const seen = options === undefined ? operands : [...operands, options];
        return operatorInterceptor(op.name, seen, (args) =>
          op.call(args.slice(0, op.arity) as Value[], args[op.arity] as ParameterValues | undefined),
        ) as Tensor;
      }
      return op.call(operands, options);
    } catch (error) {
      throw atCaller(error, from);
    }
  };
  const inPlace = (...args: unknown[]): Tensor => {
    try {
      return op.callInPlace(
        args.slice(0, op.arity) as Value[],
        args[op.arity] as ParameterValues | undefined,
      );
    } catch (error) {
      throw atCaller(error, inPlace);
    }
  };
  const unary = (x: Value, options?: ParameterValues): Tensor => run([x], options, unary);
  const binary = (x: Value, y: Value, options?: ParameterValues): Tensor => run([x, y], options, binary);
  const ternary = (x: Value, y: Value, z: Value, options?: ParameterValues): Tensor =>
    run([x, y, z], options, ternary);
  const fn = [unary, binary, ternary][op.arity - 1]!;
  return Object.assign(fn, { opName: op.name, inPlace: hasInPlace ? inPlace : undefined, pointwise: op });
}

export interface UpdateOperator<N extends string> extends Declared {
  (rows: readonly (readonly Tensor[])[], numbers: Readonly<Record<N, number>>): void;
}

/**
 * Declares an update: steps over scalars that overwrite tensors in place, several in one pass and many at once. It is
 * called with rows, each of them the operands of one parameter, and with numbers that serve all rows. A step sees what
 * those before it wrote. What no kernel takes at once (operands of several shapes, shared memory, recording) is
 * done step by step, as in-place pointwise operators do it.
 *
 * @throws {ArgumentError} a row has not as many tensors as there are operands, or a number is missing.
 * @example
 * const momentum = update('momentum', {
 *   operands: ['x', 'g', 'average'],
 *   numbers: ['lr', 'decay'],
 *   steps: {
 *     average: ({ average, g, decay }) => average.mul(decay).add(g),
 *     x: ({ x, average, lr }) => x.sub(average.mul(lr)),
 *   },
 * });
 * noGrad(() => momentum(params.map((x, i) => [x, x.grad!, averages[i]!]), { lr: 0.1, decay: 0.9 }));
 */
/* @__NO_SIDE_EFFECTS__ */
export function update<const O extends string, const N extends string, const L extends string = never>(
  name: string,
  settings: UpdateSettings<O, N, L>,
): UpdateOperator<N> {
  const op = new UpdateOp(name, settings);
  const call = (rows: readonly (readonly Tensor[])[], numbers: Readonly<Record<string, number>>): void =>
    op.call(rows, numbers);
  return named(name, undefined, guarded(name, call as (...args: never[]) => unknown)) as UpdateOperator<N>;
}

/** Reduces over one dimension, several, or all. */
export interface ReduceOperator extends Declared {
  (x: Tensor, options?: ReduceOptions): Tensor;
  (x: Tensor, dim: Dims, options?: ReduceOptions): Tensor;
}

/** Declares a reduction: an expression before, a combiner, an expression after. */
/* @__NO_SIDE_EFFECTS__ */
export function reduction(name: string, settings: ReductionSettings): ReduceOperator {
  const op = new ReductionOp(name, settings);
  const call = (x: Tensor, dim?: Dims | ReduceOptions, options?: ReduceOptions): Tensor =>
    op.call(x, dim, options);
  return named(
    name,
    undefined,
    guarded(name, call as (...args: never[]) => unknown),
  ) as unknown as ReduceOperator;
}

export type ViewOperator<A extends unknown[]> = ((x: Tensor, ...args: A) => Tensor) & Declared;

/** Declares an operator whose result shares its input's memory. */
/* @__NO_SIDE_EFFECTS__ */
export function view<A extends unknown[]>(name: string, declaration: ViewDeclaration<A>): ViewOperator<A> {
  const op = new ViewOp(name, declaration);
  const call = (x: Tensor, ...args: A): Tensor => op.call(x, args);
  return named(name, undefined, guarded(name, call as (...args: never[]) => unknown)) as ViewOperator<A>;
}

/** What comes back of outputs: the tensor itself if it is one, else all by name. */
export type Returned<O, R extends keyof O> = [R] extends [never] ? One<O> : One<Pick<O, R>>;
type One<O> = IsUnion<keyof O> extends true ? { readonly [K in keyof O]: Tensor } : Tensor;
type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never;

interface Settings<O, R extends keyof O> {
  readonly returns?: readonly R[];
  /** Whether there is an in-place form `name_`. */
  readonly inPlace?: boolean;
}

/** Declares an operator that calls a backend's kernel. */
/* @__NO_SIDE_EFFECTS__ */
export function primitive<
  Args extends unknown[],
  I extends Inputs,
  A extends Attrs,
  O extends Specs,
  S extends (keyof I | keyof O) & string = never,
  R extends keyof O & string = never,
>(
  name: string,
  declaration: PrimitiveDeclaration<Args, I, A, O, S> & Settings<O, R>,
): ((...args: Args) => Returned<O, R>) & Declared {
  return expose(name, declaration.inPlace ?? false, new Operator(name, declaration)) as never;
}

/**
 * Declares an operator by others. With `infer` it can have a gradient rule of its own and fused kernels; a plain
 * function is only that, with its intermediate tensors given free at once.
 */
export function composite<Args extends unknown[], R>(
  name: string,
  fn: (...args: Args) => R,
  settings?: { readonly inPlace?: boolean },
): ((...args: Args) => R) & Declared;
export function composite<
  Args extends unknown[],
  I extends Inputs,
  A extends Attrs,
  O extends Specs,
  S extends (keyof I | keyof O) & string = never,
  R extends keyof O & string = never,
>(
  name: string,
  declaration: CompositeDeclaration<Args, I, A, O, S> & Settings<O, R>,
): ((...args: Args) => Returned<O, R>) & Declared;
/* @__NO_SIDE_EFFECTS__ */
export function composite(
  name: string,
  declared: ((...args: never[]) => unknown) | Settings<Specs, string>,
  settings: { readonly inPlace?: boolean } = {},
): Declared {
  if (typeof declared === 'function') {
    const fn = declared as (...args: unknown[]) => unknown;
    return exposeFunction(name, settings.inPlace ?? false, (...args) => scope(() => fn(...args)));
  }
  return expose(name, declared.inPlace ?? false, new Operator(name, declared));
}

function expose(name: string, inPlace: boolean, op: Operator): Declared {
  return exposeFunction(name, inPlace, (...args) => op.call(args));
}

function exposeFunction(name: string, hasInPlace: boolean, body: (...args: unknown[]) => unknown): Declared {
  const fn = guarded(name, body as (...args: never[]) => unknown);
  if (!hasInPlace) return named(name, undefined, fn);
  const inPlace = guarded(`${name}_`, ((x: Tensor, ...args: unknown[]) =>
    scope(() => copyInto(x, body(x, ...args) as Tensor))) as (...args: never[]) => unknown);
  return named(name, inPlace as Declared['inPlace'], fn);
}

const named = (name: string, inPlace: Declared['inPlace'], fn: (...args: never[]) => unknown): Declared =>
  Object.assign(fn, { opName: name, inPlace });

/** The function that users call: behind the operator seam, with stacks that begin at the caller. */
function guarded(name: string, body: (...args: never[]) => unknown): (...args: never[]) => unknown {
  const run = body as (...args: unknown[]) => unknown;
  const fn = (...args: unknown[]): unknown => {
    const before = enterOperator(name);
    try {
      return operatorInterceptor === null
        ? run(...args)
        : operatorInterceptor(name, args, (given) => run(...given));
    } catch (error) {
      throw atCaller(underName(name, error), fn);
    } finally {
      leaveOperator(before);
    }
  };
  return fn;
}

type Frame = (...args: never[]) => unknown;

/** Lets an error's stack begin where the user called `from`. */
export function atCaller(error: unknown, from: Frame): unknown {
  return error instanceof FlambeauError ? hideFrames(error, from) : error;
}

/** What stands behind a function that `pointwise` made. */
export const pointwiseOf = (fn: Declared): PointwiseOp =>
  (fn as unknown as { pointwise: PointwiseOp }).pointwise;

export const isDeclared = (value: unknown): value is Declared =>
  typeof value === 'function' && 'opName' in value;
