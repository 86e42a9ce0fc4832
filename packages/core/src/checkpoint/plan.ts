import { byteLengthOf } from '../dtype.ts';
import { ArgumentError, CheckpointError, checkOptions, describe } from '../errors.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import {
  FORMAT_DTYPES,
  type FormatDType,
  hasLoneSurrogate,
  MAX_HEADER_BYTES,
  METADATA,
  PREFIX_BYTES,
  quoted,
} from './format.ts';

/** Tensors by name, as `module.stateDict()` gives them. */
export type StateDict = Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;

export interface SaveOptions {
  /** Strings to keep along, e.g. `{ format: 'pt' }`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What is to be written: the header, and the tensors in the order of their bytes. */
export interface Plan {
  readonly op: string;
  readonly head: Uint8Array;
  readonly parts: readonly Part[];
  /** Of header and data. */
  readonly byteLength: number;
}

export interface Part {
  readonly name: string;
  readonly tensor: Tensor;
  readonly version: number;
  readonly byteLength: number;
}

/**
 * What is to be written, checked.
 *
 * @throws {CheckpointError} a dtype or name has no place in the format.
 */
export function planned(op: string, stateDict: StateDict, options: SaveOptions | undefined): Plan {
  checkOptions(op, options, ['metadata']);
  const header: string[] = [];
  if (options?.metadata !== undefined)
    header.push(`${JSON.stringify(METADATA)}:${metadataText(op, options.metadata)}`);
  const parts: Part[] = [];
  let at = 0;
  for (const [name, tensor] of inFormatOrder(entriesOf(op, stateDict))) {
    const byteLength = tensor.size * byteLengthOf(tensor.dtype);
    header.push(
      `${JSON.stringify(name)}:{"dtype":"${formatDType(op, name, tensor)}","shape":[${tensor.shape.join(',')}],"data_offsets":[${at},${at + byteLength}]}`,
    );
    parts.push({ name, tensor, version: tensor.storage.version, byteLength });
    at += byteLength;
  }
  const head = encodeHead(op, `{${header.join(',')}}`);
  return { op, head, parts, byteLength: head.byteLength + at };
}

function entriesOf(op: string, stateDict: StateDict): [string, Tensor][] {
  if (
    typeof stateDict !== 'object' ||
    stateDict === null ||
    isTensor(stateDict) ||
    Array.isArray(stateDict)
  ) {
    throw new ArgumentError(
      `${op}: the tensors come by name, as { weight: tensor } or a Map, got ${describe(stateDict)}`,
      { op },
    );
  }
  const entries: [string, unknown][] =
    Symbol.iterator in stateDict
      ? [...(stateDict as ReadonlyMap<string, unknown>)]
      : Object.entries(stateDict);
  for (const [name, tensor] of entries) {
    checkText(op, 'a name', name);
    if (name === METADATA)
      throw new CheckpointError(`${op}: no tensor can be called ${METADATA}; give strings as { metadata }`, {
        op,
      });
    if (!isTensor(tensor))
      throw new ArgumentError(`${op}: ${quoted(name)} must be a tensor, got ${describe(tensor)}`, { op });
    if (tensor.disposed) throw new CheckpointError(`${op}: tensor ${quoted(name)} was disposed`, { op });
  }
  return entries as [string, Tensor][];
}

function checkText(op: string, what: string, text: unknown): asserts text is string {
  if (typeof text !== 'string')
    throw new ArgumentError(`${op}: ${what} must be a string, got ${describe(text)}`, { op });
  if (hasLoneSurrogate(text))
    throw new CheckpointError(`${op}: ${what}, ${quoted(text)}, is no valid Unicode`, { op });
}

function metadataText(op: string, metadata: Readonly<Record<string, string>>): string {
  if (typeof metadata !== 'object' || metadata === null) {
    throw new ArgumentError(`${op}: metadata must be an object of strings, got ${describe(metadata)}`, {
      op,
    });
  }
  const members = Object.entries(metadata).map(([key, value]) => {
    checkText(op, 'a key of metadata', key);
    checkText(op, `metadata ${quoted(key)}`, value);
    return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  });
  return `{${members.join(',')}}`;
}

const FORMAT_NAMES = Object.keys(FORMAT_DTYPES) as FormatDType[];

function formatDType(op: string, name: string, tensor: Tensor): FormatDType {
  const found = FORMAT_NAMES.find((format) => FORMAT_DTYPES[format] === tensor.dtype);
  if (found !== undefined) return found;
  throw new CheckpointError(
    `${op}: tensor ${quoted(name)} is ${tensor.dtype}, which the format does not have; save its parts as floats`,
    { op },
  );
}

/** The reference writer's order: by dtype from the widest, then by the names' bytes. */
function inFormatOrder(entries: readonly [string, Tensor][]): [string, Tensor][] {
  const ranks = FORMAT_NAMES.map((format) => FORMAT_DTYPES[format]) as string[];
  const rankOf = (tensor: Tensor): number => ranks.indexOf(tensor.dtype);
  return [...entries].sort(([a, x], [b, y]) => rankOf(y) - rankOf(x) || compareCodePoints(a, b));
}

/** The order of the texts' UTF-8, which is that of their code points. */
function compareCodePoints(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}

function encodeHead(op: string, text: string): Uint8Array {
  const header = new TextEncoder().encode(text);
  const length = Math.ceil(header.byteLength / PREFIX_BYTES) * PREFIX_BYTES;
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      `${op}: the names take ${length} bytes; ${MAX_HEADER_BYTES} is the most that a header may have`,
      { op },
    );
  }
  const head = new Uint8Array(PREFIX_BYTES + length).fill(' '.charCodeAt(0));
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(header, PREFIX_BYTES);
  return head;
}
