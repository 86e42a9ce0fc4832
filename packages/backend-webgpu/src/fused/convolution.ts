import {
  type FusedKernel,
  isFloating,
  type OptionalKernels,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { packWords } from '../elements/uniforms.ts';
import { sumPartsShader } from '../matmul/sum-parts.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { blockOf, type ConvolutionForm, insideShare, used } from './convolution-form.ts';
import {
  arranged,
  forwardProblem,
  inputGradientProblems,
  type Problem,
  weightGradientProblem,
} from './convolution-problem.ts';
import { CONVOLUTION_UNIFORMS, CONVOLUTION_WORDS, convolutionShader } from './convolution-shader.ts';

interface Buffers {
  readonly x: TensorOperand;
  readonly w: TensorOperand;
  readonly y: TensorOperand;
  readonly bias?: TensorOperand | undefined;
}

/** A problem with the block and the workgroups that compute it. */
interface Planned {
  readonly problem: Problem;
  readonly form: Omit<ConvolutionForm, 'partial'>;
  readonly runs: number;
  readonly tiles: number;
}

const MOST_GROUPS = 65_535;
/** Invocations of a workgroup, and workgroups that keep the device busy. */
const LANES = { software: 8, hardware: 64 } as const;
const ENOUGH = { software: 32, hardware: 512 } as const;

/** Lanes lie along images where so many of them have one, and so few taps at most lie inside: others are skipped. */
const FULL = 0.8;
const MOST_INSIDE = 0.92;

/** Runs convolutions of any kind. */
class Convolutions {
  private readonly queue: Queue;
  private readonly shaders = new Map<string, Shader>();

  constructor(queue: Queue) {
    this.queue = queue;
  }

  private shader(key: string, make: () => Shader): Shader {
    let shader = this.shaders.get(key);
    if (shader === undefined) {
      shader = make();
      this.shaders.set(key, shader);
    }
    return shader;
  }

  private plan(given: Problem, { y, bias }: Buffers): Planned {
    const problem = arranged(given);
    const { images, rows, grid } = problem;
    const block = blockOf(problem);
    const lanes = this.queue.software ? LANES.software : LANES.hardware;
    const runs = grid[0] * grid[1] * Math.ceil(grid[2] / block.columns);
    const byImages =
      this.queue.software && used(images, lanes) >= FULL && insideShare(problem) <= MOST_INSIDE;
    const columns = byImages ? runs * Math.ceil(images / lanes) : Math.ceil((images * runs) / lanes);
    return {
      problem,
      form: {
        ...block,
        dtype: y.dtype,
        lanes,
        lanesOver: byImages ? 'images' : 'places',
        bias: bias !== undefined,
      },
      runs,
      tiles: Math.ceil(rows / block.rows) * columns,
    };
  }

  /** Problems that together write all of `y`. Where few workgroups would take many channels, they share them. */
  run(problems: readonly Problem[], buffers: Buffers): void {
    const { queue } = this;
    const { x, w, y, bias } = buffers;
    const planned = problems.map((problem) => this.plan(problem, buffers));
    const { channels, groups } = problems[0]!;
    const tiles = planned.reduce((sum, plan) => sum + plan.tiles, 0);
    const enough = queue.software ? ENOUGH.software : ENOUGH.hardware;
    const shared = Math.max(1, Math.min(channels, Math.floor(enough / (tiles * groups))));
    const length = bias === undefined ? Math.ceil(channels / shared) : channels;
    const parts = Math.ceil(channels / length);
    const partial = parts > 1;
    const count = sizeOf(y.shape);
    const target = partial ? queue.workspace(parts * count * 4) : own(y);
    const read = [x, w, ...(bias === undefined ? [] : [bias])].map(own);
    for (const plan of planned) {
      const form = { ...plan.form, partial };
      const shader = this.shader(Object.values(form).join(), () => convolutionShader(form));
      const words = wordsOf(plan, { parts, length, count, partial }, y, bias);
      const [gx, gy] = spread(plan.tiles, 1);
      queue.dispatch(shader, [...read, target], words, [gx, gy, Math.min(groups * parts, MOST_GROUPS)]);
    }
    if (!partial) return;
    const sum = this.shader(`sum:${y.dtype}`, () =>
      sumPartsShader({ dtype: y.dtype, rank: 1, biased: false }),
    );
    const words = packWords(sum.words, [count, parts, count, count, y.offset, 1]);
    queue.dispatch(sum, [target, own(y)], words, spread(count));
    queue.release(target);
  }
}

interface Parts {
  readonly parts: number;
  /** Channels of a part. */
  readonly length: number;
  /** Elements of a part. */
  readonly count: number;
  readonly partial: boolean;
}

function wordsOf(
  { problem: p, runs }: Planned,
  { parts, length, count, partial }: Parts,
  y: TensorOperand,
  bias: TensorOperand | undefined,
): Uint32Array {
  // Outputs are contiguous, so that parts of them lie as the output does, from the start of the workspace.
  const yOffset = partial ? p.y.offset - y.offset : p.y.offset;
  const biasRow = bias?.strides[0] ?? 0;
  const values = [
    ...[p.rows, runs, p.images, p.groups, p.channels, parts, length],
    ...[p.grid, p.loop, p.size, p.gridStep, p.gridBegin, p.loopStep].flat(),
    ...[p.x.offset, p.x.outer, p.x.group, p.x.inner, ...p.x.strides],
    ...[p.w.offset, p.w.outer, p.w.group, p.w.inner, ...p.w.strides],
    ...[yOffset, p.y.outer, p.y.group, p.y.inner, partial ? count : 0, ...p.y.strides],
    ...[bias?.offset ?? 0, p.rows * biasRow, biasRow],
  ];
  if (values.length !== CONVOLUTION_WORDS.length)
    throw new RangeError('convolution: words and values differ');
  return packWords(CONVOLUTION_UNIFORMS.words, values);
}

const fits = (...operands: readonly (TensorOperand | undefined)[]): boolean =>
  operands.every(
    (x) => x === undefined || (isFloating(x.dtype) && x.dtype === operands[0]!.dtype && sizeOf(x.shape) > 0),
  );

/** `convolution` and its two gradients, which are convolutions too: one with its window turned round, one with images as channels. */
export function convolutionKernels(queue: Queue): OptionalKernels {
  const convolutions = new Convolutions(queue);
  const convolution: FusedKernel = {
    when: ({ x, weight, bias }) => fits(x, weight, bias),
    run({ y }, { x, weight, bias }, attrs) {
      const problem = forwardProblem(x!, weight!, y!, attrs);
      convolutions.run([problem], { x: x!, w: weight!, y: y!, bias });
    },
  };
  const convolutionInputGrad: FusedKernel = {
    when: ({ dy, weight }) => fits(dy, weight),
    run({ dx }, { dy, weight }, attrs) {
      const problems = inputGradientProblems(dy!, weight!, dx!, attrs);
      convolutions.run(problems, { x: dy!, w: weight!, y: dx! });
    },
  };
  const convolutionWeightGrad: FusedKernel = {
    when: ({ dy, x }) => fits(dy, x),
    run({ dw }, { dy, x }, attrs) {
      const problem = weightGradientProblem(dy!, x!, dw!, attrs);
      convolutions.run([problem], { x: x!, w: dy!, y: dw! });
    },
  };
  return { convolution, convolutionInputGrad, convolutionWeightGrad };
}
