import { DTYPES, type DType, isDifferentiable, scalarDType } from '../dtype.ts';
import { ArgumentError, DTypeError, describe, ShapeError, showShape } from '../errors.ts';
import type { Program } from '../expr/program.ts';
import { gradEnabled } from '../graph/mode.ts';
import { type Edge, edgeTo, wantsGrad } from '../graph/node.ts';
import { isTensor, Tensor } from '../graph/tensor.ts';
import { sameShape } from '../shape.ts';
import { type DeviceEntry, deviceEntry } from '../storage/registry.ts';
import { assignNode, checkInPlace, separateFrom } from './in-place.ts';
import { emptyTensor, isUniform } from './operands.ts';
import { type Build, deriveGradient } from './pointwise-gradient.ts';
import { launchFlat, launchPointwise } from './pointwise-launch.ts';
import { PointwiseNode } from './pointwise-node.ts';
import {
  checkParameters,
  type ParameterValues,
  placeOperands,
  tensorsAmong,
  type Value,
} from './pointwise-operands.ts';
import { type PointwiseSettings, PointwiseVariants } from './pointwise-variants.ts';

/** How one input's gradient is computed. */
export interface InputGradient {
  /** Null where the gradient is `dy` itself. */
  readonly op: PointwiseOp | null;
  /** The inputs that the gradient reads, in order, and the same as bits. */
  readonly reads: readonly number[];
  readonly readMask: number;
  readonly readsOutput: boolean;
}

/** A pointwise operator: one scalar expression, and all that follows from it. */
export class PointwiseOp {
  readonly name: string;
  readonly arity: number;
  readonly settings: PointwiseSettings;
  private readonly build: Build;
  private readonly promoted: readonly boolean[];
  private readonly variants: PointwiseVariants;
  /** The program for operands alike, and the dtype that it was last made for. */
  private alike: Program | null = null;
  private alikeDType: DType | null = null;
  private readonly gradients: (InputGradient | null | undefined)[] = [];

  constructor(name: string, arity: number, build: Build, settings: PointwiseSettings = {}) {
    this.name = name;
    this.arity = arity;
    this.build = build;
    this.settings = settings;
    this.promoted = settings.promoted ?? new Array<boolean>(arity).fill(true);
    this.variants = new PointwiseVariants(name, build, settings, this.promoted);
  }

  /** The operator on its operands: at least one tensor, numbers standing for tensors without dimensions. */
  call(given: readonly Value[], options: ParameterValues | undefined): Tensor {
    if (options === undefined) {
      const result = this.callAlike(given);
      if (result !== null) return result;
    } else checkParameters(this.name, this.variants.paramNames, options);
    const operands = given.some(isTensor) ? given : this.anchored(given);
    const { entry, shape, model } = placeOperands(this.name, operands);
    const first = operands[0];
    const variant = this.variants.of(
      operands,
      options,
      this.settings.converts && isTensor(first) ? first.dtype : undefined,
    );
    const tensors = tensorsAmong(operands);
    const output = emptyTensor(entry, variant.program.output, shape, model?.strides);
    launchPointwise(variant.program, output, tensors, this.variants.parameters(operands, options, variant));
    if (gradEnabled && tensors.some(wantsGrad)) this.record(operands, options, output);
    return output;
  }

  /** The way of most calls: tensors of one dtype and shape, in row-major order or of one repeated value. Null where they are not. */
  private callAlike(operands: readonly Value[]): Tensor | null {
    const x = operands[0];
    if (!(x instanceof Tensor)) return null;
    const { shape, dtype } = x;
    const { entry } = x.storage;
    let model: Tensor | null = null;
    for (let i = 0; i < operands.length; i++) {
      const other = operands[i];
      if (!(other instanceof Tensor) || other.dtype !== dtype || other.disposed) return null;
      if (other.storage.entry !== entry || !sameShape(other.shape, shape)) return null;
      if (other.rowMajor) model = other;
      else if (!isUniform(other)) return null;
    }
    if (model === null) return null;
    if (dtype !== this.alikeDType) {
      this.alike = this.variants.of(operands, undefined).program;
      this.alikeDType = dtype;
    }
    const program = this.alike!;
    if (program.usesIndex || program.parameterCount > 0) return null;
    const output = emptyTensor(entry, program.output, shape, model.strides);
    launchFlat(program, output, operands as readonly Tensor[]);
    if (gradEnabled) {
      for (let i = 0; i < operands.length; i++) {
        if (!wantsGrad(operands[i] as Tensor)) continue;
        this.record(operands, undefined, output);
        break;
      }
    }
    return output;
  }

  /**
   * The operator written over `target`, which is its first operand, where operands are alike and nothing is recorded
   * or refused. False, with nothing done, where they are not.
   */
  overwriteAlike(target: Tensor, other: Tensor): boolean {
    if (!target.rowMajor || !other.rowMajor || other.dtype !== target.dtype) return false;
    if (other.storage.entry !== target.storage.entry || !sameShape(other.shape, target.shape)) return false;
    const { program } = this.variants.of([target, other], undefined);
    if (program.output !== target.dtype || program.parameterCount > 0) return false;
    launchFlat(program, target, [target, other]);
    target.storage.version += 1;
    return true;
  }

  /** The operator, written over its first operand. */
  callInPlace(operands: readonly Value[], options: ParameterValues | undefined): Tensor {
    const target = operands[0];
    if (!isTensor(target))
      throw new ArgumentError(`${this.name}_: the first operand must be a tensor, got ${describe(target)}`);
    const name = `${this.name}_`;
    if (options !== undefined) checkParameters(this.name, this.variants.paramNames, options);
    const { shape } = placeOperands(this.name, operands);
    checkInPlace(name, target);
    if (!sameShape(shape, target.shape)) {
      throw new ShapeError(
        `${name}: the result has shape ${showShape(shape)}, which does not fit into ${showShape(target.shape)}`,
        { op: name },
      );
    }
    const result = this.variants.of(operands, options);
    const { program } = result;
    if (!this.settings.converts && DTYPES[program.output].rank > DTYPES[target.dtype].rank) {
      throw new DTypeError(
        `${name}: the result is ${program.output}, which a ${target.dtype} tensor cannot hold; convert it first: to({ dtype: '${program.output}' })`,
        { op: name },
      );
    }
    const tensors = tensorsAmong(operands).map((operand) => separateFrom(target, operand));
    const variant =
      program.output === target.dtype ? result : this.variants.of(operands, options, target.dtype);
    const node =
      gradEnabled &&
      isDifferentiable(target.dtype) &&
      operands.some((operand) => isTensor(operand) && wantsGrad(operand))
        ? this.node(operands, options, true)
        : null;
    launchPointwise(variant.program, target, tensors, this.variants.parameters(operands, options, variant));
    target.storage.version += 1;
    target.storage.changedBy = name;
    if (node !== null) {
      assignNode(target, node);
      node.saveOutput(target);
    }
    return target;
  }

  /** Writes the expression, which reads no input, into a new tensor. */
  fill(entry: DeviceEntry, shape: readonly number[], dtype: DType, options: ParameterValues): Tensor {
    const output = emptyTensor(entry, dtype, shape);
    this.fillInto(output, options);
    return output;
  }

  /** Writes the expression, which reads no input, over a tensor that nothing else has seen. */
  fillInto(output: Tensor, options: ParameterValues): void {
    const variant = this.variants.of([], options, output.dtype, output.dtype);
    launchPointwise(variant.program, output, [], this.variants.parameters([], options, variant));
  }

  /** Numbers alone: the first becomes a tensor on the default device. */
  private anchored([first, ...others]: readonly Value[]): readonly Value[] {
    if (
      first === undefined ||
      typeof first === 'object' ||
      others.some(
        (other) => typeof other !== 'number' && typeof other !== 'boolean' && typeof other !== 'bigint',
      )
    ) {
      return [first as Value, ...others];
    }
    const dtype = typeof first === 'number' && Number.isInteger(first) ? 'int32' : scalarDType(first);
    return [constant.fill(deviceEntry(undefined), [], dtype, { value: first }), ...others];
  }

  /** The gradient for input `i`, made when it is first wanted; null where none flows. */
  gradient(i: number): InputGradient | null {
    const known = this.gradients[i];
    if (known !== undefined) return known;
    const gradient = this.deriveGradient(i);
    this.gradients[i] = gradient;
    return gradient;
  }

  private deriveGradient(i: number): InputGradient | null {
    const derived = deriveGradient(this.arity, this.build, this.variants.paramNames, this.settings.grad, i);
    if (derived === null) return null;
    const { build, reads, readsOutput } = derived;
    const readMask = reads.reduce((mask, slot) => mask | (1 << slot), 0);
    if (build === null) return { op: null, reads, readMask, readsOutput };
    const promoted = [true, ...reads.map((slot) => this.promoted[slot]!), ...(readsOutput ? [true] : [])];
    const op = new PointwiseOp(`${this.name}Backward`, promoted.length, build, {
      params: this.variants.defaults,
      promoted,
    });
    return { op, reads, readMask, readsOutput };
  }

  private record(operands: readonly Value[], options: ParameterValues | undefined, output: Tensor): void {
    if (!isDifferentiable(output.dtype)) return;
    const node = this.node(operands, options, false);
    output.node = node;
    node.saveOutput(output);
  }

  private node(
    operands: readonly Value[],
    options: ParameterValues | undefined,
    overwrites: boolean,
  ): PointwiseNode {
    const edges = new Array<Edge | null>(operands.length);
    for (let i = 0; i < operands.length; i++) {
      const operand = operands[i];
      edges[i] =
        operand instanceof Object && isDifferentiable(operand.dtype) && this.gradient(i) !== null
          ? edgeTo(operand)
          : null;
    }
    return new PointwiseNode(this, operands, options, edges, overwrites);
  }
}

/** A value everywhere: what `full` and empty reductions are made by. */
export const constant = new PointwiseOp('full', 0, (_inputs, { value }) => value!, { params: { value: 0 } });
