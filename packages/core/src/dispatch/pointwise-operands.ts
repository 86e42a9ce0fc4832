import { DTYPES, type DType, getDefaultDtype, isDifferentiable, resultType, type Scalar } from '../dtype.ts';
import { ArgumentError, checkOptions, describe } from '../errors.ts';
import { checkAlive, isTensor, type Tensor } from '../graph/tensor.ts';
import { broadcastShapes, sameShape } from '../shape.ts';
import type { DeviceEntry } from '../storage/registry.ts';
import { severalDevices } from './operands.ts';

/** What pointwise operators are called with: checks, and the shape and dtype that follow. */

export type Value = Tensor | Scalar;
export type ParameterValues = Readonly<Record<string, number | boolean | bigint>>;

/** Where the result of a call lies. */
export interface Place {
  readonly entry: DeviceEntry;
  readonly shape: readonly number[];
  /** An operand that lies as the output will. */
  readonly model: Tensor | undefined;
}

export const isTensorOperand = (operand: Value): operand is Tensor => typeof operand === 'object';

/** The tensors among operands, in order. */
export function tensorsAmong(operands: readonly Value[]): readonly Tensor[] {
  let count = 0;
  for (let i = 0; i < operands.length; i++) if (isTensorOperand(operands[i]!)) count++;
  if (count === operands.length) return operands as readonly Tensor[];
  // Calls are many and numbers few: what `filter` takes in reserve would be most of a call's garbage.
  const tensors = new Array<Tensor>(count);
  let at = 0;
  for (let i = 0; i < operands.length; i++) {
    const operand = operands[i]!;
    if (isTensorOperand(operand)) tensors[at++] = operand;
  }
  return tensors;
}

/** Checks tensors, their device and shapes. */
export function placeOperands(name: string, operands: readonly Value[]): Place {
  let first: Tensor | undefined;
  let shape: readonly number[] | undefined;
  let model: Tensor | undefined;
  for (const operand of operands) {
    if (typeof operand !== 'object' || operand === null) {
      if (operand === null || operand === undefined || typeof operand === 'string')
        throw wrongOperand(name, operand);
      continue;
    }
    if (!isTensor(operand)) throw wrongOperand(name, operand);
    if (operand.disposed) checkAlive(name, operand);
    if (first === undefined) {
      first = operand;
      shape = operand.shape;
    } else {
      if (operand.storage.entry !== first.storage.entry) throw severalDevices(name, first, operand);
      if (!sameShape(shape!, operand.shape)) shape = broadcastShapes(name, shape!, operand.shape);
    }
    if (operand.rowMajor) model = operand;
  }
  if (first === undefined)
    throw new ArgumentError(
      `${name}: at least one operand must be a tensor, got ${operands.map(describe).join(' and ')}`,
      { op: name },
    );
  if (model !== undefined && !sameShape(model.shape, shape!)) model = undefined;
  return { entry: first.storage.entry, shape: shape!, model };
}

function wrongOperand(name: string, operand: unknown): ArgumentError {
  return new ArgumentError(
    `${name}: an operand must be a tensor or a number, got ${describe(operand)}${Array.isArray(operand) ? '; make a tensor of it: tensor([…])' : ''}`,
    { op: name },
  );
}

/** Refuses unknown names and values that are no numbers. */
export function checkParameters(op: string, names: readonly string[], options: ParameterValues): void {
  checkOptions(op, options, names);
  for (const name of names) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'number' && typeof value !== 'boolean') {
      throw new ArgumentError(`${op}: option ${name} must be a number, got ${describe(value)}`, {
        op,
      });
    }
  }
}

/** The dtype in which the expression is computed. */
export function computeDType(
  operands: readonly Value[],
  promoted: readonly boolean[],
  promote: 'float' | undefined,
): DType {
  let common: DType | undefined;
  let mixed = false;
  for (let i = 0; i < operands.length; i++) {
    if (!promoted[i]) continue;
    const operand = operands[i]!;
    if (!isTensor(operand)) {
      mixed = true;
    } else if (common === undefined) common = operand.dtype;
    else if (common !== operand.dtype) mixed = true;
  }
  const dtype = mixed || common === undefined ? mixedDType(operands, promoted, common) : common;
  return promote === 'float' && !isDifferentiable(dtype) ? getDefaultDtype() : dtype;
}

function mixedDType(
  operands: readonly Value[],
  promoted: readonly boolean[],
  common: DType | undefined,
): DType {
  if (
    common !== undefined &&
    DTYPES[common].rank === 2 &&
    operands.every((o, i) => !promoted[i] || (isTensor(o) ? o.dtype === common : true))
  ) {
    return common;
  }
  const device = operands.find(isTensor)?.storage.entry;
  return resultType(
    operands.filter((_, i) => promoted[i]),
    device,
  );
}
