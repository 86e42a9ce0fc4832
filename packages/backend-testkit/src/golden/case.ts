/** The files of reference cases, as JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonRecord = { readonly [key: string]: Json };

export interface OperatorFile {
  readonly op: string;
  readonly variant: string;
  readonly cases: readonly OperatorCase[];
}

export interface OperatorCase {
  readonly args: readonly Json[];
  readonly kwargs: JsonRecord;
  readonly dtype: string;
  readonly out: Json;
  readonly cotangents?: readonly Json[];
  readonly grads?: readonly Json[];
}

export interface ModuleFile {
  readonly module: string;
  readonly cases: readonly ModuleCase[];
}

export interface ModuleCase {
  readonly ctor: { readonly args: readonly Json[]; readonly kwargs: JsonRecord };
  readonly training: boolean;
  readonly dtype?: string;
  readonly state: JsonRecord;
  readonly args: readonly Json[];
  readonly kwargs: JsonRecord;
  readonly out: Json;
  readonly cotangents: readonly Json[];
  readonly inputGrads: readonly Json[];
  readonly paramGrads: JsonRecord;
  readonly stateAfter: JsonRecord;
}

export interface OptimiserFile {
  readonly optimizer: string;
  readonly objective: string;
  readonly cases: readonly OptimiserCase[];
}

export interface OptimiserCase {
  readonly desc?: string;
  readonly kwargs: JsonRecord;
  readonly params: readonly Json[];
  readonly targets: readonly Json[];
  readonly steps: readonly { readonly loss: number; readonly params: readonly Json[] }[];
}

export interface SchedulerFile {
  readonly lr0: number;
  readonly momentum0: number;
  readonly schedulers: { readonly [name: string]: readonly SchedulerCase[] };
}

export interface SchedulerCase {
  readonly kwargs: JsonRecord;
  readonly lr: readonly number[];
  /** Absent where the scheduler leaves it alone. */
  readonly momentum?: readonly number[];
  readonly metrics?: readonly number[];
}

export interface ProgramFile {
  readonly programs: true;
  readonly cases: readonly ProgramCase[];
}

/** Calls of methods one after the other, each on the tensors that leaves and calls before it have made. */
export interface ProgramCase {
  readonly dtype: string;
  readonly steps: readonly (ProgramLeaf | ProgramCall)[];
  /** All tensors in the end. */
  readonly values: readonly Json[];
  /** Which of them the loss is made of. */
  readonly joined: readonly number[];
  /** Of the leaves that require one. */
  readonly grads: readonly Json[];
}

export interface ProgramLeaf {
  readonly leaf: JsonRecord;
}

export interface ProgramCall {
  readonly call: string;
  readonly on: number;
  /** A tensor is given as `{ of: index }`. */
  readonly args: readonly Json[];
  readonly noGrad?: boolean;
}

export type CaseFile =
  | { readonly kind: 'operator'; readonly content: OperatorFile }
  | { readonly kind: 'module'; readonly content: ModuleFile }
  | { readonly kind: 'optimiser'; readonly content: OptimiserFile }
  | { readonly kind: 'schedulers'; readonly content: SchedulerFile }
  | { readonly kind: 'program'; readonly content: ProgramFile };

/** A string, or a number with a point and only zeros behind it. */
const stringOrWholeFloat = /"(?:[^"\\]|\\.)*"|-?\b\d+\.0+(?=\s*[,\]}])/g;

/**
 * Reads a file of cases and tells its kind by what it holds.
 *
 * Python's `2.0` becomes `{"$": "float", "v": 2}`, since `JSON.parse` makes it an integer.
 *
 * @throws {SyntaxError} The text is no JSON, or holds no cases.
 */
export function parseCases(text: string): CaseFile {
  // The format is the generator's; each runner checks the values that it decodes.
  const content = JSON.parse(
    text.replace(stringOrWholeFloat, (token) =>
      token.startsWith('"') ? token : `{"$":"float","v":${Number(token)}}`,
    ),
  ) as JsonRecord;
  if (Array.isArray(content.cases)) {
    // Its calls take Python's floats and integers alike.
    if (content.programs === true) return { kind: 'program', content: JSON.parse(text) as ProgramFile };
    if (typeof content.op === 'string')
      return { kind: 'operator', content: content as unknown as OperatorFile };
    if (typeof content.module === 'string')
      return { kind: 'module', content: content as unknown as ModuleFile };
    if (typeof content.optimizer === 'string') {
      return { kind: 'optimiser', content: content as unknown as OptimiserFile };
    }
  }
  if (typeof content.schedulers === 'object') {
    return { kind: 'schedulers', content: JSON.parse(text) as SchedulerFile };
  }
  throw new SyntaxError(
    'not a file of reference cases: neither op, module, optimizer, schedulers nor programs',
  );
}

/** The tensors of a value in the order met, without decoding them. */
export function* tensorsOf(value: Json): Generator<JsonRecord> {
  if (Array.isArray(value)) {
    for (const item of value) yield* tensorsOf(item);
  } else if (typeof value === 'object' && value !== null) {
    const record = value as JsonRecord;
    if (record.$ === 'tensor') yield record;
    else if (record.$ === undefined) for (const item of Object.values(record)) yield* tensorsOf(item);
  }
}

export function isFloating(dtype: string): boolean {
  return dtype.startsWith('float') || dtype === 'bfloat16';
}

export function isInteger(dtype: string): boolean {
  return /^u?int\d+$/.test(dtype);
}
