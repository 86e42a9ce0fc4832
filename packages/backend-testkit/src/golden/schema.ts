import { isTensor } from './framework.ts';
import { DTypeName, FloatScalar } from './values.ts';

/**
 * One of PyTorch's signatures and the call it becomes.
 *
 * Written as a line, `name(parameters) => ours(names) -> outputs`:
 *
 * - `x`: no default in PyTorch; positional in our call
 * - `dim?`: optional in PyTorch and yet positional in our call (`dim`, weight and bias)
 * - `keepdim=False`: optional; becomes a key of our trailing options object
 * - `*`: what follows, PyTorch takes by keyword only
 * - `...tensors`: takes all remaining positional arguments, handed over as one array
 * - `split_size|sections`: other names of the same parameter
 * - `other: Tensor`: the overload fits only such a value: `Tensor int list bool dtype Scalar`
 * - `=> ours(a, b)`: the positional arguments of our call, where its name or its order differ
 * - `-> values, indices`: the properties of our result that stand for PyTorch's tuple
 */
export interface Signature {
  readonly torchName: string;
  readonly parameters: readonly Parameter[];
  readonly ourName: string;
  readonly positional: readonly string[];
  readonly outputs: readonly string[] | undefined;
}

interface Parameter {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: ArgumentType | undefined;
  readonly required: boolean;
  readonly positional: boolean;
  readonly keywordOnly: boolean;
  readonly variadic: boolean;
  readonly defaultsToNone: boolean;
}

const argumentTypes = {
  Tensor: isTensor,
  int: (value: unknown) => typeof value === 'bigint' || Number.isInteger(value),
  list: Array.isArray,
  bool: (value: unknown) => typeof value === 'boolean',
  dtype: (value: unknown) => value instanceof DTypeName,
  Scalar: (value: unknown) =>
    ['number', 'boolean', 'bigint'].includes(typeof value) || value instanceof FloatScalar || isTensor(value),
} satisfies Record<string, (value: unknown) => boolean>;

type ArgumentType = keyof typeof argumentTypes;

/** Accepted by PyTorch and without meaning for the values: never handed on. */
const ignoredKeywords = new Set([
  'inplace',
  'out',
  'memory_format',
  'layout',
  'pin_memory',
  'device',
  'implicit',
  '_stacklevel',
  'foreach',
  'fused',
  'capturable',
  'differentiable',
]);

/** NumPy's spellings, which PyTorch takes as well. */
const numpyNames: Readonly<Record<string, readonly string[]>> = {
  dim: ['axis'],
  dims: ['axes'],
  keepdim: ['keepdims'],
  input: ['self', 'x', 'a', 'x1', 'tensor'],
  other: ['x2'],
};

export function parseSignature(line: string): Signature {
  const match = /^([\w.]+)\(([^)]*)\)(?:\s*=>\s*([\w.]+)\(([^)]*)\))?(?:\s*->\s*(.+))?$/.exec(line);
  if (match === null) throw new SyntaxError(`not a signature: ${line}`);
  const [, torchName = '', list = '', ourName, order, outputs] = match;
  let keywordOnly = false;
  const parameters: Parameter[] = [];
  for (const word of split(list)) {
    if (word === '*') keywordOnly = true;
    else parameters.push(parseParameter(word, keywordOnly));
  }
  return {
    torchName,
    parameters,
    ourName: ourName ?? torchName,
    positional:
      order === undefined ? parameters.filter((p) => p.positional).map((p) => p.name) : split(order),
    outputs: outputs === undefined ? undefined : split(outputs),
  };
}

function parseParameter(word: string, keywordOnly: boolean): Parameter {
  const match = /^(\.\.\.)?([\w|]+)(\?)?(?::\s*(\w+))?(?:=(.+))?$/.exec(word);
  if (match === null) throw new SyntaxError(`not a parameter: ${word}`);
  const [, dots, names = '', mark, type, fallback] = match;
  if (type !== undefined && !(type in argumentTypes))
    throw new SyntaxError(`unknown type ${type} in ${word}`);
  const [name = '', ...aliases] = names.split('|');
  return {
    name,
    aliases: [...aliases, ...(numpyNames[name] ?? [])],
    // Checked against the table just above.
    type: type as ArgumentType | undefined,
    required: mark === undefined && fallback === undefined && dots === undefined,
    positional: fallback === undefined,
    keywordOnly,
    variadic: dots !== undefined,
    defaultsToNone: mark !== undefined || fallback === 'None',
  };
}

function split(list: string): string[] {
  return list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Arguments by PyTorch's names, or the reason why they do not fit the signature. */
export function bind(
  signature: Signature,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): Map<string, unknown> | string {
  const bound = new Map<string, unknown>();
  const inOrder = signature.parameters.filter((p) => !p.keywordOnly);
  let next = 0;
  for (const parameter of inOrder) {
    if (parameter.variadic) {
      bound.set(parameter.name, args.slice(next));
      next = args.length;
    } else if (next < args.length) {
      bound.set(parameter.name, args[next++]);
    }
  }
  if (next < args.length) return `takes ${inOrder.length} positional arguments, not ${args.length}`;

  for (const [key, value] of Object.entries(kwargs)) {
    const parameter = signature.parameters.find((p) => p.name === key || p.aliases.includes(key));
    if (parameter === undefined) {
      if (ignoredKeywords.has(key)) continue;
      return `has no parameter ${key}`;
    }
    if (bound.has(parameter.name) && !parameter.variadic) return `got ${parameter.name} twice`;
    bound.set(parameter.name, value);
  }

  for (const parameter of signature.parameters) {
    if (!bound.has(parameter.name)) {
      if (parameter.required) return `misses ${parameter.name}`;
      continue;
    }
    const value = bound.get(parameter.name);
    if (value === null && parameter.defaultsToNone) bound.delete(parameter.name);
    else if (!fits(parameter, value)) return `${parameter.name} is not a ${parameter.type}`;
    else if (ignoredKeywords.has(parameter.name)) bound.delete(parameter.name);
  }
  return bound;
}

function fits({ type, variadic }: Parameter, value: unknown): boolean {
  if (type === undefined) return true;
  const test = argumentTypes[type];
  return variadic && Array.isArray(value) ? value.every((item) => test(item)) : test(value);
}
