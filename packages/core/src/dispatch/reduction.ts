import { asDType, type DType, getDefaultDtype, isDifferentiable } from '../dtype.ts';
import { ArgumentError, checkOptions, DTypeError, describe, ShapeError, showShape } from '../errors.ts';
import { type Expr, input, parameter } from '../expr/expr.ts';
import { compile, computeType } from '../expr/program.ts';
import { gradEnabled } from '../graph/mode.ts';
import { edgeTo, type GradientList, type Gradients, Node, wantsGrad } from '../graph/node.ts';
import { SavedTensor } from '../graph/saved.ts';
import { checkAlive, isTensor, type Tensor } from '../graph/tensor.ts';
import { collapse, MAX_RANK, sizeOf, wrapDims } from '../shape.ts';
import type { ReduceCombiner, Reduction } from '../storage/contract.ts';
import { emptyTensor, flatOperand, operandWith } from './operands.ts';
import { constant } from './pointwise.ts';
import { kernelsOf } from './seams.ts';

export interface ReduceOptions {
  /** Keeps reduced dimensions with size 1. */
  readonly keepdim?: boolean;
  /** Converts to this dtype first. */
  readonly dtype?: DType;
}

export type Dims = number | readonly number[] | null | undefined;

export interface ReduceAttrs {
  readonly [name: string]: unknown;
  /** Reduced dimensions, from the front. */
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  /** Shape of the input. */
  readonly shape: readonly number[];
  /** Elements that go into one result. */
  readonly count: number;
  readonly compute: DType;
}

export interface ReductionSettings {
  readonly combiner: ReduceCombiner;
  /** On each element before combining. */
  readonly pre?: (x: Expr) => Expr;
  /** On the combined value; `count` is the number of elements combined. */
  readonly post?: (value: Expr, scope: { readonly count: Expr }) => Expr;
  /** `same`: the input's dtype. `sum`: integers narrower than int64, and bool, become int32. `float`: integers are refused. `bool`: a truth. */
  readonly result: 'same' | 'sum' | 'float' | 'bool';
  /** The result over no elements; without it that is an error. */
  readonly empty?: number | boolean;
  readonly saves?: readonly ('x' | 'y')[];
  vjp?(dy: Tensor, saved: { readonly x: Tensor; readonly y: Tensor }, attrs: ReduceAttrs): Tensor;
}

/** A reduction: checks, the kernel's call, the programs for each dtype, and its place in the graph. */
export class ReductionOp {
  readonly name: string;
  readonly settings: ReductionSettings;
  private last: { readonly dtype: DType; readonly compute: DType; readonly reduction: Reduction } | null =
    null;
  private readonly reductions = new Map<string, Reduction>();

  constructor(name: string, settings: ReductionSettings) {
    this.name = name;
    this.settings = settings;
  }

  call(x: Tensor, dimOrOptions?: Dims | ReduceOptions, given?: ReduceOptions): Tensor {
    if (!isTensor(x))
      throw new ArgumentError(`${this.name}: the input must be a tensor, got ${describe(x)}`, {
        op: this.name,
      });
    checkAlive(this.name, x);
    const attrs = this.attributes(x, dimOrOptions, given);
    const { compute, dims, keepdim } = attrs;
    const y = emptyTensor(
      x.storage.entry,
      this.settings.result === 'bool' ? 'bool' : compute,
      reducedShape(x.shape, dims, keepdim),
    );
    if (sizeOf(y.shape) > 0) this.launch(y, x, attrs);
    if (gradEnabled && this.settings.vjp !== undefined && isDifferentiable(y.dtype) && wantsGrad(x)) {
      const node = new ReductionNode(this, x, attrs);
      y.node = node;
      node.save(x, y);
    }
    return y;
  }

  private attributes(
    x: Tensor,
    dimOrOptions: Dims | ReduceOptions,
    given: ReduceOptions | undefined,
  ): ReduceAttrs {
    const [dim, options] = dimAndOptions(dimOrOptions, given);
    checkOptions(this.name, options, this.converts ? ['keepdim', 'dtype'] : ['keepdim']);
    const dims = reducedDims(this.name, x, dim);
    const compute = this.computeDType(x.dtype, options?.dtype);
    const keepdim = options?.keepdim ?? false;
    let count = 1;
    for (const reduced of dims) count *= x.shape[reduced]!;
    if (count === 0 && this.settings.empty === undefined) {
      throw new ShapeError(
        `${this.name}: nothing to reduce: ${showShape(x.shape)} has no elements along dims ${showShape(dims)}, and there is no neutral value`,
        { op: this.name },
      );
    }
    return { dims, keepdim, shape: x.shape, count, compute };
  }

  private launch(y: Tensor, x: Tensor, { dims, count, compute }: ReduceAttrs): void {
    const kernels = kernelsOf(x.storage.entry);
    if (count === 0) {
      const value = this.settings.empty!;
      constant.fillInto(y, { value: Number(value) });
      return;
    }
    const reduction = this.reduction(x.dtype, compute);
    if (x.rowMajor && dims.length === x.shape.length) {
      kernels.reduce(reduction, [count], 0, operandWith(y, NO_STRIDES), [flatOperand(x)], [count]);
      return;
    }
    const kept = x.shape.map((_, dim) => dim).filter((dim) => !dims.includes(dim));
    const order = [...kept, ...dims];
    const shape = order.map((dim) => x.shape[dim]!);
    let stride = sizeOf(kept.map((dim) => x.shape[dim]!));
    const outStrides = order.map((dim, i) => (i < kept.length ? (stride /= Math.max(1, x.shape[dim]!)) : 0));
    const nest = collapse(shape, [order.map((dim) => x.strides[dim]!), outStrides], kept.length);
    const sizes = nest.keepFrom === nest.shape.length ? [...nest.shape, 1] : nest.shape;
    const inStrides = sizes === nest.shape ? nest.strides[0]! : [...nest.strides[0]!, 0];
    const output = operandWith(y, nest.strides[1]!.slice(0, nest.keepFrom));
    kernels.reduce(reduction, sizes, nest.keepFrom, output, [operandWith(x, inStrides)], [count]);
  }

  /** Whether the option `dtype` has a meaning: where the result is a number that is computed. */
  private get converts(): boolean {
    return this.settings.result === 'sum' || this.settings.result === 'float';
  }

  private computeDType(dtype: DType, asked: DType | undefined): DType {
    const from = asked === undefined ? dtype : asDType(this.name, asked);
    switch (this.settings.result) {
      case 'same':
      case 'bool':
        return from;
      case 'sum':
        return asked === undefined && !isDifferentiable(from) && from !== 'int64' ? 'int32' : from;
      case 'float':
        if (isDifferentiable(from)) return from;
        throw new DTypeError(
          `${this.name}: ${from} has no exact result; give a floating dtype: ${this.name}({ dtype: '${getDefaultDtype()}' })`,
          { op: this.name },
        );
    }
  }

  private reduction(dtype: DType, compute: DType): Reduction {
    const { last } = this;
    if (last !== null && last.dtype === dtype && last.compute === compute) return last.reduction;
    const reduction = this.findReduction(dtype, compute);
    this.last = { dtype, compute, reduction };
    return reduction;
  }

  private findReduction(dtype: DType, compute: DType): Reduction {
    const key = `${dtype}>${compute}`;
    const known = this.reductions.get(key);
    if (known !== undefined) return known;
    const { settings } = this;
    const truth = settings.result === 'bool';
    const accumulator = truth ? 'bool' : computeType(compute);
    const pre = compile((settings.pre ?? same)(truth ? input(0).ne(0) : input(0)), {
      inputs: [dtype],
      promoted: [true],
      compute: truth ? dtype : compute,
      output: accumulator,
      parameterCount: 1,
    });
    const post = compile((settings.post ?? same)(input(0), { count: parameter(0) }), {
      inputs: [accumulator],
      promoted: [true],
      compute: accumulator,
      output: truth ? 'bool' : compute,
      parameterCount: 1,
    });
    const reduction = intern(settings.combiner, pre, post);
    this.reductions.set(key, reduction);
    return reduction;
  }
}

/** A recorded reduction. */
class ReductionNode extends Node {
  private readonly op: ReductionOp;
  private readonly attrs: ReduceAttrs;
  private x: SavedTensor | null = null;
  private y: SavedTensor | null = null;

  constructor(op: ReductionOp, x: Tensor, attrs: ReduceAttrs) {
    super(op.name, [edgeTo(x)]);
    this.op = op;
    this.attrs = attrs;
  }

  /** Keeps what the rule reads, now that `y` has its place in the graph. */
  save(x: Tensor, y: Tensor): void {
    const { saves } = this.op.settings;
    if (saves === undefined) return;
    if (saves.includes('x')) this.x = new SavedTensor(x);
    if (saves.includes('y')) this.y = new SavedTensor(y);
  }

  apply([dy]: Gradients): GradientList {
    if (dy === null || dy === undefined) return [null];
    // A rule reads what its declaration saves, and nothing else.
    const saved = { x: this.x?.unpack(this.name), y: this.y?.unpack(this.name) } as { x: Tensor; y: Tensor };
    return [this.op.settings.vjp!(dy, saved, this.attrs)];
  }

  override release(): void {
    this.x?.release();
    this.y?.release();
  }
}

const same = (x: Expr): Expr => x;
/** By rank. */
const ALL_DIMS: readonly (readonly number[])[] = Array.from({ length: MAX_RANK + 1 }, (_, rank) =>
  Array.from({ length: rank }, (_, dim) => dim),
);
const NO_STRIDES: readonly number[] = [];

const interned = new Map<string, Reduction>();

function intern(combiner: ReduceCombiner, pre: Reduction['pre'], post: Reduction['post']): Reduction {
  const key = `${combiner}|${pre.key}|${post.key}`;
  let reduction = interned.get(key);
  if (reduction === undefined) {
    reduction = { key, id: interned.size, pre, combiner, post };
    interned.set(key, reduction);
  }
  return reduction;
}

/** The arguments after the input, where the dim may be left out before the options. */
export function dimAndOptions<O extends object>(
  dim: Dims | O,
  options: O | undefined,
): [dim: Dims, options: O | undefined] {
  // What is neither a number, a list nor absent is an object of options; its keys are checked next.
  return typeof dim === 'object' && dim !== null && !Array.isArray(dim)
    ? [undefined, dim as O]
    : [dim as Dims, options];
}

/**
 * The dims to reduce, from the front and in rising order: those named, or all where none is.
 *
 * @throws {ShapeError} one is out of range or named twice.
 */
export function reducedDims(op: string, x: Tensor, dim: Dims): readonly number[] {
  if (dim === null || dim === undefined || (Array.isArray(dim) && dim.length === 0))
    return ALL_DIMS[x.shape.length]!;
  const dims = wrapDims(op, Array.isArray(dim) ? dim : [dim], x).sort((a, b) => a - b);
  return x.shape.length === 0 ? [] : dims;
}

/** The shape that is left when `dims` are reduced. */
export function reducedShape(
  shape: readonly number[],
  dims: readonly number[],
  keepdim: boolean,
): readonly number[] {
  if (!keepdim && dims.length === shape.length) return [];
  return keepdim
    ? shape.map((size, i) => (dims.includes(i) ? 1 : size))
    : shape.filter((_, i) => !dims.includes(i));
}
