/**
 * Frames of reductions. Kept: `rows`, and in the form by columns `columns`; reduced: `outer` and `inner`. Then the
 * output's address and its strides along rows and columns, and for each input its address and four strides.
 */
export const ReduceWord = { rows: 0, columns: 1, outer: 2, inner: 3, output: 4, inputs: 7 } as const;
export const WORDS_PER_INPUT = 5;
export const reduceWordCount = (inputCount: number): number =>
  ReduceWord.inputs + inputCount * WORDS_PER_INPUT;
/** Where in an input's words its strides stand. */
export const Stride = { row: 1, column: 2, outer: 3, inner: 4 } as const;
