import { BackendError } from '@flambeau/core/backend';

/** The operators whose kernels can find a fault; their number is what a kernel writes into the first word. */
const OPERATORS = [
  '',
  'gather',
  'scatter',
  'div',
  'floorDivide',
  'fmod',
  'remainder',
  'crossEntropy',
] as const;

export type FaultingOperator = Exclude<(typeof OPERATORS)[number], ''>;

export const faultCode = (op: FaultingOperator): number => OPERATORS.indexOf(op);

/** How many int32 words a fault takes: the operator, an index and a size of two words each. */
export const FAULT_WORDS = 5;

/** The fault that a device left in its words, or undefined where there is none. */
export function faultOf(words: Int32Array): BackendError | undefined {
  const op = OPERATORS[words[0] ?? 0];
  if (op === undefined || op === '') return undefined;
  if (op !== 'gather' && op !== 'scatter' && op !== 'crossEntropy')
    return new BackendError(`${op}: integer division by zero`, { op });
  const wide = (at: number): bigint => (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]! >>> 0);
  const [index, size] = [wide(1), wide(3)];
  return new BackendError(`${op}: index ${index} is out of range for size ${size}`, {
    op,
    data: { index, size },
  });
}
