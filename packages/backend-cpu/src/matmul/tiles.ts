import type { NumberArray } from '../allocation.ts';

/**
 * The inner parts of the blocked product. Operands are packed into panels of 4 rows of `a` or 4 columns of `b`,
 * element after element in the order in which `tile4x4` reads them: 16 sums in registers, 8 loads for 16
 * multiplications. Floats are packed as float64, so sums are exact to double; integers as int32, which wraps.
 */

export const PANEL = 4;

/**
 * Packs `lines` lines of `length` elements. Missing lines of the last panel are filled with zeros.
 * Self-contained: there is a copy for each class of arrays.
 */
export function pack(
  panels: Float64Array | Int32Array,
  x: NumberArray,
  start: number,
  lineStep: number,
  step: number,
  lines: number,
  length: number,
): void {
  let to = 0;
  for (let line = 0; line < lines; line += 4) {
    const p = start + line * lineStep;
    if (lines - line >= 4) {
      let p0 = p;
      let p1 = p + lineStep;
      let p2 = p1 + lineStep;
      let p3 = p2 + lineStep;
      for (let l = 0; l < length; l++, to += 4) {
        panels[to] = x[p0]!;
        panels[to + 1] = x[p1]!;
        panels[to + 2] = x[p2]!;
        panels[to + 3] = x[p3]!;
        p0 += step;
        p1 += step;
        p2 += step;
        p3 += step;
      }
      continue;
    }
    for (let l = 0; l < length; l++, to += 4) {
      for (let r = 0; r < 4; r++) panels[to + r] = line + r < lines ? x[p + r * lineStep + l * step]! : 0;
    }
  }
}

/** Stores the first `rows` rows and `columns` columns of a block. Self-contained. */
export function unpack(
  y: NumberArray,
  start: number,
  rowStep: number,
  columnStep: number,
  block: Float64Array | Int32Array,
  width: number,
  rows: number,
  columns: number,
): void {
  for (let i = 0; i < rows; i++) {
    let at = start + i * rowStep;
    for (let j = 0, from = i * width; j < columns; j++, at += columnStep) y[at] = block[from + j]!;
  }
}

/** Adds the product of two panels of `count` steps to 4x4 elements of `block`, or sets them when `first`. */
export type Tile<T> = (
  block: T,
  at: number,
  width: number,
  a: T,
  aAt: number,
  b: T,
  bAt: number,
  count: number,
  first: boolean,
) => void;

export const floatTile: Tile<Float64Array> = (block, at, width, a, aAt, b, bAt, count, first) => {
  let s00 = 0,
    s01 = 0,
    s02 = 0,
    s03 = 0;
  let s10 = 0,
    s11 = 0,
    s12 = 0,
    s13 = 0;
  let s20 = 0,
    s21 = 0,
    s22 = 0,
    s23 = 0;
  let s30 = 0,
    s31 = 0,
    s32 = 0,
    s33 = 0;
  for (let l = 0, p = aAt, q = bAt; l < count; l++, p += 4, q += 4) {
    const b0 = b[q]!,
      b1 = b[q + 1]!,
      b2 = b[q + 2]!,
      b3 = b[q + 3]!;
    const a0 = a[p]!;
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    const a1 = a[p + 1]!;
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
    const a2 = a[p + 2]!;
    s20 += a2 * b0;
    s21 += a2 * b1;
    s22 += a2 * b2;
    s23 += a2 * b3;
    const a3 = a[p + 3]!;
    s30 += a3 * b0;
    s31 += a3 * b1;
    s32 += a3 * b2;
    s33 += a3 * b3;
  }
  const r1 = at + width,
    r2 = r1 + width,
    r3 = r2 + width;
  if (first) {
    block[at] = s00;
    block[at + 1] = s01;
    block[at + 2] = s02;
    block[at + 3] = s03;
    block[r1] = s10;
    block[r1 + 1] = s11;
    block[r1 + 2] = s12;
    block[r1 + 3] = s13;
    block[r2] = s20;
    block[r2 + 1] = s21;
    block[r2 + 2] = s22;
    block[r2 + 3] = s23;
    block[r3] = s30;
    block[r3 + 1] = s31;
    block[r3 + 2] = s32;
    block[r3 + 3] = s33;
    return;
  }
  block[at]! += s00;
  block[at + 1]! += s01;
  block[at + 2]! += s02;
  block[at + 3]! += s03;
  block[r1]! += s10;
  block[r1 + 1]! += s11;
  block[r1 + 2]! += s12;
  block[r1 + 3]! += s13;
  block[r2]! += s20;
  block[r2 + 1]! += s21;
  block[r2 + 2]! += s22;
  block[r2 + 3]! += s23;
  block[r3]! += s30;
  block[r3 + 1]! += s31;
  block[r3 + 2]! += s32;
  block[r3 + 3]! += s33;
};

export const intTile: Tile<Int32Array> = (block, at, width, a, aAt, b, bAt, count, first) => {
  for (let j = 0; j < 4; j++) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let l = 0, p = aAt, q = bAt + j; l < count; l++, p += 4, q += 4) {
      const value = b[q]!;
      s0 = (s0 + Math.imul(a[p]!, value)) | 0;
      s1 = (s1 + Math.imul(a[p + 1]!, value)) | 0;
      s2 = (s2 + Math.imul(a[p + 2]!, value)) | 0;
      s3 = (s3 + Math.imul(a[p + 3]!, value)) | 0;
    }
    const to = at + j;
    block[to] = first ? s0 : block[to]! + s0;
    block[to + width] = first ? s1 : block[to + width]! + s1;
    block[to + 2 * width] = first ? s2 : block[to + 2 * width]! + s2;
    block[to + 3 * width] = first ? s3 : block[to + 3 * width]! + s3;
  }
};
