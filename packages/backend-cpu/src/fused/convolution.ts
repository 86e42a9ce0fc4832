import { type FusedKernel, isContiguous, type TensorOperand } from '@flambeau/core/backend';
import type { ThreadPool } from '../threads/pool.ts';
import { SCATTER_TAPS } from '../wasm/convolution/kernels.ts';
import { LAYOUT_WORDS, writeLayout } from '../wasm/convolution/layout.ts';
import { ELEMENTS, type Element } from '../wasm/matmul/lane.ts';
import { BLOCK_DEPTH } from '../wasm/matmul/packed.ts';
import { roundUp } from '../wasm/matmul/products.ts';
import { ROWS, type Tile } from '../wasm/matmul/tile.ts';
import { BLOCK_COLUMNS, ConvolutionJobs, type Job } from './convolution-jobs.ts';
import { type Geometry, geometryOf } from './geometry.ts';
import { type Attrs, address, heapKernel, type Operands, uniform, withWorkspace } from './operands.ts';

const DTYPES = ['float32', 'float64'];
/** Sums of slices of the batch are kept apart, and added at the end, while they are not larger than this. */
const SLICE_BYTES = 2 ** 18;
const SLICES = 8;

/** Fused kernels for a convolution and its two gradients, without a copy of all its windows. */
export function convolutionKernels(pool: ThreadPool, tile: Tile): Record<string, FusedKernel> {
  const { heap } = pool;
  const runner = new Convolutions(new ConvolutionJobs(pool, tile));
  const takes =
    (...names: string[]) =>
    (inputs: Operands, attrs: Attrs): boolean => {
      const operands = names.map((name) => inputs[name]);
      const output = attrs.outputSize as readonly number[];
      return (
        uniform([...operands, inputs.bias], DTYPES) &&
        output.length <= 3 &&
        !output.includes(0) &&
        operands.every((x) => x === inputs.x || isContiguous(x!.shape, x!.strides))
      );
    };
  return {
    convolution: heapKernel(heap, 'convolution', takes('x', 'weight'), ({ y }, { x, weight, bias }, attrs) =>
      runner.forward(y!, x!, weight!, bias, attrs),
    ),
    convolutionWeightGrad: heapKernel(
      heap,
      'convolutionWeightGrad',
      takes('dy', 'x'),
      ({ dw }, { dy, x }, attrs) => runner.weightGradient(dw!, dy!, x!, attrs),
    ),
    convolutionInputGrad: heapKernel(
      heap,
      'convolutionInputGrad',
      takes('dy', 'weight'),
      ({ dx }, { dy, weight }, attrs) => runner.inputGradient(dx!, dy!, weight!, attrs),
    ),
  };
}

class Convolutions {
  private readonly jobs: ConvolutionJobs;

  constructor(jobs: ConvolutionJobs) {
    this.jobs = jobs;
  }

  forward(
    y: TensorOperand,
    x: TensorOperand,
    weight: TensorOperand,
    bias: TensorOperand | undefined,
    attrs: Attrs,
  ): void {
    const element = ELEMENTS[x.dtype]!;
    const geometry = geometryOf(x, weight.shape, attrs, element);
    this.convolve(element, geometry, y, x, address(weight), {
      bias: bias === undefined ? 0 : address(bias),
      biasStep: bias === undefined ? 0 : bias.strides[0]! * element.bytes,
    });
  }

  /** A convolution by the contiguous weight at an address. */
  private convolve(
    element: Element,
    geometry: Geometry,
    y: TensorOperand,
    x: TensorOperand,
    weight: number,
    bias: { readonly bias?: number; readonly biasStep?: number },
  ): void {
    const { images, groups, outChannels, taps } = geometry;
    const job = { geometry, element, x, y, outer: images, packedRows: () => 0 };
    if (isDirect(geometry)) {
      const weightGroup = outChannels * taps * element.bytes;
      this.jobs.run({
        ...job,
        kernel: 'direct',
        words: { weight, weightGroup, ...bias },
        across: geometry.vectors,
        mostAcross: geometry.vectors,
        packedDepth: 0,
      });
      return;
    }
    const packed = roundUp(outChannels, ROWS) * taps * element.bytes;
    withWorkspace(this.jobs.pool.heap, 'convolution', packed * groups, (target) => {
      this.packWeight(element, geometry, weight, target, packed, false);
      this.jobs.run({
        ...job,
        kernel: 'forward',
        words: { weight: target, weightGroup: packed, ...bias },
        across: geometry.columns,
        mostAcross: BLOCK_COLUMNS,
        packedDepth: Math.min(taps, BLOCK_DEPTH),
      });
    });
  }

  weightGradient(dw: TensorOperand, dy: TensorOperand, x: TensorOperand, attrs: Attrs): void {
    const element = ELEMENTS[x.dtype]!;
    const { bytes } = element;
    const geometry = geometryOf(x, dw.shape, attrs, element);
    const { groups, outChannels, taps, columns, images } = geometry;
    const weightGroup = outChannels * taps * bytes;
    const byteLength = groups * weightGroup;
    const slices = byteLength <= SLICE_BYTES ? Math.min(images, SLICES) : 1;
    const sliceImages = Math.ceil(images / slices);
    const outer = Math.ceil(images / sliceImages);
    const direct = isDirect(geometry);
    const depth = direct ? 0 : Math.min(columns, BLOCK_DEPTH);
    const job = (weight: number): Job => ({
      kernel: direct ? 'directWeightGradient' : 'weightGradient',
      geometry,
      element,
      x,
      y: dy,
      words: { weight, weightGroup, sliceImages, sliceBytes: byteLength },
      outer,
      across: taps,
      mostAcross: direct ? taps : BLOCK_COLUMNS,
      packedDepth: depth,
      packedRows: () => roundUp(outChannels, ROWS) * depth * bytes,
    });
    if (outer === 1) {
      this.jobs.run(job(address(dw)));
      return;
    }
    withWorkspace(this.jobs.pool.heap, 'convolutionWeightGrad', byteLength * outer, (sums) => {
      this.jobs.run(job(sums));
      this.jobs.functions(element).addSlices!(address(dw), sums, byteLength / bytes, outer, byteLength);
    });
  }

  inputGradient(dx: TensorOperand, dy: TensorOperand, weight: TensorOperand, attrs: Attrs): void {
    const element = ELEMENTS[dy.dtype]!;
    const turned = turnedAttrs(attrs, weight.shape, dx.shape);
    if (turned !== null) this.byTurnedWeight(element, dx, dy, weight, turned);
    else this.scatter(element, dx, dy, weight, attrs);
  }

  /** Where windows are next to each other: a convolution of `dy` by the weight, turned round. */
  private byTurnedWeight(
    element: Element,
    dx: TensorOperand,
    dy: TensorOperand,
    weight: TensorOperand,
    attrs: Attrs,
  ): void {
    const { bytes } = element;
    const { heap } = this.jobs.pool;
    const groups = attrs.groups as number;
    const [allOut, channels, ...kernel] = weight.shape as [number, number, ...number[]];
    const outChannels = allOut / groups;
    const places = kernel.reduce((a, b) => a * b, 1);
    const geometry = geometryOf(dy, [channels * groups, outChannels, ...kernel], attrs, element);
    const group = outChannels * channels * places * bytes;
    const words = LAYOUT_WORDS * 4;
    withWorkspace(heap, 'convolutionInputGrad', words + groups * group, (block) => {
      // An image of input channels, whose rows are the windows from their last place on.
      writeLayout(heap, block, {
        channels,
        depth: outChannels,
        height: 1,
        width: places,
        xChannel: places * bytes,
        xDepth: channels * places * bytes,
        xWidth: -bytes,
        padChannel: outChannels * places * bytes,
        padDepth: places * bytes,
        phases: 1,
      });
      for (let g = 0; g < groups; g++) {
        const last = address(weight) + g * group + (places - 1) * bytes;
        this.jobs.functions(element).copyIn!(block, last, block + words + g * group);
      }
      this.convolve(element, geometry, dx, dy, block + words, {});
    });
  }

  private scatter(
    element: Element,
    dx: TensorOperand,
    dy: TensorOperand,
    weight: TensorOperand,
    attrs: Attrs,
  ): void {
    const { bytes } = element;
    const geometry = geometryOf(dx, weight.shape, attrs, element);
    const { images, groups, outChannels, taps } = geometry;
    const packed = roundUp(taps, ROWS) * outChannels * bytes;
    withWorkspace(this.jobs.pool.heap, 'convolutionInputGrad', packed * groups, (target) => {
      this.packWeight(element, geometry, address(weight), target, packed, true);
      this.jobs.run({
        kernel: 'inputGradient',
        geometry,
        element,
        x: dx,
        y: dy,
        words: { weight: target, weightGroup: packed },
        outer: images,
        // An image is whole in one unit, as its windows overlap.
        across: 1,
        mostAcross: 1,
        packedDepth: Math.min(outChannels, BLOCK_DEPTH),
        packedRows: (blockColumns) => SCATTER_TAPS * blockColumns * bytes,
      });
    });
  }

  /** Packs the weight's rows, or its columns, group by group and depth by depth. */
  private packWeight(
    element: Element,
    { groups, outChannels, taps }: Geometry,
    weight: number,
    target: number,
    packed: number,
    turned: boolean,
  ): void {
    const { bytes } = element;
    const pack = this.jobs.functions(element).packRows!;
    const [rows, depth] = turned ? [taps, outChannels] : [outChannels, taps];
    const [line, step] = turned ? [bytes, taps * bytes] : [taps * bytes, bytes];
    for (let g = 0; g < groups; g++) {
      for (let l = 0; l < depth; l += BLOCK_DEPTH) {
        pack(
          weight + g * outChannels * taps * bytes + l * step,
          line,
          step,
          target + g * packed + roundUp(rows, ROWS) * l * bytes,
          rows,
          Math.min(BLOCK_DEPTH, depth - l),
        );
      }
    }
  }
}

/** Whether a group's channels would not fill a tile's rows, so that windows are better read where they lie. */
const isDirect = ({ outChannels, vectors }: Geometry): boolean => outChannels < ROWS && vectors > 0;

/**
 * The attributes of the convolution of `dy` that is the gradient of a convolution's input; null where windows are apart,
 * or `dy` had to be cropped.
 */
function turnedAttrs(attrs: Attrs, weightShape: readonly number[], shape: readonly number[]): Attrs | null {
  const { stride, padding, dilation, groups } = attrs as Readonly<Record<string, readonly number[]>>;
  const around = dilation!.map((d, i) => d * (weightShape[i + 2]! - 1) - padding![i]!);
  if (stride!.some((s) => s !== 1) || around.some((n) => n < 0)) return null;
  return { stride, padding: around, dilation, groups, outputSize: shape.slice(2) };
}
