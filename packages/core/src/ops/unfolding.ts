import { copyInto } from '../dispatch/in-place.ts';
import { emptyTensor } from '../dispatch/operands.ts';
import { byteLengthOf } from '../dtype.ts';
import type { Tensor } from '../graph/tensor.ts';
import { sizeOf } from '../shape.ts';
import { matmul } from './matmul.ts';
import { reshape } from './reshape.ts';
import { sliceView } from './slicing.ts';
import { padForWindows, type Windows, windowsOf } from './windows.ts';

/** The unfolded copy of a batch stays below this. */
const UNFOLDED_BYTES = 64 * 2 ** 20;

/** A part of the work: some samples, and some rows (the first spatial dimension) of the output. */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly rowFrom: number;
  readonly rowTo: number;
}

/** Splits samples, and where one alone is too much, its rows, so that no unfolded copy is too large. */
export function parts(x: Tensor, windows: Windows): Part[] {
  const [batch, channels] = x.shape as [number, number];
  const rows = windows.output[0]!;
  const bytesPerRow =
    channels * sizeOf(windows.kernel) * sizeOf(windows.output.slice(1)) * byteLengthOf(x.dtype);
  const samples = Math.max(1, Math.floor(UNFOLDED_BYTES / Math.max(1, bytesPerRow * rows)));
  const height =
    bytesPerRow * rows > UNFOLDED_BYTES ? Math.max(1, Math.floor(UNFOLDED_BYTES / bytesPerRow)) : rows;
  const all: Part[] = [];
  for (let from = 0; from < batch; from += samples) {
    for (let rowFrom = 0; rowFrom < rows; rowFrom += height) {
      all.push({
        from,
        to: Math.min(batch, from + samples),
        rowFrom,
        rowTo: Math.min(rows, rowFrom + height),
      });
    }
  }
  return all;
}

export const span = (x: Tensor, dim: number, from: number, to: number): Tensor =>
  from === 0 && to === x.shape[dim] ? x : sliceView(x, dim, from, to, 1);

/** The samples and rows of an output that a part speaks of. */
export const ofOutput = (y: Tensor, part: Part): Tensor =>
  span(span(y, 0, part.from, part.to), 2, part.rowFrom, part.rowTo);

/** The windows of a padded input that a part speaks of: `[count, channels, ...kernel, ...output]`. */
export function unfolded(padded: Tensor, windows: Windows, part: Part): Tensor {
  const samples = span(padded, 0, part.from, part.to);
  const rows =
    part.rowFrom === 0 ? samples : span(samples, 2, part.rowFrom * windows.stride[0]!, samples.shape[2]!);
  return windowsOf(rows, { ...windows, output: windows.output.with(0, part.rowTo - part.rowFrom) });
}

/** Windows of `x` times a matrix for each group, `[groups, out / groups, taps]`: `[batch, out, ...output]`. */
export function unfoldedProduct(x: Tensor, matrix: Tensor, windows: Windows): Tensor {
  const [groups, perGroup, taps] = matrix.shape as [number, number, number];
  const padded = padForWindows(x, windows, 0);
  const product = (part: Part): Tensor => {
    const columns = unfolded(padded, windows, part);
    const output = columns.shape.slice(2 + windows.kernel.length);
    const count = part.to - part.from;
    return reshape(matmul(matrix, reshape(columns, [count, groups, taps, sizeOf(output)])), [
      count,
      groups * perGroup,
      ...output,
    ]);
  };
  const work = parts(x, windows);
  if (work.length === 1) return product(work[0]!);
  const y = emptyTensor(x.entry, x.dtype, [x.shape[0]!, groups * perGroup, ...windows.output]);
  for (const part of work) copyInto(ofOutput(y, part), product(part));
  return y;
}
