import type { NumberArray } from '../allocation.ts';

/**
 * Products without packing: small ones, and those of a matrix with few rows or columns. Each function is
 * self-contained; there is a copy for each class of arrays.
 */

/** Dot products in float64, four sums at a time. */
export function directFloat(
  m: number,
  k: number,
  n: number,
  y: NumberArray,
  yStart: number,
  yRow: number,
  yColumn: number,
  a: NumberArray,
  aStart: number,
  aRow: number,
  aColumn: number,
  b: NumberArray,
  bStart: number,
  bRow: number,
  bColumn: number,
): void {
  const whole = k - (k % 4);
  for (let i = 0; i < m; i++) {
    const aAt = aStart + i * aRow;
    for (let j = 0; j < n; j++) {
      let p = aAt;
      let q = bStart + j * bColumn;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let l = 0;
      for (; l < whole; l += 4) {
        s0 += a[p]! * b[q]!;
        s1 += a[p + aColumn]! * b[q + bRow]!;
        s2 += a[p + 2 * aColumn]! * b[q + 2 * bRow]!;
        s3 += a[p + 3 * aColumn]! * b[q + 3 * bRow]!;
        p += 4 * aColumn;
        q += 4 * bRow;
      }
      for (; l < k; l++) {
        s0 += a[p]! * b[q]!;
        p += aColumn;
        q += bRow;
      }
      y[yStart + i * yRow + j * yColumn] = s0 + s1 + (s2 + s3);
    }
  }
}

/** The same modulo 2^32, which the store narrows. */
export function directInt(
  m: number,
  k: number,
  n: number,
  y: NumberArray,
  yStart: number,
  yRow: number,
  yColumn: number,
  a: NumberArray,
  aStart: number,
  aRow: number,
  aColumn: number,
  b: NumberArray,
  bStart: number,
  bRow: number,
  bColumn: number,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let p = aStart + i * aRow;
      let q = bStart + j * bColumn;
      let sum = 0;
      for (let l = 0; l < k; l++) {
        sum = (sum + Math.imul(a[p]!, b[q]!)) | 0;
        p += aColumn;
        q += bRow;
      }
      y[yStart + i * yRow + j * yColumn] = sum;
    }
  }
}

/**
 * A row times a matrix whose rows are contiguous: rows of `b`, scaled, are added up in `sums`, four at a time, so
 * that memory is walked in order.
 */
export function rowTimesRows(
  sums: Float64Array,
  k: number,
  n: number,
  a: NumberArray,
  aStart: number,
  aStep: number,
  b: NumberArray,
  bStart: number,
  bRow: number,
): void {
  for (let j = 0; j < n; j++) sums[j] = 0;
  let l = 0;
  for (; l + 3 < k; l += 4) {
    const a0 = a[aStart + l * aStep]!;
    const a1 = a[aStart + (l + 1) * aStep]!;
    const a2 = a[aStart + (l + 2) * aStep]!;
    const a3 = a[aStart + (l + 3) * aStep]!;
    const p = bStart + l * bRow;
    for (let j = 0; j < n; j++) {
      sums[j]! +=
        a0 * b[p + j]! + a1 * b[p + bRow + j]! + (a2 * b[p + 2 * bRow + j]! + a3 * b[p + 3 * bRow + j]!);
    }
  }
  for (; l < k; l++) {
    const a0 = a[aStart + l * aStep]!;
    const p = bStart + l * bRow;
    for (let j = 0; j < n; j++) sums[j]! += a0 * b[p + j]!;
  }
}
