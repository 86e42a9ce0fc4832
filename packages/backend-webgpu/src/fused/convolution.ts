import {
  type DType,
  type FusedKernel,
  isFloating,
  type OptionalKernels,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { packWords, type Uniforms } from '../elements/uniforms.ts';
import { sumPartsShader } from '../matmul/sum-parts.ts';
import type { GpuAllocation } from '../memory/allocation.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import {
  COLUMNS,
  CONVOLUTION_UNIFORMS,
  CONVOLUTION_WORDS,
  type ConvolutionForm,
  convolutionShader,
} from './convolution-shader.ts';

type Triple = readonly [number, number, number];
type Attrs = Readonly<Record<string, unknown>>;

/** Up to three spatial dimensions as three: those in front have one element. */
function three(list: unknown, fill: number): Triple {
  // Core's declarations give lists of as many numbers as there are spatial dimensions.
  const given = list as readonly number[];
  return [...new Array<number>(3 - given.length).fill(fill), ...given] as unknown as Triple;
}

const each = (f: (d: 0 | 1 | 2) => number): Triple => [f(0), f(1), f(2)];

/** A tensor seen as `[outer, inner, ...three spatial dimensions]`. */
interface Field {
  readonly offset: number;
  readonly outer: number;
  readonly inner: number;
  readonly strides: Triple;
}

const fieldOf = ({ offset, strides }: TensorOperand): Field => ({
  offset,
  outer: strides[0]!,
  inner: strides[1]!,
  strides: three(strides.slice(2), 0),
});

const swapped = (field: Field): Field => ({ ...field, outer: field.inner, inner: field.outer });

/** `y[image, row, place] = Σ w[row, channel, loop] · x[image, channel, position]` for each group. */
interface Problem {
  readonly images: number;
  readonly groups: number;
  readonly rows: number;
  readonly channels: number;
  readonly grid: Triple;
  readonly loop: Triple;
  readonly size: Triple;
  readonly gridStep: Triple;
  readonly gridBegin: Triple;
  readonly loopStep: Triple;
  readonly divisor: Triple;
  readonly x: Field & { readonly group: number };
  readonly w: Field & { readonly group: number };
  readonly y: Field & { readonly group: number };
}

interface Buffers {
  readonly x: TensorOperand;
  readonly w: TensorOperand;
  readonly y: TensorOperand;
  readonly bias?: TensorOperand | undefined;
}

const MOST_GROUPS = 65_535;
const ONES: Triple = [1, 1, 1];

/** Runs convolutions of any kind. */
class Convolutions {
  private readonly queue: Queue;
  private readonly shaders = new Map<string, Shader>();

  constructor(queue: Queue) {
    this.queue = queue;
  }

  private shader(form: ConvolutionForm): Shader {
    const key = Object.values(form).join();
    let shader = this.shaders.get(key);
    if (shader === undefined) {
      shader = convolutionShader(form);
      this.shaders.set(key, shader);
    }
    return shader;
  }

  run(problem: Problem, { x, w, y, bias }: Buffers): void {
    const { queue } = this;
    const lanes = queue.software ? 16 : 64;
    const { rows, groups, channels } = problem;
    const columns = problem.images * sizeOf(problem.grid);
    const rowBlock = rows > 4 ? 8 : rows > 1 ? 4 : 1;
    const tiles = Math.ceil(rows / rowBlock) * Math.ceil(columns / (lanes * COLUMNS));
    const wanted = queue.software ? 32 : 512;
    const length = Math.ceil(
      channels / Math.max(1, Math.min(channels, Math.floor(wanted / (tiles * groups)))),
    );
    const parts = bias === undefined ? Math.ceil(channels / length) : 1;
    const form = {
      dtype: y.dtype,
      rows: rowBlock,
      lanes,
      bias: bias !== undefined,
      divides: problem.divisor.some((d) => d !== 1),
      partial: parts > 1,
    };
    const shader = this.shader(form);
    const count = sizeOf(y.shape);
    const target = parts > 1 ? queue.workspace(parts * count * 4) : own(y);
    const words = this.words(problem, parts, parts > 1 ? length : channels, parts > 1 ? count : 0, bias);
    const [gx, gy] = spread(tiles, 1);
    const buffers: GpuAllocation[] = [own(x), own(w)];
    if (bias !== undefined) buffers.push(own(bias));
    queue.dispatch(shader, [...buffers, target], words, [gx, gy, Math.min(groups * parts, MOST_GROUPS)]);
    if (parts === 1) return;
    const sum = this.sums(y.dtype);
    queue.dispatch(
      sum,
      [target, own(y)],
      packWords(sum.words, [count, parts, count, count, y.offset, 1]),
      spread(count),
    );
    queue.release(target);
  }

  private sums(dtype: DType): Shader {
    const key = `sum:${dtype}`;
    let shader = this.shaders.get(key);
    if (shader === undefined) {
      shader = sumPartsShader(dtype, 1);
      this.shaders.set(key, shader);
    }
    return shader;
  }

  private words(
    p: Problem,
    parts: number,
    partLength: number,
    part: number,
    bias: TensorOperand | undefined,
  ): Uint32Array {
    // Outputs are contiguous, so that parts of them lie as the output does, from the start of the workspace.
    const yOffset = parts > 1 ? 0 : p.y.offset;
    const biasRow = bias?.strides[0] ?? 0;
    return wordsByName(CONVOLUTION_UNIFORMS, [
      [p.rows, p.images * sizeOf(p.grid), p.groups, p.channels, parts, partLength],
      p.grid,
      p.loop,
      p.size,
      p.gridStep,
      p.gridBegin,
      p.loopStep,
      p.divisor,
      [p.x.offset, p.x.outer, p.x.group, p.x.inner],
      p.x.strides,
      [p.w.offset, p.w.group, p.w.outer, p.w.inner],
      p.w.strides,
      [yOffset, p.y.outer, p.y.group, p.y.inner, part],
      p.y.strides,
      [bias?.offset ?? 0, p.rows * biasRow, biasRow],
    ]);
  }
}

function wordsByName(uniforms: Uniforms, lists: readonly (readonly number[])[]): Uint32Array {
  const values = lists.flat();
  if (values.length !== CONVOLUTION_WORDS.length)
    throw new RangeError('convolution: words and values differ');
  return packWords(uniforms.words, values);
}

const fits = (...operands: readonly (TensorOperand | undefined)[]): boolean =>
  operands.every(
    (x) => x === undefined || (isFloating(x.dtype) && x.dtype === operands[0]!.dtype && sizeOf(x.shape) > 0),
  );

/** `convolution` and its two gradients, which are convolutions too: one with its window turned round, one with images as channels. */
export function convolutionKernels(queue: Queue): OptionalKernels {
  const convolutions = new Convolutions(queue);
  const common = (attrs: Attrs) => ({
    groups: attrs.groups as number,
    stride: three(attrs.stride, 1),
    padding: three(attrs.padding, 0),
    dilation: three(attrs.dilation, 1),
  });

  const convolution: FusedKernel = {
    when: ({ x, weight, bias }) => fits(x, weight, bias),
    run({ y }, { x, weight, bias }, attrs) {
      const { groups, stride, padding, dilation } = common(attrs);
      const [rows, channels] = [weight!.shape[0]! / groups, weight!.shape[1]!];
      const [xs, ws, ys] = [fieldOf(x!), fieldOf(weight!), fieldOf(y!)];
      const problem: Problem = {
        images: x!.shape[0]!,
        groups,
        rows,
        channels,
        grid: three(y!.shape.slice(2), 1),
        loop: three(weight!.shape.slice(2), 1),
        size: three(x!.shape.slice(2), 1),
        gridStep: stride,
        gridBegin: each((d) => -padding[d]),
        loopStep: dilation,
        divisor: ONES,
        x: { ...xs, group: channels * xs.inner },
        w: { ...ws, group: rows * ws.outer },
        y: { ...ys, group: rows * ys.inner },
      };
      convolutions.run(problem, { x: x!, w: weight!, y: y!, bias });
    },
  };

  const convolutionInputGrad: FusedKernel = {
    when: ({ dy, weight }) => fits(dy, weight),
    run({ dx }, { dy, weight }, attrs) {
      const { groups, stride, padding, dilation } = common(attrs);
      const [channels, rows] = [weight!.shape[0]! / groups, weight!.shape[1]!];
      const [xs, ws, ys] = [fieldOf(dy!), fieldOf(weight!), fieldOf(dx!)];
      const problem: Problem = {
        images: dy!.shape[0]!,
        groups,
        rows,
        channels,
        grid: three(dx!.shape.slice(2), 1),
        loop: three(weight!.shape.slice(2), 1),
        size: three(dy!.shape.slice(2), 1),
        gridStep: ONES,
        gridBegin: padding,
        loopStep: each((d) => -dilation[d]),
        divisor: stride,
        x: { ...xs, group: channels * xs.inner },
        w: { ...swapped(ws), group: channels * ws.outer },
        y: { ...ys, group: rows * ys.inner },
      };
      convolutions.run(problem, { x: dy!, w: weight!, y: dx! });
    },
  };

  const convolutionWeightGrad: FusedKernel = {
    when: ({ dy, x }) => fits(dy, x),
    run({ dw }, { dy, x }, attrs) {
      const { groups, stride, padding, dilation } = common(attrs);
      const [rows, perGroup] = [dw!.shape[0]! / groups, dw!.shape[1]!];
      const [xs, ds, ws] = [fieldOf(x!), fieldOf(dy!), fieldOf(dw!)];
      const problem: Problem = {
        images: perGroup,
        groups,
        rows,
        channels: x!.shape[0]!,
        grid: three(dw!.shape.slice(2), 1),
        loop: three(dy!.shape.slice(2), 1),
        size: three(x!.shape.slice(2), 1),
        gridStep: dilation,
        gridBegin: each((d) => -padding[d]),
        loopStep: stride,
        divisor: ONES,
        x: { ...swapped(xs), group: perGroup * xs.inner },
        w: { ...swapped(ds), group: rows * ds.inner },
        y: { ...swapped(ws), group: rows * ws.outer },
      };
      convolutions.run(problem, { x: x!, w: dy!, y: dw! });
    },
  };
  return { convolution, convolutionInputGrad, convolutionWeightGrad };
}
