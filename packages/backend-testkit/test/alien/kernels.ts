import {
  type Allocation,
  BackendError,
  type DType,
  type Kernels,
  type Operand,
  type Parameters,
  type Update,
  type UpdateRow,
} from '@flambeau/core/backend';
import * as compute from './compute.ts';
import type { Memory } from './memory.ts';
import {
  checkAliasing,
  checkDense,
  checkDistinct,
  checkDType,
  checkOperand,
  checkProgram,
  checkShape,
} from './validate.ts';

/**
 * The eight kernels, and that of updates: each checks what it is given at the call, and enqueues the work with everything
 * copied.
 */
export function kernels(
  memory: Memory,
  dtypes: readonly DType[],
  launch: (work: () => void) => void,
): Kernels {
  const check = (op: string, name: string, shape: readonly number[], operand: Operand): void =>
    checkOperand(op, name, memory, shape, operand, dtypes);
  const checkInputs = (op: string, shape: readonly number[], inputs: readonly Operand[]): void => {
    for (const [k, input] of inputs.entries()) check(op, `input ${k}`, shape, input);
  };
  const reach = (operand: Operand): compute.Reached =>
    compute.reached(operand, memory.elements(operand.allocation, operand.dtype));

  /** Everything that core promises of the rows of an update. */
  const checkRows = (update: Update, rows: readonly UpdateRow[], parameters: Parameters): void => {
    const { operands: expected, locals, steps, written } = update;
    const slots = [...expected, ...locals].map((dtype) => ({ dtype }));
    for (const { target, program } of steps) {
      checkProgram('update', program, slots, parameters);
      checkDType('update', 'the result of a step', program.output, [slots[target]!.dtype]);
      if (target < expected.length && !written.includes(target))
        throw new BackendError(`alien: update: operand ${target} is overwritten, and not said to be`);
    }
    const seen = new Set<Allocation>();
    for (const { length, operands } of rows) {
      checkShape('update', [length]);
      if (operands.length !== expected.length)
        throw new BackendError(
          `alien: update: a row of ${operands.length} operands, and not ${expected.length}`,
        );
      for (const [k, operand] of operands.entries()) {
        checkDType('update', `operand ${k}`, operand.dtype, [expected[k]!]);
        check('update', `operand ${k}`, [length], operand);
        checkDense('update', `operand ${k}`, [length], operand);
        if (seen.has(operand.allocation))
          throw new BackendError('alien: update: an allocation comes twice in one call');
        seen.add(operand.allocation);
      }
    }
  };

  return {
    update: {
      run(update, rows, parameters) {
        checkRows(update, rows, parameters);
        const given = copied({ rows, parameters });
        launch(() => {
          for (const { length, operands } of given.rows)
            compute.update(update, length, operands.map(reach), given.parameters);
        });
      },
    },

    pointwise(program, shape, output, inputs, parameters) {
      checkShape('pointwise', shape);
      checkProgram('pointwise', program, inputs, parameters);
      checkDType('pointwise', 'output', output.dtype, [program.output]);
      check('pointwise', 'output', shape, output);
      checkDistinct('pointwise', 'output', shape, output);
      checkInputs('pointwise', shape, inputs);
      checkAliasing(
        'pointwise',
        { shape, operand: output },
        inputs.map((operand) => ({ shape, operand })),
        true,
      );
      const given = copied({ shape, output, inputs, parameters });
      launch(() =>
        compute.pointwise(
          program,
          given.shape,
          reach(given.output),
          given.inputs.map(reach),
          given.parameters,
        ),
      );
    },

    reduce(reduction, shape, keptRank, output, inputs, parameters) {
      const { pre, post, combiner } = reduction;
      checkShape('reduce', shape, 1);
      if (!(keptRank >= 0 && keptRank < shape.length))
        throw new BackendError(`alien: reduce: keeps ${keptRank} of ${shape.length} dimensions`);
      checkProgram('reduce', pre, inputs, parameters);
      checkDType('reduce', 'the input of post', pre.output, post.inputs);
      if (combiner === 'any' || combiner === 'all')
        checkDType('reduce', 'the accumulator', pre.output, ['bool']);
      checkDType('reduce', 'output', output.dtype, [post.output]);
      const kept = shape.slice(0, keptRank);
      check('reduce', 'output', kept, output);
      checkDense('reduce', 'output', kept, output);
      checkInputs('reduce', shape, inputs);
      checkAliasing(
        'reduce',
        { shape: kept, operand: output },
        inputs.map((operand) => ({ shape, operand })),
        false,
      );
      const given = copied({ shape, output, inputs, parameters });
      launch(() =>
        compute.reduce(
          reduction,
          given.shape,
          keptRank,
          reach(given.output),
          given.inputs.map(reach),
          given.parameters,
        ),
      );
    },

    argReduce(mode, shape, output, input) {
      checkShape('argReduce', shape, 1);
      checkDType('argReduce', 'output', output.dtype, ['int32']);
      const kept = shape.slice(0, -1);
      check('argReduce', 'output', kept, output);
      checkDense('argReduce', 'output', kept, output);
      check('argReduce', 'input', shape, input);
      checkAliasing('argReduce', { shape: kept, operand: output }, [{ shape, operand: input }], false);
      const given = copied({ shape, output, input });
      launch(() => compute.argReduce(mode, given.shape, reach(given.output), reach(given.input)));
    },

    scan(combiner, shape, output, input, reverse) {
      checkShape('scan', shape, 1);
      checkDType('scan', 'output', output.dtype, [input.dtype]);
      check('scan', 'output', shape, output);
      checkDense('scan', 'output', shape, output);
      check('scan', 'input', shape, input);
      checkAliasing('scan', { shape, operand: output }, [{ shape, operand: input }], false);
      const given = copied({ shape, output, input });
      launch(() => compute.scan(combiner, given.shape, reach(given.output), reach(given.input), reverse));
    },

    matmul(size, output, a, b) {
      const { batch, m, k, n } = size;
      const shapes = { output: [...batch, m, n], a: [...batch, m, k], b: [...batch, k, n] };
      checkShape('matmul', [...batch, m, k, n].slice(-8));
      checkShape('matmul', shapes.output, 2);
      checkDType(
        'matmul',
        'a',
        a.dtype,
        dtypes.filter((dtype) => dtype !== 'bool'),
      );
      checkDType('matmul', 'b', b.dtype, [a.dtype]);
      checkDType('matmul', 'output', output.dtype, [a.dtype]);
      check('matmul', 'output', shapes.output, output);
      checkDense('matmul', 'output', shapes.output, output);
      check('matmul', 'a', shapes.a, a);
      check('matmul', 'b', shapes.b, b);
      const inputs = [
        { shape: shapes.a, operand: a },
        { shape: shapes.b, operand: b },
      ];
      checkAliasing('matmul', { shape: shapes.output, operand: output }, inputs, false);
      const given = copied({ size: { batch: batch.slice(), m, k, n }, output, a, b });
      launch(() => compute.matmul(given.size, reach(given.output), reach(given.a), reach(given.b)));
    },

    gather(shape, inputLength, output, input, index) {
      checkShape('gather', shape, 1);
      checkDType('gather', 'output', output.dtype, [input.dtype]);
      checkDType('gather', 'index', index.dtype, ['int32', 'int64']);
      check('gather', 'output', shape, output);
      checkDense('gather', 'output', shape, output);
      check('gather', 'index', shape, index);
      const inputShape = [...shape.slice(0, -1), inputLength];
      if (inputLength > 0) check('gather', 'input', inputShape, input);
      const inputs = [
        { shape: inputShape, operand: input },
        { shape, operand: index },
      ];
      checkAliasing('gather', { shape, operand: output }, inputs, false);
      const given = copied({ shape, output, input, index });
      launch(() =>
        compute.gather(given.shape, inputLength, reach(given.output), reach(given.input), reach(given.index)),
      );
    },

    scatter(mode, shape, outputLength, output, source, index) {
      checkShape('scatter', shape, 1);
      checkDType('scatter', 'source', source.dtype, [output.dtype]);
      checkDType('scatter', 'index', index.dtype, ['int32', 'int64']);
      const outputShape = [...shape.slice(0, -1), outputLength];
      if (outputLength > 0) {
        check('scatter', 'output', outputShape, output);
        checkDistinct('scatter', 'output', outputShape, output);
      }
      check('scatter', 'source', shape, source);
      check('scatter', 'index', shape, index);
      const inputs = [
        { shape, operand: source },
        { shape, operand: index },
      ];
      checkAliasing('scatter', { shape: outputShape, operand: output }, inputs, false);
      const given = copied({ shape, output, source, index });
      launch(() =>
        compute.scatter(
          mode,
          given.shape,
          outputLength,
          reach(given.output),
          reach(given.source),
          reach(given.index),
        ),
      );
    },

    sort(shape, values, indices, input, descending) {
      checkShape('sort', shape, 1);
      checkDType('sort', 'values', values.dtype, [input.dtype]);
      checkDType('sort', 'indices', indices.dtype, ['int32']);
      for (const [name, output] of Object.entries({ values, indices })) {
        check('sort', name, shape, output);
        checkDense('sort', name, shape, output);
      }
      check('sort', 'input', shape, input);
      checkAliasing(
        'sort',
        { shape, operand: values },
        [
          { shape, operand: input },
          { shape, operand: indices },
        ],
        false,
      );
      checkAliasing('sort', { shape, operand: indices }, [{ shape, operand: input }], false);
      const given = copied({ shape, values, indices, input });
      launch(() =>
        compute.sort(given.shape, reach(given.values), reach(given.indices), reach(given.input), descending),
      );
    },
  };
}

/** What the queue works with later: core may use its arrays for something else by then. Handles stay the same. */
function copied<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => copied(item)) as T;
  if (typeof value !== 'object' || value === null || isHandle(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item)])) as T;
}

const isHandle = (value: object): value is Allocation => Object.isFrozen(value) && 'byteLength' in value;
