/**
 * Exported functions that do not become methods, because they take no tensor first, or take another one first than
 * the tensor that a method would stand on. `npm run generate` compares the list with the functions' types.
 */
const FUNCTIONS_ONLY: ReadonlySet<string> = new Set([
  'arange',
  'blockDiag',
  'broadcastTensors',
  'cartesianProd',
  'cat',
  'chainMatmul',
  'columnStack',
  'dstack',
  'einsum',
  'empty',
  'eye',
  'full',
  'hstack',
  'linspace',
  'meshgrid',
  'multiDot',
  'ones',
  'polygamma',
  'rand',
  'randint',
  'randn',
  'slice',
  'stack',
  'trilIndices',
  'triuIndices',
  'vstack',
  'where',
  'zeros',
]);

/**
 * Whether a function that `ops/index.ts` exports is a method of `Tensor` too, with its first parameter as `this`.
 * If so, its in-place form, where it has one, is the method `name_`.
 */
export const isMethod = (name: string): boolean => !FUNCTIONS_ONLY.has(name);

/** The names that are functions only, for the generator that checks them. */
export const functionsOnly = (): readonly string[] => [...FUNCTIONS_ONLY];
