import type { DType } from '@flambeau/core/backend';
import { Library } from '../wgsl/library.ts';
import {
  decodeSource,
  encodeSource,
  loadBits as loadBitsOf,
  storedKind,
  storeSource,
  wordType,
} from '../wgsl/memory.ts';
import { valueTypeOf, type Width, widthOf } from '../wgsl/types.ts';

/**
 * Elements as kernels see them that compute with numbers alone: floats as f32, integers and truths as i32. Where
 * elements lie, and how bits and values are converted, `wgsl/memory` says.
 */

/** The type in which a shader computes with an element. */
export type ElementType = 'f32' | 'i32';

export interface Element {
  readonly width: Width;
  readonly value: ElementType;
  /** `fn decode(bits: u32) -> value`, and `fn encode(x: value) -> u32` with rounding or wrapping. */
  readonly decode: string;
  readonly encode: string;
}

const elements = new Map<DType, Element>();

/** What an element of `dtype` is. @throws {BackendError} shaders have no such type. */
export function elementOf(dtype: DType): Element {
  let element = elements.get(dtype);
  if (element === undefined) {
    element = makeElement(dtype);
    elements.set(dtype, element);
  }
  return element;
}

function makeElement(dtype: DType): Element {
  const value = valueTypeOf(dtype) === 'f32' ? 'f32' : 'i32';
  const decoding = new Library();
  const encoding = new Library();
  const decoded = decodeSource(dtype, 'bits', decoding);
  const encoded = encodeSource(dtype, dtype === 'bool' ? 'x != 0' : 'x', encoding);
  return {
    width: widthOf(dtype),
    value,
    decode: `${decoding.source()}
fn decode(bits: u32) -> ${value} { return ${dtype === 'bool' ? `select(0, 1, ${decoded})` : decoded}; }`,
    encode: `${encoding.source()}
fn encode(x: ${value}) -> u32 { return ${encoded}; }`,
  };
}

/** `fn load_NAME(i: u32) -> u32`: the bits of element `i` of the buffer NAME. */
export const loadBits = (name: string, width: Width): string =>
  `fn load_${name}(i: u32) -> u32 { return ${loadBitsOf(name, 'word', width, 'i')}; }`;

/** The type in which a buffer is declared that `storeBits` writes: neighbours in one word are written at the same time. */
export const storeType = (width: Width): string => `array<${wordType(storedKind(width), width)}>`;

/**
 * `fn store_NAME(i: u32, bits: u32)`: writes element `i` of the buffer NAME. Several invocations may write into one
 * word, but no two of them the same element.
 */
export const storeBits = (name: string, width: Width): string =>
  `fn store_${name}(i: u32, bits: u32) { ${storeSource(name, width, 'i', 'bits')} }`;
