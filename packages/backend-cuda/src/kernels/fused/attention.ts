import {
  byteLengthOf,
  contiguousStrides,
  DTYPES,
  type FusedKernel,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import {
  ATTENTION_FEATURES,
  ATTENTION_THREADS,
  ATTENTION_TILE,
  type AttentionVariant,
  attentionSource,
  type MaskKind,
} from '../../cuda-c/fused/attention.ts';
import { type Context, Variants } from '../context.ts';
import { arrange, classOf, isWide, type Loops, pointerTo, writeCount, writeNest } from '../loops.ts';
import { isEmpty } from './support.ts';

const MASKS: Readonly<Record<MaskKind, number>> = { none: 0, bool: 1, scores: 2 };
/** Blocks along the second dimension of a grid. */
const MOST_TILES = 65535;

/** Strides of an operand's leading dimensions where it is broadcast to `shape`. */
function broadcast(shape: readonly number[], operand: TensorOperand, own: number): number[] {
  const lead = operand.shape.length - own;
  return shape.map((_, dim) => {
    const at = dim - (shape.length - lead);
    return at < 0 || operand.shape[at] === 1 ? 0 : operand.strides[at]!;
  });
}

/** The stride of a mask along one of its last two dimensions, where it may be absent or repeat. */
function maskStride(mask: TensorOperand, fromEnd: number): number {
  const dim = mask.shape.length - fromEnd;
  return dim < 0 || mask.shape[dim] === 1 ? 0 : mask.strides[dim]!;
}

/** Attention without the matrix of scores, for floats and halves of up to 128 features. */
export function attentionKernel(context: Context): FusedKernel {
  const { launch } = context;
  const variants = new Variants(launch);
  return {
    when({ query, key, value, attnMask }) {
      const operands = [query!, key!, value!];
      const { dtype } = query!;
      return (
        (dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16') &&
        operands.every((x) => x.dtype === dtype && !isEmpty(x)) &&
        (attnMask === undefined ||
          (!isEmpty(attnMask) && (attnMask.dtype === 'bool' || attnMask.dtype === dtype))) &&
        operands.every((x) => x.shape.at(-1)! <= ATTENTION_FEATURES) &&
        query!.shape.at(-2)! <= MOST_TILES * ATTENTION_TILE
      );
    },
    run({ y, logsumexp }, { query, key, value, attnMask }, { isCausal, scale }) {
      const operands = [query!, key!, value!] as const;
      const lead = y!.shape.slice(0, -2);
      const all = attnMask === undefined ? [...operands] : [...operands, attnMask];
      const batch = leadingLoops(
        lead,
        all.map((x) => broadcast(lead, x, Math.min(2, x.shape.length))),
      );
      const [queries, features] = query!.shape.slice(-2) as [number, number];
      const [keys, valueFeatures] = value!.shape.slice(-2) as [number, number];
      const wide =
        all.some((x) => isWide({ shape: x.shape, strides: [x.strides] }, context.narrowLimit)) ||
        isWide(batch, context.narrowLimit);
      const width = [32, 64, 128].find((n) => n >= Math.max(features, valueFeatures))!;
      const mask = attnMask === undefined ? 'none' : attnMask.dtype === 'bool' ? 'bool' : 'scores';
      const { dtype } = query!;
      const variant: AttentionVariant = {
        dtype,
        mask,
        causal: isCausal === true,
        rank: classOf(batch),
        wide,
        features: width,
      };
      const kernel = variants.get(numberOf(variant), () => attentionSource(variant));
      const bytes = byteLengthOf(dtype);
      const args = launch.arguments.reset();
      pointerTo(args, y!, bytes);
      pointerTo(args, logsumexp!, Float32Array.BYTES_PER_ELEMENT);
      for (const operand of operands) pointerTo(args, operand, bytes);
      if (attnMask !== undefined) pointerTo(args, attnMask, byteLengthOf(attnMask.dtype));
      args.i32(queries).i32(keys).i32(features).i32(valueFeatures).f32(Number(scale));
      for (const { strides } of operands) {
        writeCount(args, strides.at(-2)!, wide);
        writeCount(args, strides.at(-1)!, wide);
      }
      writeCount(args, attnMask === undefined ? 0 : maskStride(attnMask, 2), wide);
      writeCount(args, attnMask === undefined ? 0 : maskStride(attnMask, 1), wide);
      writeNest(args, batch, variant.rank, wide);
      const grid = [sizeOf(lead), Math.ceil(queries / ATTENTION_TILE), 1] as const;
      launch.launch(kernel, grid, [ATTENTION_THREADS, 1, 1], 0, args);
    },
  };
}

/** The batch in the order of the output. */
function leadingLoops(shape: readonly number[], strides: readonly (readonly number[])[]): Loops {
  const arranged = arrange({ shape, strides: [contiguousStrides(shape), ...strides] });
  return { shape: arranged.shape, strides: arranged.strides.slice(1) };
}

function numberOf({ dtype, mask, causal, rank, wide, features }: AttentionVariant): number {
  let number = DTYPES[dtype].index * 3 + MASKS[mask];
  number = (number * 9 + rank) * 129 + features;
  return number * 4 + (wide ? 2 : 0) + (causal ? 1 : 0);
}
