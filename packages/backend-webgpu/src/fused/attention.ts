import {
  collapse,
  contiguousStrides,
  DTYPES,
  type DType,
  type FusedKernel,
  isFloating,
  type OptionalKernels,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { padded, shaderRank } from '../elements/operands.ts';
import { dtypeAt, shadersBy, shaderTable } from '../elements/shaders.ts';
import { packWords } from '../elements/uniforms.ts';
import type { Queue, Shader } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { floatBits } from '../wgsl/literal.ts';
import { type AttentionForm, codeOf, MOST_FEATURES, maskKind, takesMask } from './attention-form.ts';
import { type Matrices, met } from './attention-operands.ts';
import { forwardShader, keyValueShader, queryShader } from './attention-shaders.ts';
import type { NamedShader } from './attention-text.ts';
import { launchRows, type Operands, rowShader } from './rows.ts';

type Attrs = Readonly<Record<string, unknown>>;

/** Rows of `width` numbers that lie in order, `shape` many. */
function inOrder(operand: TensorOperand, shape: readonly number[], width: number): Matrices {
  const strides = contiguousStrides(shape).map((stride) => stride * width);
  return { operand, around: strides.slice(0, -1), row: strides.at(-1)!, step: 1 };
}

/** Whether rows can be read in aligned vec4s. */
const isAligned = ({ operand, around, row, step }: Matrices): boolean =>
  operand.dtype === 'float32' &&
  step === 1 &&
  [operand.shape.at(-1)!, operand.offset, row, ...around].every((n) => n % 4 === 0);

type Shaders = (form: AttentionForm) => NamedShader;
const tableOf = (make: Shaders): Shaders => shadersBy(codeOf, make);

/** A launch: what its shader reads and writes by name, and where matrices lie. */
interface Launch {
  readonly form: Omit<AttentionForm, 'rank'>;
  readonly matrices: Readonly<Record<string, Matrices | undefined>>;
  readonly batch: readonly number[];
  /** Dimensions of the batch that an invocation goes over. */
  readonly repeated: readonly boolean[];
  readonly queries: number;
  readonly keys: number;
  /** Rows that invocations hold, one each. */
  readonly held: number;
  readonly scale: number;
}

function launch(queue: Queue, shaders: Shaders, given: Launch): void {
  const { batch, queries, keys, held, scale } = given;
  const entries = Object.entries(given.matrices).flatMap(([name, list]) => (list ? [{ name, ...list }] : []));
  const loops = (repeated: boolean) => {
    const chosen = <T>(list: readonly T[]): T[] => list.filter((_, dim) => given.repeated[dim] === repeated);
    return collapse(
      chosen(batch),
      entries.map(({ around }) => chosen(around)),
    );
  };
  const [nest, repeats] = [loops(false), loops(true)];
  const rank = shaderRank(nest.shape.length);
  const shader = shaders({ ...given.form, rank });
  const matrices = sizeOf(nest.shape);
  const words = [
    matrices,
    queries,
    keys,
    floatBits(scale),
    sizeOf(repeats.shape),
    ...padded(nest.shape, rank, 1),
  ];
  const buffers = shader.operands.map((name) => {
    const k = entries.findIndex((entry) => entry.name === name);
    const { operand, row, step } = entries[k]!;
    words.push(operand.offset, ...padded(nest.strides[k]!, rank, 0), row, step, repeats.strides[k]![0] ?? 0);
    return own(operand);
  });
  const groups = Math.ceil(held / shader.workgroupSize[0]) * matrices;
  queue.dispatch(shader, buffers, packWords(shader.words, words), spread(groups, 1));
}

/** For each query what its weights and their gradient are relative to: its log-sum-exp, and the sum of `dy · y`. */
const levelsShader = (dtype: DType, rank: number): Shader =>
  rowShader({
    key: `attentionLevels ${dtype}`,
    rank,
    // A row is short: an invocation takes one alone.
    software: true,
    operands: [
      { name: 'dy', access: 'read', dtype },
      { name: 'y', access: 'read', dtype },
      { name: 'logsumexp', access: 'read', dtype: 'float32' },
      { name: 'levels', access: 'read_write', dtype: 'float32' },
    ],
    body: (text) => `${text.sum('own', `${text.load('dy')} * ${text.load('y')}`)}
  let level = ${text.loadAt('logsumexp', 'logsumexp_at')};
  // A query that may see nothing gets weights of 0.
  let seen = bitcast<u32>(level) != 0xff800000u;
  ${text.once(`{ ${text.storeAt('levels', 'levels_at', 'select(3.4e38f, level, seen)')} }
    { ${text.storeAt('levels', 'levels_at + 1u', 'own')} }`)}`,
  });

/** Fewer queries leave most invocations of a workgroup idle. */
const FEWEST_QUERIES = 16;
/** Numbers of rows and sums that an invocation's registers hold in a pass of the gradient. */
const MOST_HELD = 192;
/** Features of a key and a value up to which one pass gives the gradients of both. */
const MOST_TOGETHER = 64;

/**
 * Attention and its gradient on GPUs, without ever holding the scores of all pairs. They take floats of one dtype, any
 * strides, and a mask of truths or of that dtype. The parts do 15 queries and fewer, features past 128 (in the gradient, past
 * 192 of a key twice and a value once), and gradients of queries that share more than heads of keys and values.
 */
export function attentionKernels(queue: Queue): OptionalKernels {
  const forward = tableOf((form) => forwardShader(form));
  const ofQueries = tableOf((form) => queryShader(form));
  const ofBoth = tableOf((form) => keyValueShader(form, { dkey: true, dvalue: true }));
  const ofKeys = tableOf((form) => keyValueShader(form, { dkey: true, dvalue: false }));
  const ofValues = tableOf((form) => keyValueShader(form, { dkey: false, dvalue: true }));
  const levelsOf = shaderTable((code) => levelsShader(dtypeAt(code >> 4), code & 15));

  const takes = ({ query, key, value, attnMask, dy, y }: Operands): boolean => {
    const { dtype } = query!;
    const factors = [query!, key!, value!, dy, y].filter((x) => x !== undefined);
    return (
      isFloating(dtype) &&
      factors.every((x) => x.dtype === dtype && sizeOf(x.shape) > 0 && x.shape.at(-1)! <= MOST_FEATURES) &&
      query!.shape.at(-2)! >= FEWEST_QUERIES &&
      takesMask(attnMask, dtype)
    );
  };

  /** What all launches of a call share. */
  const shared = (inputs: Operands, attrs: Attrs, batch: readonly number[]) => {
    const { query, key, value, attnMask, dy } = inputs;
    const read = { query: met(query!, batch), key: met(key!, batch), value: met(value!, batch) };
    const gradient = dy && met(dy, batch);
    return {
      read: { ...read, mask: attnMask && met(attnMask, batch), ...(gradient && { dy: gradient }) },
      form: {
        dtype: query!.dtype,
        features: query!.shape.at(-1)!,
        valueFeatures: value!.shape.at(-1)!,
        mask: maskKind(inputs, attrs),
        vector: [...Object.values(read), ...(gradient ? [gradient] : [])].every(isAligned),
      },
      batch,
      queries: query!.shape.at(-2)!,
      keys: key!.shape.at(-2)!,
      // Core declares the operator: it gives a number.
      scale: attrs.scale as number,
    };
  };

  const attention: FusedKernel = {
    when: takes,
    run({ y, logsumexp }, inputs, attrs) {
      const batch = y!.shape.slice(0, -2);
      const { read, ...rest } = shared(inputs, attrs, batch);
      launch(queue, forward, {
        ...rest,
        matrices: { ...read, y: met(y!, batch), logsumexp: inOrder(logsumexp!, logsumexp!.shape, 1) },
        repeated: batch.map(() => false),
        held: rest.queries,
      });
    },
  };

  const backward: FusedKernel = {
    when: (inputs) => {
      const [features, valueFeatures] = [inputs.key!.shape.at(-1)!, inputs.value!.shape.at(-1)!];
      return takes(inputs) && 2 * features + valueFeatures <= MOST_HELD && repeatsOf(inputs) !== null;
    },
    run({ dquery, dkey, dvalue }, inputs, attrs) {
      const { dy, y, logsumexp } = inputs;
      const batch = dy!.shape.slice(0, -2);
      const { read, ...rest } = shared(inputs, attrs, batch);
      const rows = logsumexp!.shape;
      const levels = { ...logsumexp!, offset: 0, allocation: queue.workspace(sizeOf(rows) * 8) };
      const around = ({ operand, around, row, step }: Matrices) => ({
        operand,
        strides: [...around, row],
        step,
      });
      const [places, pairs] = [inOrder(logsumexp!, rows, 1), inOrder(levels, rows, 2)];
      launchRows(
        queue,
        levelsOf(DTYPES[dy!.dtype].index * 16 + shaderRank(rows.length)),
        rows,
        dy!.shape.at(-1)!,
        [
          around(read.dy!),
          around(met(y!, batch)),
          { ...around(places), step: 0 },
          { ...around(pairs), step: 0 },
        ],
      );
      const matrices = { ...read, levels: pairs };
      launch(queue, ofQueries, {
        ...rest,
        matrices: { ...matrices, dquery: met(dquery!, batch) },
        repeated: batch.map(() => false),
        held: rest.queries,
      });
      // `when` has seen that they repeat in one loop.
      const repeated = repeatsOf(inputs)!;
      const sums = { dkey: met(dkey!, batch), dvalue: met(dvalue!, batch) };
      const { features, valueFeatures } = rest.form;
      const together = features + valueFeatures <= MOST_TOGETHER;
      for (const shaders of together ? [ofBoth] : [ofKeys, ofValues])
        launch(queue, shaders, { ...rest, matrices: { ...matrices, ...sums }, repeated, held: rest.keys });
      queue.release(own(levels));
    },
  };
  return { scaledDotProductAttention: attention, scaledDotProductAttentionBackward: backward };
}

/**
 * The dimensions of the batch along which queries share keys and values. Null where queries themselves repeat, or where
 * these dimensions are more than one loop.
 */
function repeatsOf({ query, key, value, attnMask, dy }: Operands): readonly boolean[] | null {
  const batch = dy!.shape.slice(0, -2);
  const sizes = ({ shape }: TensorOperand): number[] => {
    const apart = batch.length + 2 - shape.length;
    return batch.map((_, dim) => (dim < apart ? 1 : shape[dim - apart]!));
  };
  const [own, keys, values] = [sizes(query!), sizes(key!), sizes(value!)];
  if (!batch.every((n, dim) => own[dim] === n && keys[dim] === values[dim])) return null;
  const repeated = batch.map((n, dim) => keys[dim] !== n);
  const chosen = (list: readonly number[]): number[] => list.filter((_, dim) => repeated[dim]);
  const around = [query!, dy!, ...(attnMask ? [attnMask] : [])].map((x) => chosen(met(x, batch).around));
  // Levels lie in order.
  around.push(chosen(contiguousStrides(batch)));
  return collapse(chosen(batch), around).shape.length > 1 ? null : repeated;
}
