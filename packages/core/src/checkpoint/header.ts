import { byteLengthOf, type DType } from '../dtype.ts';
import { showShape } from '../errors.ts';
import { MAX_RANK } from '../shape.ts';
import {
  countElements,
  FORMAT_DTYPES,
  type Header,
  isFormatDType,
  METADATA,
  quoted,
  refusal,
  type StoredTensor,
} from './format.ts';
import { Scanner } from './scanner.ts';

/**
 * Reads a header's text: `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}`, and
 * `__metadata__` with strings.
 *
 * @throws {CheckpointError} it is anything else, or a tensor's shape, dtype and bytes do not agree.
 */
export function parseHeader(text: string, label: string): Header {
  if (text[0] !== '{') throw refusal(label, 'the header must begin with {; is this a safetensors file?');
  const scanner = new Scanner(text, label);
  const tensors: StoredTensor[] = [];
  // Without a prototype, so that a name such as `__proto__` is one like any other.
  const metadata: Record<string, string> = Object.create(null);
  scanner.object('the header', (name) => {
    if (name === METADATA)
      scanner.object(METADATA, (key) => (metadata[key] = scanner.string(`${METADATA} ${quoted(key)}`)));
    else tensors.push(parseTensor(scanner, name, label));
  });
  scanner.end();
  return { tensors, metadata };
}

function parseTensor(scanner: Scanner, name: string, label: string): StoredTensor {
  const of = `tensor ${quoted(name)}`;
  let dtypeName: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.object(of, (field) => {
    if (field === 'dtype') dtypeName = scanner.string(`dtype of ${of}`);
    else if (field === 'shape') shape = scanner.integers(`shape of ${of}`);
    else if (field === 'data_offsets') offsets = scanner.integers(`data_offsets of ${of}`);
    else throw scanner.fail(`${of} has an unknown field ${quoted(field)}`);
  });
  if (dtypeName === undefined || shape === undefined || offsets === undefined) {
    throw scanner.fail(`${of} needs dtype, shape and data_offsets`);
  }
  if (!isFormatDType(dtypeName)) {
    const known = Object.keys(FORMAT_DTYPES).join(', ');
    throw refusal(
      label,
      `${of} has dtype ${quoted(dtypeName)}, which is not supported; supported are ${known}`,
    );
  }
  const dtype = FORMAT_DTYPES[dtypeName];
  const [start, end] = offsets;
  if (offsets.length !== 2 || start === undefined || end === undefined || start > end) {
    throw refusal(label, `${of}: data_offsets must be [start, end], got ${showShape(offsets.slice(0, 8))}`);
  }
  checkSize(name, dtype, shape, end - start, label);
  return { name, dtype, shape, start, end };
}

function checkSize(
  name: string,
  dtype: DType,
  shape: readonly number[],
  byteLength: number,
  label: string,
): void {
  if (shape.length > MAX_RANK) {
    throw refusal(label, `tensor ${quoted(name)} has ${shape.length} dimensions; ${MAX_RANK} is the most`);
  }
  const count = countElements(shape, dtype);
  if (count === undefined) {
    throw refusal(
      label,
      `tensor ${quoted(name)}: ${showShape(shape)} of ${dtype} has more bytes than can be counted`,
    );
  }
  if (count * byteLengthOf(dtype) !== byteLength) {
    throw refusal(
      label,
      `tensor ${quoted(name)}: ${showShape(shape)} of ${dtype} takes ${count * byteLengthOf(dtype)} bytes, but its data_offsets span ${byteLength}`,
    );
  }
}

/**
 * The tensors in the order of their bytes.
 *
 * @throws {CheckpointError} bytes belong to two tensors or to none.
 */
export function inDataOrder(tensors: readonly StoredTensor[], label: string): StoredTensor[] {
  const ordered = [...tensors].sort((a, b) => a.start - b.start || a.end - b.end);
  let reached = 0;
  for (const { name, start, end } of ordered) {
    if (start !== reached) {
      const what =
        start < reached ? 'overlaps the tensor before it' : `leaves bytes ${reached}..${start} unused`;
      throw refusal(label, `tensor ${quoted(name)}, bytes ${start}..${end} of the data, ${what}`);
    }
    reached = end;
  }
  return ordered;
}

/** Where the last tensor ends, for tensors in the order of their bytes. */
export const dataByteLength = (ordered: readonly StoredTensor[]): number => ordered.at(-1)?.end ?? 0;
