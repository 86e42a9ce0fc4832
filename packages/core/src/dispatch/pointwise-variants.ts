import { type Category, DTYPE_COUNT, DTYPES, type DType, type Scalar } from '../dtype.ts';
import { ArgumentError, DTypeError } from '../errors.ts';
import { type Expr, input, literal, parameter, type ScalarType } from '../expr/expr.ts';
import { compile, type Program } from '../expr/program.ts';
import { isTensor } from '../graph/tensor.ts';
import type { Parameters } from '../storage/contract.ts';
import type { Build, GradientRule } from './pointwise-gradient.ts';
import { computeDType, isTensorOperand, type ParameterValues, type Value } from './pointwise-operands.ts';

export interface PointwiseSettings {
  /** `float`: integers and booleans are computed as the default floating dtype. */
  readonly promote?: 'float';
  /** Which inputs take part in promotion; by default all. Others keep their own dtype inside the expression. */
  readonly promoted?: readonly boolean[];
  /** Numbers given at the call by name, with their defaults. */
  readonly params?: ParameterValues;
  /** The gradient for each input, where differentiating the expression would be less stable or dearer. */
  readonly grad?: GradientRule;
  /** The dtype of the result; by default that of the expression's value. */
  readonly output?: DType;
  /** The result takes the first input's dtype, whatever the others are. */
  readonly converts?: boolean;
  /** Whether it can be written over its first input. Default true. */
  readonly inPlace?: boolean;
  /** Categories of the computed dtype that have no meaning here, with what to use instead. */
  readonly refuse?: Partial<Record<Category, string>>;
}

/** An operator's expression, compiled for operands of some dtypes. */
export interface Variant {
  readonly program: Program;
  /** Names of the parameters that differ from their defaults, in the order of their slots. */
  readonly slots: readonly string[];
  /** Those of them that are computed with as integers. */
  readonly integral: readonly string[];
}

const NO_PARAMETERS: Parameters = [];
const SCALAR_CODE = DTYPE_COUNT;
const BASE = DTYPE_COUNT + 1;

/** The programs of a pointwise operator, each compiled when it is first called for. */
export class PointwiseVariants {
  private readonly name: string;
  private readonly build: Build;
  private readonly settings: PointwiseSettings;
  private readonly promoted: readonly boolean[];
  /** The parameters' defaults by name, and the names. */
  readonly defaults: ParameterValues;
  readonly paramNames: readonly string[];
  private readonly known = new Map<number, Variant>();

  constructor(name: string, build: Build, settings: PointwiseSettings, promoted: readonly boolean[]) {
    this.name = name;
    this.build = build;
    this.settings = settings;
    this.promoted = promoted;
    this.defaults = settings.params ?? {};
    this.paramNames = Object.keys(this.defaults);
  }

  of(
    operands: readonly Value[],
    options: ParameterValues | undefined,
    output?: DType,
    forced?: DType,
  ): Variant {
    const compute = forced ?? computeDType(operands, this.promoted, this.settings.promote);
    let key = DTYPES[compute].index;
    for (const operand of operands)
      key = key * BASE + (isTensor(operand) ? DTYPES[operand.dtype].index : SCALAR_CODE);
    key = key * BASE + (output === undefined ? SCALAR_CODE : DTYPES[output].index);
    for (const name of this.paramNames)
      key = key * 2 + (isDefault(options?.[name], this.defaults[name]!) ? 0 : 1);
    return this.known.get(key) ?? this.make(key, operands, options, compute, output);
  }

  private make(
    key: number,
    operands: readonly Value[],
    options: ParameterValues | undefined,
    compute: DType,
    output: DType | undefined,
  ): Variant {
    const refusal = this.settings.refuse?.[DTYPES[compute].category];
    if (refusal !== undefined)
      throw new DTypeError(`${this.name}: ${compute} is not supported; ${refusal}`, { op: this.name });
    const inputs: Expr[] = [];
    const dtypes: DType[] = [];
    const promoted: boolean[] = [];
    let slot = 0;
    operands.forEach((operand, i) => {
      if (!isTensor(operand)) {
        inputs.push(parameter(slot++));
        return;
      }
      inputs.push(input(dtypes.length));
      dtypes.push(operand.dtype);
      promoted.push(this.promoted[i]!);
    });
    const slots = this.paramNames.filter((name) => !isDefault(options?.[name], this.defaults[name]!));
    const params = Object.fromEntries(
      this.paramNames.map((name) => [
        name,
        slots.includes(name) ? parameter(slot++) : literal(Number(this.defaults[name]!)),
      ]),
    );
    const program = compile(this.build(inputs, params), {
      inputs: dtypes,
      promoted,
      compute,
      output: output ?? this.settings.output,
      parameterCount: slot,
    });
    const first = slot - slots.length;
    const integral = slots.filter((_, i) =>
      program.steps.some(
        (step) => step.op === 'parameter' && step.slot === first + i && isIntegral(step.type),
      ),
    );
    const variant = { program, slots, integral };
    this.known.set(key, variant);
    return variant;
  }

  parameters(operands: readonly Value[], options: ParameterValues | undefined, variant: Variant): Parameters {
    if (variant.program.parameterCount === 0) return NO_PARAMETERS;
    const values = new Array<number | bigint>(variant.program.parameterCount);
    let at = 0;
    for (const operand of operands)
      if (!isTensorOperand(operand)) values[at++] = typeof operand === 'boolean' ? Number(operand) : operand;
    for (const name of variant.slots) {
      const value = options![name]!;
      if (variant.integral.includes(name) && typeof value === 'number' && !Number.isInteger(value)) {
        throw new ArgumentError(
          `${this.name}: ${name} must be an integer where the tensors are of integers, got ${value}`,
          { op: this.name },
        );
      }
      values[at++] = typeof value === 'boolean' ? Number(value) : value;
    }
    return values;
  }
}

const isIntegral = (type: ScalarType): boolean => type === 'uint32' || DTYPES[type].rank === 1;
const isDefault = (value: Scalar | undefined, standard: Scalar): boolean =>
  value === undefined || Object.is(value, standard);
