import {
  byteLengthOf,
  DTYPES,
  type DType,
  type FusedKernel,
  isContiguous,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { accumulatorDType } from '../../cuda-c/combine.ts';
import {
  type ConvolutionForm,
  type ConvolutionVariant,
  convolutionSource,
  convolutionTile,
} from '../../cuda-c/fused/convolution.ts';
import { type Context, Variants } from '../context.ts';
import { pointerTo } from '../loops.ts';
import { sumOf } from '../programs.ts';
import { CompiledReduction } from '../reduce.ts';
import { type Attrs, areFloating, type Operands, three } from './support.ts';

/** One of the three products, with sizes of three dimensions. */
interface Problem {
  readonly form: ConvolutionForm;
  readonly output: TensorOperand;
  /** The factor that lies in memory as it is: the weight, or dy. */
  readonly left: TensorOperand;
  /** The image in which windows are looked up. */
  readonly right: TensorOperand;
  readonly bias: TensorOperand | undefined;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly groups: number;
  readonly perGroup: number;
  readonly outPerGroup: number;
  readonly kernel: readonly number[];
  readonly places: readonly number[];
  readonly attrs: Attrs;
}

/** Products that one block should add up before blocks share a sum. */
const PER_CHUNK = 512;
const MOST_CHUNKS = 64;
const FORMS: Readonly<Record<ConvolutionForm, number>> = { forward: 0, input: 1, weight: 2 };

class Convolutions {
  private readonly context: Context;
  private readonly variants: Variants;
  private readonly sums = new Map<DType, CompiledReduction>();

  constructor(context: Context) {
    this.context = context;
    this.variants = new Variants(context.launch);
  }

  /** With cuBLAS, halves multiply on tensor cores, which these kernels do not use: the parts are faster there. */
  readonly when = (inputs: Operands): boolean =>
    areFloating(inputs) &&
    Object.values(inputs).every((x) => x === undefined || isContiguous(x.shape, x.strides)) &&
    Object.values(inputs).every((x) => x === undefined || sizeOf(x.shape) < this.context.narrowLimit) &&
    !(
      this.context.launch.properties.blas &&
      Object.values(inputs).some((x) => x && byteLengthOf(x.dtype) === 2)
    );

  run(problem: Problem): void {
    const { launch } = this.context;
    const { m, n, k, groups, output } = problem;
    const { multiprocessors } = launch.properties;
    const blocksOf = (side: number): number => Math.ceil(m / side) * Math.ceil(n / side) * groups;
    const large = byteLengthOf(output.dtype) < 8 && blocksOf(64) >= multiprocessors;
    const blocks = blocksOf(large ? 64 : 32);
    const chunks = Math.min(
      MOST_CHUNKS,
      Math.floor((2 * multiprocessors) / blocks),
      Math.floor(k / PER_CHUNK),
      // Biases are added where a whole sum is stored; sums of other forms lie elsewhere than their parts.
      problem.form === 'weight' ? MOST_CHUNKS : 1,
    );
    if (chunks < 2) {
      this.launch(problem, large, k, null);
      return;
    }
    const chunk = Math.ceil(k / chunks);
    const dtype = accumulatorDType(output.dtype);
    const count = groups * m * n;
    const parts = Math.ceil(k / chunk);
    const allocation = launch.workspace(parts * count * byteLengthOf(dtype));
    this.launch(problem, large, chunk, {
      allocation,
      dtype,
      offset: 0,
      strides: [1],
      shape: [parts * count],
    });
    let sum = this.sums.get(output.dtype);
    if (sum === undefined)
      this.sums.set(output.dtype, (sum = new CompiledReduction(this.context, sumOf(dtype, output.dtype))));
    sum.run(
      [count, parts],
      1,
      { ...output, strides: [1] },
      [{ allocation, dtype, offset: 0, strides: [1, count] }],
      [],
    );
    launch.release(allocation);
  }

  private launch(problem: Problem, large: boolean, chunk: number, parts: TensorOperand | null): void {
    const { launch } = this.context;
    const { form, left, right, bias, m, n, k, groups, attrs } = problem;
    const { dtype } = left;
    const variant: ConvolutionVariant = {
      form,
      dtype,
      large,
      bias: bias !== undefined,
      partial: parts !== null,
    };
    let number = DTYPES[dtype].index * 3 + FORMS[form];
    number = ((number * 2 + (large ? 1 : 0)) * 2 + (variant.bias ? 1 : 0)) * 2 + (variant.partial ? 1 : 0);
    const kernel = this.variants.get(number, () => convolutionSource(variant));
    const args = launch.arguments.reset();
    const target = parts ?? problem.output;
    pointerTo(args, target, byteLengthOf(target.dtype));
    for (const operand of [left, right, ...(bias === undefined ? [] : [bias])])
      pointerTo(args, operand, byteLengthOf(dtype));
    for (const value of [m, n, k, chunk, groups, problem.perGroup, problem.outPerGroup]) args.i32(value);
    const lists = [
      problem.kernel,
      three(attrs.stride as readonly number[], 1),
      three(attrs.padding as readonly number[], 0),
      three(attrs.dilation as readonly number[], 1),
      three(right.shape.slice(2), 1),
      problem.places,
    ];
    for (const list of lists) for (const value of list) args.i32(value);
    const tile = convolutionTile(variant);
    const across = Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns);
    launch.launch(kernel, [across, groups, Math.ceil(k / chunk)], [tile.threads, 1, 1], 0, args);
  }
}

/** Convolution and the gradients for its input and its weight, over one to three dimensions. */
export function convolutionKernels(context: Context): Readonly<Record<string, FusedKernel>> {
  const convolutions = new Convolutions(context);
  const when = (inputs: Operands, attrs: Attrs): boolean =>
    (attrs.stride as readonly number[]).length <= 3 &&
    Number(attrs.groups) < 65536 &&
    convolutions.when(inputs);
  return {
    convolution: {
      when,
      run: ({ y }, { x, weight, bias }, attrs) => convolutions.run(forward(y!, x!, weight!, bias, attrs)),
    },
    convolutionInputGrad: {
      when,
      run: ({ dx }, { dy, weight }, attrs) => convolutions.run(inputGradient(dx!, dy!, weight!, attrs)),
    },
    convolutionWeightGrad: {
      when,
      run: ({ dw }, { dy, x }, attrs) => convolutions.run(weightGradient(dw!, dy!, x!, attrs)),
    },
  };
}

/** What the three products have in common: `weight` stands for its gradient too, and `places` are those that are summed or written. */
function shared(
  weight: TensorOperand,
  places: readonly number[],
  attrs: Attrs,
): Pick<Problem, 'groups' | 'perGroup' | 'outPerGroup' | 'kernel' | 'places' | 'attrs'> {
  const groups = Number(attrs.groups);
  const [outChannels, perGroup] = weight.shape as [number, number];
  return {
    groups,
    perGroup,
    outPerGroup: outChannels / groups,
    kernel: three(weight.shape.slice(2), 1),
    places: three(places, 1),
    attrs,
  };
}

function forward(
  y: TensorOperand,
  x: TensorOperand,
  weight: TensorOperand,
  bias: TensorOperand | undefined,
  attrs: Attrs,
): Problem {
  const places = y.shape.slice(2);
  const common = shared(weight, places, attrs);
  return {
    ...common,
    form: 'forward',
    output: y,
    left: weight,
    right: x,
    bias,
    m: common.outPerGroup,
    n: x.shape[0]! * sizeOf(places),
    k: sizeOf(weight.shape.slice(1)),
  };
}

function inputGradient(dx: TensorOperand, dy: TensorOperand, weight: TensorOperand, attrs: Attrs): Problem {
  const places = dx.shape.slice(2);
  const common = shared(weight, places, attrs);
  return {
    ...common,
    form: 'input',
    output: dx,
    left: weight,
    right: dy,
    bias: undefined,
    m: common.perGroup,
    n: dx.shape[0]! * sizeOf(places),
    k: common.outPerGroup * sizeOf(weight.shape.slice(2)),
  };
}

function weightGradient(dw: TensorOperand, dy: TensorOperand, x: TensorOperand, attrs: Attrs): Problem {
  const places = dy.shape.slice(2);
  const common = shared(dw, places, attrs);
  return {
    ...common,
    form: 'weight',
    output: dw,
    left: dy,
    right: x,
    bias: undefined,
    m: common.outPerGroup,
    n: common.perGroup * sizeOf(dw.shape.slice(2)),
    k: dy.shape[0]! * sizeOf(places),
  };
}
