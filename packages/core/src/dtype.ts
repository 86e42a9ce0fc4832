import { DTypeError } from './errors.ts';

/** The element types of tensors, named as PyTorch names them. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'
  | 'complex64';

/** The kind of a dtype, in the order in which promotion climbs. */
export type Category = 'bool' | 'integer' | 'floating' | 'complex';

/** A dtype's constant facts. */
export interface DTypeInfo {
  readonly name: DType;
  /** Position in tables that are indexed by dtype: dense from 0. */
  readonly index: number;
  readonly byteLength: number;
  readonly category: Category;
  /** 0 bool, 1 integer, 2 floating, 3 complex. */
  readonly rank: number;
}

const info = (name: DType, index: number, byteLength: number, rank: number): DTypeInfo => ({
  name,
  index,
  byteLength,
  rank,
  category: (['bool', 'integer', 'floating', 'complex'] as const)[rank]!,
});

export const DTYPES: Readonly<Record<DType, DTypeInfo>> = {
  bool: info('bool', 0, 1, 0),
  uint8: info('uint8', 1, 1, 1),
  int8: info('int8', 2, 1, 1),
  int16: info('int16', 3, 2, 1),
  int32: info('int32', 4, 4, 1),
  int64: info('int64', 5, 8, 1),
  float16: info('float16', 6, 2, 2),
  bfloat16: info('bfloat16', 7, 2, 2),
  float32: info('float32', 8, 4, 2),
  float64: info('float64', 9, 8, 2),
  complex64: info('complex64', 10, 8, 3),
};

/** The dtypes that a backend may hold: core makes pairs of float32 of complex numbers. */
export const BACKEND_DTYPES: readonly DType[] = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
];

/** The least and the greatest value of each dtype; infinities where it has them. */
export const RANGES: Readonly<Record<DType, readonly [Scalar, Scalar]>> = {
  bool: [false, true],
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  float16: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  bfloat16: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  float32: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  float64: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  complex64: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
};

/** How many dtypes there are: the width of tables indexed by dtype. */
export const DTYPE_COUNT = 11;

export const isFloating = (dtype: DType): boolean => DTYPES[dtype].rank === 2;
export const isInteger = (dtype: DType): boolean => DTYPES[dtype].rank === 1;
export const isComplex = (dtype: DType): boolean => DTYPES[dtype].rank === 3;
/** Floating and complex tensors can carry gradients. */
export const isDifferentiable = (dtype: DType): boolean => DTYPES[dtype].rank >= 2;
export const byteLengthOf = (dtype: DType): number => DTYPES[dtype].byteLength;

/** Checks that a string names a dtype. */
export function asDType(op: string, dtype: string): DType {
  if (Object.hasOwn(DTYPES, dtype)) return dtype as DType;
  throw new DTypeError(
    `${op}: unknown dtype ${JSON.stringify(dtype)}; the dtypes are ${Object.keys(DTYPES).join(', ')}`,
    { op },
  );
}

let defaultFloat: DType = 'float32';

/** The dtype that JavaScript numbers and creation functions give: float32 unless changed. */
export const getDefaultDtype = (): DType => defaultFloat;

/**
 * Sets the floating dtype of new tensors.
 * @throws {DTypeError} `dtype` is not floating.
 */
export function setDefaultDtype(dtype: DType): void {
  if (!isFloating(dtype))
    throw new DTypeError(`setDefaultDtype: ${dtype} is not a floating dtype; use float32 or float64`);
  defaultFloat = dtype;
}

/**
 * The dtype that holds both, as PyTorch's `promote_types`: the higher category wins; within one, the wider;
 * uint8 with a signed integer widens to a signed type that holds both; float16 with bfloat16 gives float32.
 */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a;
  const x = DTYPES[a];
  const y = DTYPES[b];
  if (x.rank !== y.rank) {
    const [high, low] = x.rank > y.rank ? [x, y] : [y, x];
    return high.rank === 3 && low.name === 'float64' ? 'complex64' : high.name;
  }
  const [low, high] = x.index < y.index ? [x, y] : [y, x];
  if (low.name === 'uint8' && high.name === 'int8') return 'int16';
  if (low.name === 'float16' && high.name === 'bfloat16') return 'float32';
  return high.name;
}

/** Number and boolean operands take part by category only, as Python's scalars do in PyTorch. */
export type Scalar = number | bigint | boolean;

/** What says which dtypes it stores: a device. */
export interface DTypeHolder {
  supports(dtype: DType): boolean;
}

/** The dtype a scalar has where no tensor decides. Whole numbers are int32 on a device that has no int64; bigints never are. */
export function scalarDType(value: Scalar, device?: DTypeHolder): DType {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int64';
  if (!Number.isInteger(value)) return defaultFloat;
  return device === undefined || device.supports('int64') ? 'int64' : 'int32';
}

/** One operand of promotion: a tensor's dtype and whether it has dimensions, or a scalar. */
export interface Typed {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * The dtype of a result of several operands, as PyTorch's `result_type`: tensors with dimensions decide; tensors
 * without dimensions, then scalars, count only where their category is higher. `device`, where it is given, is the one
 * that must hold the result: see `scalarDType`.
 */
export function resultType(operands: readonly (Typed | Scalar)[], device?: DTypeHolder): DType {
  let dimensioned: DType | undefined;
  let zeroDim: DType | undefined;
  let scalar: DType | undefined;
  for (const operand of operands) {
    if (typeof operand !== 'object') {
      const dtype = scalarDType(operand, device);
      scalar = scalar === undefined ? dtype : promoteTypes(scalar, dtype);
    } else if (operand.shape.length > 0) {
      dimensioned = dimensioned === undefined ? operand.dtype : promoteTypes(dimensioned, operand.dtype);
    } else {
      zeroDim = zeroDim === undefined ? operand.dtype : promoteTypes(zeroDim, operand.dtype);
    }
  }
  return climb(climb(dimensioned, zeroDim), scalar) ?? defaultFloat;
}

function climb(strong: DType | undefined, weak: DType | undefined): DType | undefined {
  if (strong === undefined) return weak;
  if (weak === undefined || DTYPES[weak].rank <= DTYPES[strong].rank) return strong;
  return promoteTypes(strong, weak);
}
