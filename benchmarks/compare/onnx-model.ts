import type { OperatorName } from './cases.ts';

/** ONNX models of one operator, written as protocol buffers: the format is a handful of fields. */

type Bytes = readonly number[];

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
};

/** Field numbers come with the wire type: 0 a varint, 2 bytes after their length. */
const integer = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const message = (field: number, ...parts: readonly Bytes[]): Bytes => {
  const content = parts.flat();
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
};
const text = (field: number, value: string): Bytes => message(field, [...new TextEncoder().encode(value)]);

/** `TensorProto.DataType`. */
const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE = { integer: 2, string: 3, integers: 7 } as const;

/** `AttributeProto`: name 1, i 3, s 4, ints 8, type 20. */
function attribute(name: string, value: number | string | readonly number[]): Bytes {
  const stored =
    typeof value === 'number'
      ? [integer(3, value), integer(20, ATTRIBUTE.integer)]
      : typeof value === 'string'
        ? [text(4, value), integer(20, ATTRIBUTE.string)]
        : [...value.map((one) => integer(8, one)), integer(20, ATTRIBUTE.integers)];
  return message(5, text(1, name), ...stored);
}

/** `ValueInfoProto`: name 1, type 2 > tensor type 1 > element type 1, shape 2 > dimension 1 > size 1. */
const value = (field: number, name: string, shape: readonly number[], type = FLOAT): Bytes =>
  message(
    field,
    text(1, name),
    message(2, message(1, integer(1, type), message(2, ...shape.map((n) => message(1, integer(1, n)))))),
  );

interface Node {
  readonly type: string;
  readonly attributes: readonly Bytes[];
  /** Types of the second input and of the output. Default: float32. */
  readonly second?: typeof INT64;
  readonly result?: typeof INT64;
  readonly output: (...shapes: readonly (readonly number[])[]) => readonly number[];
}

const same = (shape: readonly number[]): readonly number[] => shape;

const NODES: Readonly<Partial<Record<OperatorName, Node>>> = {
  add: { type: 'Add', attributes: [], output: same },
  relu: { type: 'Relu', attributes: [], output: same },
  exp: { type: 'Exp', attributes: [], output: same },
  'gelu-tanh': { type: 'Gelu', attributes: [attribute('approximate', 'tanh')], output: same },
  sum: { type: 'ReduceSum', attributes: [attribute('keepdims', 0)], output: () => [] },
  matmul: {
    type: 'MatMul',
    attributes: [],
    output: ([m], [, n]) => [m!, n!],
  },
  conv3x3: {
    type: 'Conv',
    attributes: [attribute('pads', [1, 1, 1, 1])],
    output: ([batch, , height, width], [channels]) => [batch!, channels!, height!, width!],
  },
  argmax: {
    type: 'ArgMax',
    // Of two dimensions, as all of its cases are.
    attributes: [attribute('axis', 1), attribute('keepdims', 0)],
    result: INT64,
    output: (shape) => shape!.slice(0, -1),
  },
  embedding: {
    type: 'Gather',
    attributes: [],
    second: INT64,
    output: ([, width], indices) => [...indices!, width!],
  },
};

/** Whether one node with no constants beside its operands computes it. */
export const hasNode = (operator: OperatorName): boolean => NODES[operator] !== undefined;

/**
 * A model with inputs `x0`, `x1` and output `y`.
 *
 * @throws {RangeError} ONNX has no single node for the operator.
 */
export function operatorModel(operator: OperatorName, shapes: readonly (readonly number[])[]): Uint8Array {
  const node = NODES[operator];
  if (node === undefined) throw new RangeError(`there is no ONNX node for ${operator}`);
  const inputs = shapes.map((_, i) => `x${i}`);
  // `GraphProto`: node 1, name 2, input 11, output 12; `NodeProto`: input 1, output 2, type 4, attribute 5.
  const graph = message(
    7,
    message(1, ...inputs.map((name) => text(1, name)), text(2, 'y'), text(4, node.type), ...node.attributes),
    text(2, operator),
    ...shapes.map((shape, i) => value(11, inputs[i]!, shape, i === 1 ? node.second : FLOAT)),
    value(12, 'y', node.output(...shapes), node.result),
  );
  // `ModelProto`: version of the format 1, operator set 8 > version 2, graph 7.
  return Uint8Array.from([...integer(1, 9), ...message(8, integer(2, 20)), ...graph]);
}
