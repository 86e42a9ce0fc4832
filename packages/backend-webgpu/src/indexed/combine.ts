import type { DType, ScatterMode } from '@flambeau/core/backend';
import { elementOf } from '../elements/elements.ts';
import { combineSource } from '../wgsl/combine.ts';
import { Library } from '../wgsl/library.ts';
import type { Width } from '../wgsl/types.ts';

/** The combinations of modes that are one, as reductions name them. */
const COMBINERS = { add: 'sum', mul: 'prod', max: 'max', min: 'min' } as const;

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
  const library = new Library();
  const fresh =
    mode === 'assign'
      ? 'bits'
      : `encode(${combineSource(COMBINERS[mode], value === 'f32' ? 'float32' : 'int32', 'decode(present)', 'decode(bits)', library)})`;
  return `${decode}
${encode}
${library.source()}
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
