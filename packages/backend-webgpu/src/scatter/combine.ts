import type { DType, ScatterMode } from '@flambeau/core/backend';
import { elementOf, IS_NAN, type Width } from '../elements/elements.ts';

/** `combine(present, value)` of a mode, on values in the type that the dtype computes in. */
function combineSource(mode: Exclude<ScatterMode, 'assign'>, type: 'f32' | 'i32'): string {
  const head = `fn combine(a: ${type}, b: ${type}) -> ${type}`;
  if (mode === 'add') return `${head} { return a + b; }`;
  if (mode === 'mul') return `${head} { return a * b; }`;
  if (type === 'i32') return `${head} { return ${mode}(a, b); }`;
  return `${IS_NAN}
${head} {
  if (is_nan(a)) { return a; }
  if (is_nan(b)) { return b; }
  return select(b, a, a ${mode === 'max' ? '>=' : '<='} b);
}`;
}

const PLACES: Readonly<Record<Width, readonly [log: number, last: number, mask: string]>> = {
  8: [2, 3, '0xffu'],
  16: [1, 1, '0xffffu'],
  32: [0, 0, '0xffffffffu'],
};

/**
 * `fn put(at: u32, bits: u32)`: combines a value into element `at` of `y`, which is of atomic words; any number of
 * invocations may do so at once.
 */
export function putSource(mode: ScatterMode, dtype: DType): string {
  const { width, value, decode, encode } = elementOf(dtype);
  const [log, last, mask] = PLACES[width];
  if (dtype === 'bool' && mode !== 'assign') return putTruth(mode);
  if (width === 32 && mode === 'assign') return 'fn put(at: u32, bits: u32) { atomicStore(&y[at], bits); }';
  // Of two's complement, so signs do not matter.
  if (width === 32 && value === 'i32' && mode === 'add')
    return 'fn put(at: u32, bits: u32) { atomicAdd(&y[at], bits); }';
  const fresh = mode === 'assign' ? 'bits' : 'encode(combine(decode(present), decode(bits)))';
  return `${decode}
${encode}
${mode === 'assign' ? '' : combineSource(mode, value)}
fn put(at: u32, bits: u32) {
  let word = at >> ${log}u;
  let shift = (at & ${last}u) * ${width}u;
  var old = atomicLoad(&y[word]);
  loop {
    let present = (old >> shift) & ${mask};
    let fresh = (old & ~(${mask} << shift)) | (${fresh} << shift);
    let result = atomicCompareExchangeWeak(&y[word], old, fresh);
    if (result.exchanged) { break; }
    old = result.old_value;
  }
}`;
}

/** Truths are stored as 0 and 1: any true value makes a sum or a maximum true, any false one a product or a minimum false. */
function putTruth(mode: Exclude<ScatterMode, 'assign'>): string {
  const either = mode === 'add' || mode === 'max';
  const act = either
    ? 'if (bits != 0u) { atomicOr(&y[at >> 2u], 1u << shift); }'
    : 'if (bits == 0u) { atomicAnd(&y[at >> 2u], ~(0xffu << shift)); }';
  return `fn put(at: u32, bits: u32) {
  let shift = (at & 3u) * 8u;
  ${act}
}`;
}
