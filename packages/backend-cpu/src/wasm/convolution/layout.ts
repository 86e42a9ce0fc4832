import type { Heap } from '../../heap/heap.ts';
import { type FunctionBuilder, i32 } from '../assembler/index.ts';

/**
 * The words of the block of memory that describes a convolution to its kernels. Addresses and strides are in bytes.
 * A column is a place of the output, a tap a pair of an input channel of the group and a place in the window.
 */
const NAMES = [
  'images',
  'groups',
  /** Column blocks of a group, and their width. */
  'blocks',
  'blockColumns',
  /** Of a group. */
  'outChannels',
  'taps',
  'columns',
  'x',
  'xImage',
  'xGroup',
  'y',
  'yImage',
  'yGroup',
  'yRow',
  'bias',
  'biasStep',
  'weight',
  'weightGroup',
  'tapTable',
  'columnTable',
  /**
   * For what reads windows where they lie, `columnTable` is one of vectors: a mask, then a pair of words for each, where
   * its windows and where its outputs begin. Whole vectors come first, then the last ones of lines, which share lanes
   * with those before them: the mask has the lanes that are theirs alone.
   */
  'wholeVectors',
  'vectors',
  /**
   * Whether images are copied into zeros first, and how they lie: sizes, strides, and where the copy begins. In a copy
   * every `phases`-th element of a row lies beside the last, the phases one after the other.
   */
  'padded',
  'channels',
  'depth',
  'height',
  'width',
  'xChannel',
  'xDepth',
  'xHeight',
  'xWidth',
  'padChannel',
  'padDepth',
  'padHeight',
  'phases',
  'padPhase',
  'padLeft',
  'padFirst',
  'padBytes',
  /** Where in a thread's workspace the packed columns and the packed rows begin. */
  'packedColumns',
  'packedRows',
  /** For the gradient of the weight: images in a slice, and bytes of its result. */
  'sliceImages',
  'sliceBytes',
] as const;

type Name = (typeof NAMES)[number];

export type Layout = Readonly<Partial<Record<Name, number>>>;

export const LAYOUT_WORDS = NAMES.length;

const wordOf = (name: Name): number => NAMES.indexOf(name);

/** Writes a block; what is not named is 0. */
export function writeLayout(heap: Heap, block: number, layout: Layout): void {
  new Int32Array(heap.memory.buffer, block, LAYOUT_WORDS).set(NAMES.map((name) => layout[name] ?? 0));
}

/** Leaves a word of the block at the address in `block`. */
export const word = (f: FunctionBuilder, block: number, name: Name): FunctionBuilder =>
  f.get(block).memory(i32.load, 4 * wordOf(name));

/** Leaves `local + word`, `local + index * word`. */
export const plusWord = (f: FunctionBuilder, block: number, base: number, name: Name): FunctionBuilder => {
  f.get(base);
  return word(f, block, name).op(i32.add);
};
export const plusWords = (
  f: FunctionBuilder,
  block: number,
  base: number,
  index: number,
  name: Name,
): FunctionBuilder => {
  f.get(base).get(index);
  return word(f, block, name).op(i32.mul).op(i32.add);
};

/** `value` becomes `value / word`, and `rest` what remains. */
export function divideByWord(
  f: FunctionBuilder,
  block: number,
  value: number,
  rest: number,
  name: Name,
): void {
  word(f.get(value), block, name).op(i32.remU).set(rest);
  word(f.get(value), block, name).op(i32.divU).set(value);
}
