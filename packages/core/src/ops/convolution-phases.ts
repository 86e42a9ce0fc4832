import type { Shape } from '../shape.ts';
import type { Windows } from './windows.ts';

/**
 * Along one dimension, the elements of the input that lie at one remainder of the stride: a convolution of its own,
 * with stride 1, of every so many taps of the kernel in reverse.
 */
export interface Phase {
  /** First element of the input, how many there are, and their distance. */
  readonly from: number;
  readonly count: number;
  readonly step: number;
  /** First tap, how many there are, and their distance. */
  readonly tap: number;
  readonly taps: number;
  readonly tapStep: number;
  /** Where in `dy` the first window begins, and the distance of its elements. */
  readonly start: number;
  readonly dilation: number;
}

function phasesAlong(
  kernel: number,
  size: number,
  stride: number,
  padding: number,
  dilation: number,
): Phase[] {
  const all: Phase[] = [];
  for (let remainder = 0; remainder < stride; remainder++) {
    const hits = Array.from({ length: kernel }, (_, k) => k).filter(
      (k) => (k * dilation) % stride === remainder,
    );
    const low = Math.ceil((padding - remainder) / stride);
    const count = Math.floor((size - 1 + padding - remainder) / stride) - low + 1;
    if (hits.length === 0 || count < 1) continue;
    const tap = hits[0]!;
    const tapStep = hits.length > 1 ? hits[1]! - tap : 1;
    const apart = hits.length > 1 ? (tapStep * dilation) / stride : 1;
    const start = low - (tap * dilation - remainder) / stride - (hits.length - 1) * apart;
    all.push({
      from: remainder + stride * low - padding,
      count,
      step: stride,
      tap,
      taps: hits.length,
      tapStep,
      start,
      dilation: apart,
    });
  }
  return all;
}

/** Every combination of phases of the dimensions. */
export function phases(
  kernel: Shape,
  size: Shape,
  { stride, padding, dilation }: Pick<Windows, 'stride' | 'padding' | 'dilation'>,
): (readonly Phase[])[] {
  const along = kernel.map((k, i) => phasesAlong(k, size[i]!, stride[i]!, padding[i]!, dilation[i]!));
  return along.reduce<(readonly Phase[])[]>(
    (heads, tails) => heads.flatMap((head) => tails.map((tail) => [...head, tail])),
    [[]],
  );
}
