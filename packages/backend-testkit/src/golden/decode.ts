import { isFloating, isInteger, type Json, type JsonRecord, tensorsOf } from './case.ts';
import { decodeTensor, layOut, type RawTensor } from './elements.ts';
import {
  callCore,
  callMethod,
  type ElementArray,
  type Framework,
  stores,
  type TensorLike,
  UnmappedError,
} from './framework.ts';
import { DTypeName, ellipsis, FloatScalar, SliceIndex } from './values.ts';

/** A call's arguments, and its leaves in the order met in `args`, then `kwargs`. */
export interface DecodedCall {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly leaves: readonly TensorLike[];
}

export function decodeCall(framework: Framework, args: readonly Json[], kwargs: JsonRecord): DecodedCall {
  const tensors = [...tensorsOf(args), ...tensorsOf(kwargs)];
  const integral =
    tensors.length > 0 && tensors.every(({ dtype }) => dtype === 'bool' || isInteger(String(dtype)));
  const decoder = new Decoder(framework, integral);
  const decodedArgs = args.map((value) => decoder.value(value));
  const decodedKwargs = Object.fromEntries(
    Object.entries(kwargs).map(([key, value]) => [key, decoder.value(value)]),
  );
  return { args: decodedArgs, kwargs: decodedKwargs, leaves: decoder.leaves };
}

/** A tensor of a case as one of the framework's, not a leaf whatever the case says. */
export function makeTensor(framework: Framework, value: Json): TensorLike {
  const raw = decodeTensor(value as JsonRecord);
  const dtype = storedDtype(framework, raw.dtype);
  const elements = dtype === raw.dtype ? raw.elements : narrow(raw);
  // An empty tensor has no elements to lie apart.
  if (raw.strides !== undefined && elements.length > 0) {
    const storage = callCore(framework, 'tensor', layOut(raw, raw.strides, elements), { dtype });
    return callMethod(storage as object, 'asStrided', raw.shape, raw.strides, 0) as TensorLike;
  }
  const flat = callCore(framework, 'tensor', elements, { dtype });
  return callMethod(flat as object, 'reshape', raw.shape) as TensorLike;
}

/** `dtype`, or int32 for int64 where the backend has none. */
function storedDtype(framework: Framework, dtype: string): string {
  return dtype === 'int64' && !stores(framework, 'int64') ? 'int32' : dtype;
}

function narrow({ elements }: RawTensor): ElementArray {
  return Int32Array.from(elements as BigInt64Array as Iterable<bigint>, (value) => {
    const number = Number(value);
    if (number !== (number | 0))
      throw new UnmappedError(`${value} does not fit int32, and the backend has no int64`);
    return number;
  });
}

class Decoder {
  readonly leaves: TensorLike[] = [];
  private readonly framework: Framework;
  private readonly integral: boolean;

  /** @param integral Only integral tensors take part, so that a whole float matters for promotion. */
  constructor(framework: Framework, integral: boolean) {
    this.framework = framework;
    this.integral = integral;
  }

  value(value: Json): unknown {
    if (Array.isArray(value)) return value.map((item: Json) => this.value(item));
    if (typeof value !== 'object' || value === null) return value;
    const record = value as JsonRecord;
    switch (record.$) {
      case undefined:
        return Object.fromEntries(Object.entries(record).map(([key, item]) => [key, this.value(item)]));
      case 'tensor':
        return this.tensor(record);
      case 'dtype':
        return new DTypeName(storedDtype(this.framework, String(record.name)));
      case 'slice':
        return new SliceIndex(bound(record.start), bound(record.stop), bound(record.step));
      case 'ellipsis':
        return ellipsis;
      case 'float':
        return this.float(record.v);
      case 'int':
        return BigInt(String(record.v));
      case 'device':
        return undefined;
      case 'complex':
        throw new UnmappedError('a complex number as an argument');
      default:
        throw new UnmappedError(`a value of kind ${JSON.stringify(record.$)}`);
    }
  }

  private tensor(record: JsonRecord): TensorLike {
    const tensor = makeTensor(this.framework, record);
    if (record.requiresGrad !== true) return tensor;
    const leaf = tensor.requiresGrad_();
    this.leaves.push(leaf);
    return leaf;
  }

  private float(value: Json | undefined): number | FloatScalar {
    if (typeof value === 'number') return this.integral ? new FloatScalar(value) : value;
    return readFloat(value);
  }
}

function bound(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** `nan`, `inf` and `-inf`, which JSON has no numbers for. */
export function readFloat(value: Json | undefined): number {
  switch (value) {
    case 'nan':
      return Number.NaN;
    case 'inf':
      return Number.POSITIVE_INFINITY;
    case '-inf':
      return Number.NEGATIVE_INFINITY;
    default:
      throw new UnmappedError(`a float written as ${JSON.stringify(value)}`);
  }
}

/** The dtypes that a case needs and the backend lacks; int64 is replaced, the others cannot be. */
export function missingDtypes(framework: Framework, ...values: readonly Json[]): string[] {
  const missing = new Set<string>();
  const look = (value: Json): void => {
    if (Array.isArray(value)) for (const item of value) look(item);
    else if (typeof value === 'object' && value !== null) {
      const record = value as JsonRecord;
      const dtype = record.$ === 'tensor' ? record.dtype : record.$ === 'dtype' ? record.name : undefined;
      if (typeof dtype === 'string') {
        if (isFloating(dtype) && !stores(framework, dtype)) missing.add(dtype);
      } else for (const item of Object.values(record)) look(item);
    }
  };
  for (const value of values) look(value);
  return [...missing];
}
