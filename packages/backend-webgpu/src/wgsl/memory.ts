import type { DType } from '@flambeau/core/backend';
import type { Library } from './library.ts';
import { type ValueType, valueTypeOf, type Width, widthOf } from './types.ts';

/**
 * Elements in storage buffers of 32-bit words: int16 and the halves two to a word, int8, uint8 and bool four, in order
 * from the low bits.
 */

/** How a buffer is declared: single words, words that several invocations write, or four elements at a time. */
export type WordKind = 'word' | 'atomic' | 'quad';

/** Four elements of a width, as they lie in memory. */
export const quadType = (width: Width): string => ({ 8: 'u32', 16: 'vec2<u32>', 32: 'vec4<u32>' })[width];

/** The type of one item of a buffer. */
export const wordType = (kind: WordKind, width: Width): string =>
  kind === 'word' ? 'u32' : kind === 'atomic' ? 'atomic<u32>' : quadType(width);

export function declareBuffer(
  binding: number,
  name: string,
  access: 'read' | 'read_write',
  kind: WordKind,
  width: Width,
): string {
  return `@group(0) @binding(${binding}) var<storage, ${access}> ${name}: array<${wordType(kind, width)}>;`;
}

/** The word at a place of a buffer that is declared by words. */
const word = (name: string, kind: WordKind, at: string): string =>
  kind === 'atomic' ? `atomicLoad(&${name}[${at}])` : `${name}[${at}]`;

/** The bits of the element `at`. */
export function loadBits(name: string, kind: WordKind, width: Width, at: string): string {
  switch (width) {
    case 32:
      return word(name, kind, at);
    case 16:
      return `(${word(name, kind, `(${at}) >> 1u`)} >> (((${at}) & 1u) * 16u)) & 0xffffu`;
    case 8:
      return `(${word(name, kind, `(${at}) >> 2u`)} >> (((${at}) & 3u) * 8u)) & 0xffu`;
  }
}

/** Bits as the value of a dtype. Bits above an element's own must be 0. */
export function decodeSource(dtype: DType, bits: string, library: Library): string {
  switch (dtype) {
    case 'float16':
    case 'bfloat16':
      return library.call(`decode_${dtype}`, bits);
    case 'int16':
      return `bitcast<i32>((${bits}) << 16u) >> 16u`;
    case 'int8':
      return `bitcast<i32>((${bits}) << 24u) >> 24u`;
    case 'bool':
      return `(${bits}) != 0u`;
    default:
      return `bitcast<${valueTypeOf(dtype)}>(${bits})`;
  }
}

/** The bits of a value of a dtype, 0 above the element's own. */
export function encodeSource(dtype: DType, value: string, library: Library): string {
  switch (dtype) {
    case 'float16':
    case 'bfloat16':
      return library.call(`encode_${dtype}`, value);
    case 'int16':
      return `bitcast<u32>(${value}) & 0xffffu`;
    case 'int8':
    case 'uint8':
      return `bitcast<u32>(${value}) & 0xffu`;
    case 'bool':
      return `select(0u, 1u, ${value})`;
    default:
      return `bitcast<u32>(${value})`;
  }
}

/** The element `at` as a value. */
export const loadSource = (
  name: string,
  kind: WordKind,
  dtype: DType,
  at: string,
  library: Library,
): string => decodeSource(dtype, loadBits(name, kind, widthOf(dtype), at), library);

/**
 * A statement that stores bits as the element `at`. Elements narrower than a word need a buffer of atomics: others may
 * store their neighbours at the same time.
 */
export function storeSource(name: string, width: Width, at: string, bits: string): string {
  if (width === 32) return `${name}[${at}] = ${bits};`;
  const [log, last, mask] = width === 16 ? [1, 1, '0xffffu'] : [2, 3, '0xffu'];
  return `{
    let shift = ((${at}) & ${last}u) * ${width}u;
    let stored = (${bits}) << shift;
    atomicAnd(&${name}[(${at}) >> ${log}u], ~(${mask} << shift));
    atomicOr(&${name}[(${at}) >> ${log}u], stored);
  }`;
}

/** How the output of a kernel that stores element by element is declared. */
export const storedKind = (width: Width): WordKind => (width === 32 ? 'word' : 'atomic');

/** The bits of one of four elements. */
export function laneBits(four: string, width: Width, lane: number): string {
  switch (width) {
    case 32:
      return `${four}.${'xyzw'[lane]}`;
    case 16:
      return `(${four}.${'xy'[lane >> 1]} >> ${(lane & 1) * 16}u) & 0xffffu`;
    case 8:
      return `(${four} >> ${lane * 8}u) & 0xffu`;
  }
}

/** The bits of four elements as they lie in memory. */
export function packLanes(width: Width, [a, b, c, d]: readonly string[]): string {
  switch (width) {
    case 32:
      return `vec4<u32>(${a}, ${b}, ${c}, ${d})`;
    case 16:
      return `vec2<u32>(${a} | (${b} << 16u), ${c} | (${d} << 16u))`;
    case 8:
      return `(${a} | (${b} << 8u) | (${c} << 16u) | (${d} << 24u))`;
  }
}

/** The word that holds one value of a workspace. */
export function packSource(type: ValueType, value: string): string {
  switch (type) {
    case 'u32':
      return value;
    case 'bool':
      return `select(0u, 1u, ${value})`;
    default:
      return `bitcast<u32>(${value})`;
  }
}

/** The value that a word of a workspace holds. */
export function unpackSource(type: ValueType, word: string): string {
  switch (type) {
    case 'u32':
      return word;
    case 'bool':
      return `(${word}) != 0u`;
    default:
      return `bitcast<${type}>(${word})`;
  }
}
