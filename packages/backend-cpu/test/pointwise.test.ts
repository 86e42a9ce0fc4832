import type { BinaryIntrinsic, DType, Program, ScalarType, UnaryIntrinsic } from '@flambeau/core/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anyValue,
  apply,
  BACKEND_DTYPES,
  backends,
  bfloat16,
  box,
  COMPARISONS,
  dense,
  faultOf,
  float16,
  identity,
  indices,
  layoutOf,
  program,
  type Steps,
  seeded,
  shapeOf,
  sizeOf,
  smallValue,
  unbox,
  untouchedAround,
  type Value,
  valuesFor,
} from './support.ts';

const add = (dtype: DType): Program =>
  program([dtype, dtype], dtype, (s) => s.binary('add', s.input(0, dtype), s.input(1, dtype)));

const plus = (a: Value, b: Value): Value =>
  typeof a === 'boolean' ? a || Boolean(b) : typeof a === 'bigint' ? a + BigInt(b) : a + Number(b);

/** Programs that add two inputs, for the dtypes that hold small sums exactly. */
const SUMS = new Map(
  BACKEND_DTYPES.filter((d) => !d.endsWith('float16')).map((dtype) => [dtype, add(dtype)]),
);

describe.each(backends)('pointwise by %s', (_name, backend) => {
  it('walks any strides, and touches nothing else', () => {
    const cases = fc.constantFrom(...SUMS.keys()).chain((dtype) =>
      shapeOf(0, 5).chain((shape) =>
        fc.record({
          dtype: fc.constant(dtype),
          shape: fc.constant(shape),
          a: layoutOf(shape, true),
          b: layoutOf(shape, true),
          y: layoutOf(shape),
          values: valuesFor(smallValue(dtype), 2 * sizeOf(shape)),
        }),
      ),
    );
    fc.assert(
      fc.property(cases, ({ dtype, shape, a, b, y, values }) => {
        const size = sizeOf(shape);
        const x0 = box(backend, dtype, shape, values.slice(0, size), a);
        const x1 = box(backend, dtype, shape, values.slice(size), b);
        const output = box(backend, dtype, shape, null, y);
        const left = unbox(x0);
        const right = unbox(x1);
        backend.kernels.pointwise(SUMS.get(dtype)!, shape, output, [x0, x1], []);
        expect(unbox(output)).toEqual(left.map((v, i) => plus(v, right[i]!)));
        expect(untouchedAround(output)).toBe(true);
      }),
      seeded(300),
    );
  });

  it('takes rank 8', () => {
    const shape = [2, 1, 2, 3, 1, 2, 2, 2];
    const reversed = [...dense([...shape].reverse())].reverse();
    const values = Array.from({ length: sizeOf(shape) }, (_, i) => i);
    const x = box(backend, 'int32', shape, values, { offset: 1, strides: reversed });
    const y = box(backend, 'int32', shape, null);
    backend.kernels.pointwise(identity('int32'), shape, y, [x], []);
    expect(unbox(y)).toEqual(values);
  });

  it('repeats one element, fills, and copies long runs', () => {
    const n = 300;
    const row = Array.from({ length: n }, (_, i) => i / 2);
    const run = (p: Program, strides: readonly number[], parameters: readonly number[] = []): Value[] => {
      const inputs = strides.map((stride) =>
        box(backend, 'float32', [n], row, { offset: 0, strides: [stride] }),
      );
      const output = box(backend, 'float32', [n], null, { offset: 3, strides: [1] });
      backend.kernels.pointwise(p, [n], output, inputs, parameters);
      expect(untouchedAround(output)).toBe(true);
      return unbox(output);
    };
    const last = row[n - 1]!;
    const sum = add('float32');
    expect(run(sum, [1, 1])).toEqual(row.map((v) => v + v));
    expect(run(sum, [0, 1])).toEqual(row.map((v) => last + v));
    expect(run(sum, [1, 0])).toEqual(row.map((v) => v + last));
    expect(run(sum, [0, 0])).toEqual(row.map(() => last + last));
    expect(run(sum, [2, 1])).toEqual(row.map((v) => v + v));
    expect(run(identity('float32'), [1])).toEqual(row);
    expect(run(identity('float32'), [0])).toEqual(row.map(() => last));
    const fill = program([], 'float32', (s) => s.parameter(0, 'float32'), 1);
    expect(run(fill, [], [2.5])).toEqual(row.map(() => 2.5));
    expect(
      run(
        program([], 'float32', (s) => s.literal(-1, 'float32')),
        [],
      ),
    ).toEqual(row.map(() => -1));
  });

  it('hands on any of several inputs', () => {
    const n = 100;
    const row = Array.from({ length: n }, (_, i) => i);
    const second = program(['float32', 'float32'], 'float32', (s) => s.input(1, 'float32'));
    const inputs = [row, row.map((v) => -v - 1)].map((values) => box(backend, 'float32', [n], values));
    const output = box(backend, 'float32', [n], null);
    backend.kernels.pointwise(second, [n], output, inputs, []);
    expect(unbox(output)).toEqual(row.map((v) => -v - 1));
  });

  it('computes bytes for any count as it does one by one', () => {
    const wrapped = (dtype: DType, v: number): number => (dtype === 'uint8' ? v & 255 : (v << 24) >> 24);
    const operations: readonly [BinaryIntrinsic, (a: number, b: number) => number | boolean][] = [
      ['add', (a, b) => a + b],
      ['sub', (a, b) => a - b],
      ['mul', (a, b) => a * b],
      ['min', Math.min],
      ['max', Math.max],
      ['bitAnd', (a, b) => a & b],
      ['bitXor', (a, b) => a ^ b],
      ['eq', (a, b) => a === b],
      ['ne', (a, b) => a !== b],
      ['lt', (a, b) => a < b],
      ['le', (a, b) => a <= b],
      ['gt', (a, b) => a > b],
      ['ge', (a, b) => a >= b],
    ];
    for (const dtype of ['int8', 'uint8'] as const) {
      for (const [op, reference] of operations) {
        const p = program([dtype, dtype], COMPARISONS.has(op) ? 'bool' : dtype, (s) =>
          s.binary(op, s.input(0, dtype), s.input(1, dtype)),
        );
        for (const n of [15, 16, 83, 700]) {
          const a = Array.from({ length: n }, (_, i) => wrapped(dtype, i * 37));
          const b = Array.from({ length: n }, (_, i) => wrapped(dtype, i % 3 === 0 ? i * 37 : i * 101 + 7));
          const expected = a.map((x, i) => {
            const y = reference(x, b[i]!);
            return typeof y === 'number' ? wrapped(dtype, y) : y;
          });
          expect(apply(backend, p, [a, b])).toEqual(expected);
        }
      }
    }
  });

  it('computes bytes beside truths, literals, parameters and repeated elements', () => {
    const n = 100;
    const a = Array.from({ length: n }, (_, i) => ((i * 37) << 24) >> 24);
    const flags = a.map((_, i) => i % 3 === 1);
    const p = program(
      ['int8', 'bool', 'int8'],
      'uint8',
      (s) => {
        const x = s.input(0, 'int8');
        const chosen = s.binary('and', s.input(1, 'bool'), s.binary('gt', x, s.parameter(0, 'int8')));
        const sum = s.binary('add', s.unary('abs', x), s.cast(chosen, 'int8'));
        s.cast(s.select(chosen, sum, s.binary('sub', s.literal(-3, 'int8'), s.input(2, 'int8'))), 'uint8');
      },
      1,
    );
    const inputs = [
      box(backend, 'int8', [n], a),
      box(backend, 'bool', [n], flags),
      box(backend, 'int8', [n], new Array<Value>(n).fill(9), { offset: 0, strides: [0] }),
    ];
    const output = box(backend, 'uint8', [n], null);
    backend.kernels.pointwise(p, [n], output, inputs, [-50]);
    expect(unbox(output)).toEqual(
      a.map((x, i) => (flags[i] && x > -50 ? (Math.abs(x) + 1) & 255 : (-3 - 9) & 255)),
    );
  });

  it('reads and rounds every half at every place', () => {
    const n = 65536;
    const patterns = Array.from({ length: n }, (_, bits) => bits);
    for (const [dtype, reference] of [
      ['float16', float16],
      ['bfloat16', bfloat16],
    ] as const) {
      const numbers = patterns.map(reference);
      const widen = program([dtype], 'float32', (s) => s.cast(s.input(0, dtype), 'float32'));
      const narrow = program(['float32'], dtype, (s) => s.cast(s.input(0, 'float32'), dtype));
      expect(apply(backend, widen, [numbers])).toEqual(numbers);
      expect(apply(backend, narrow, [numbers])).toEqual(numbers);
      // Between two neighbours, from zero to where numbers end: to the even one.
      const last = patterns.findIndex((bits) => reference(bits) === Number.POSITIVE_INFINITY);
      const middles = patterns.slice(0, last - 1).map((bits) => (reference(bits) + reference(bits + 1)) / 2);
      const even = middles.map((_, bits) => reference(bits + (bits & 1)));
      expect(apply(backend, narrow, [middles])).toEqual(even);
    }
  });

  it('may write over an input', () => {
    for (const n of [4, 200]) {
      const values = Array.from({ length: n }, (_, i) => i);
      const x = box(backend, 'float32', [n], values);
      backend.kernels.pointwise(add('float32'), [n], x, [x, x], []);
      expect(unbox(x)).toEqual(values.map((v) => 2 * v));
    }
  });

  it('reads memory that was asked for as another dtype', () => {
    const x = box(backend, 'float32', [4], [1, -2, 0, 0.5]);
    const y = box(backend, 'int32', [4], null);
    const asInts = { ...x, dtype: 'int32' as const };
    backend.kernels.pointwise(identity('int32'), [4], y, [asInts], []);
    expect(unbox(y)).toEqual([0x3f800000, 0xc0000000 | 0, 0, 0x3f000000]);
  });

  it('tells each element its place', () => {
    const place = (rank: number): Program =>
      program([], 'int32', (s) => {
        let sum = s.index(0);
        for (let d = 1; d < rank; d++) {
          sum = s.binary('add', s.binary('mul', sum, s.literal(10, 'int32')), s.index(d));
        }
      });
    for (const shape of [[5], [3, 4], [1, 3, 1, 2], [2, 1, 2, 1, 2, 1, 2, 2]]) {
      const output = box(backend, 'int32', shape, null);
      backend.kernels.pointwise(place(shape.length), shape, output, [], []);
      expect(unbox(output)).toEqual(
        Array.from(indices(shape), (index) => index.reduce((sum, i) => sum * 10 + i, 0)),
      );
    }
  });

  it('runs only the branch that is taken', () => {
    const guarded = program(['int32', 'int32'], 'int32', (s) => {
      const [a, b] = [s.input(0, 'int32'), s.input(1, 'int32')];
      const zero = s.literal(0, 'int32');
      s.select(s.binary('eq', b, zero), zero, s.binary('floorDiv', a, b));
    });
    expect(
      apply(backend, guarded, [
        [7, 7, -7],
        [2, 0, 2],
      ]),
    ).toEqual([3, 0, -4]);
    const nested = program(['int32', 'int32'], 'int32', (s) => {
      const [a, b] = [s.input(0, 'int32'), s.input(1, 'int32')];
      const zero = s.literal(0, 'int32');
      const quotient = s.binary('floorDiv', a, b);
      const inner = s.select(
        s.binary('lt', quotient, zero),
        s.unary('neg', quotient),
        s.binary('add', quotient, a),
      );
      s.select(s.binary('ne', b, zero), inner, a);
    });
    expect(
      apply(backend, nested, [
        [7, 7, -7],
        [2, 0, 2],
      ]),
    ).toEqual([10, 7, 4]);
    const constant = program(
      ['int32'],
      'int32',
      (s) => {
        const p = s.parameter(0, 'int32');
        const zero = s.literal(0, 'int32');
        s.binary(
          'add',
          s.input(0, 'int32'),
          s.select(s.binary('eq', p, zero), zero, s.binary('floorDiv', s.literal(9, 'int32'), p)),
        );
      },
      1,
    );
    expect(apply(backend, constant, [[1, 2]], [0])).toEqual([1, 2]);
    expect(apply(backend, constant, [[1, 2]], [4])).toEqual([3, 4]);
  });

  it('faults on an integer division by zero that is reached', () => {
    const divide = program(['int32', 'int32'], 'int32', (s) =>
      s.binary('floorDiv', s.input(0, 'int32'), s.input(1, 'int32')),
    );
    expect(faultOf(() => apply(backend, divide, [[1], [0]]))).toBe('floorDivide: integer division by zero');
  });
});

const FLOAT_UNARY: readonly UnaryIntrinsic[] = [
  'neg',
  'abs',
  'sign',
  'floor',
  'ceil',
  'trunc',
  'round',
  'sqrt',
  'exp',
  'exp2',
  'expm1',
  'log',
  'log1p',
  'log2',
  'log10',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
];
const INT_UNARY: readonly UnaryIntrinsic[] = ['neg', 'abs', 'sign', 'bitNot'];
const FLOAT_BINARY: readonly BinaryIntrinsic[] = [
  'add',
  'sub',
  'mul',
  'div',
  'truncDiv',
  'floorDiv',
  'rem',
  'mod',
  'pow',
  'atan2',
  'min',
  'max',
];
const INT_BINARY: readonly BinaryIntrinsic[] = [
  'add',
  'sub',
  'mul',
  'min',
  'max',
  'bitAnd',
  'bitOr',
  'bitXor',
  'shiftLeft',
  'shiftRight',
];
const BOOL_BINARY: readonly BinaryIntrinsic[] = ['and', 'or', 'xor', 'add', 'mul', 'min', 'max', 'eq', 'lt'];
const isFloat = (type: ScalarType): boolean => type.startsWith('float') || type.startsWith('bfloat');

/** What a random program is made from: each number picks an operator and its operands. */
function randomProgram(inputs: readonly DType[], output: DType, choices: readonly number[]): Program {
  return program(inputs, output, (s) => {
    const values: number[] = inputs.map((dtype, k) => {
      const value = s.input(k, dtype);
      return dtype.endsWith('float16') ? s.cast(value, 'float32') : value;
    });
    values.push(s.literal(2, inputs[0]!.endsWith('float16') ? 'float32' : inputs[0]!));
    for (const choice of choices) values.push(randomStep(s, values, choice));
    const last = values[values.length - 1]!;
    if (s.list[last]!.type !== output) s.cast(last, output);
    else if (last !== s.list.length - 1) s.binary('max', last, last);
  });
}

function randomStep(s: Steps, values: readonly number[], choice: number): number {
  const pick = <T>(list: readonly T[], shift: number): T => list[(choice >>> shift) % list.length]!;
  const a = pick(values, 3);
  const type = s.list[a]!.type;
  const other = pick(values, 9);
  const b = s.list[other]!.type === type ? other : s.cast(other, type);
  switch (choice & 7) {
    case 0:
      return s.cast(
        a,
        pick<ScalarType>(['float32', 'float64', 'int32', 'int64', 'uint32', 'int8', 'bool', 'float16'], 15),
      );
    case 1:
      return s.binary(pick([...COMPARISONS] as BinaryIntrinsic[], 15), a, b);
    case 2: {
      const condition = s.list[other]!.type === 'bool' ? other : s.cast(other, 'bool');
      return s.select(condition, a, s.unary(type === 'bool' ? 'not' : 'neg', b));
    }
    case 3:
      return s.unary(type === 'bool' ? 'not' : pick(isFloat(type) ? FLOAT_UNARY : INT_UNARY, 15), a);
    case 4:
      return isFloat(type) ? s.unary('isnan', a) : s.binary('eq', a, b);
    default:
      return s.binary(
        pick(type === 'bool' ? BOOL_BINARY : isFloat(type) ? FLOAT_BINARY : INT_BINARY, 15),
        a,
        b,
      );
  }
}

it('both compilers give the same for any program', () => {
  const [[, bySource], [, byClosures]] = backends as [(typeof backends)[0], (typeof backends)[0]];
  const dtype = fc.constantFrom(...BACKEND_DTYPES);
  const cases = fc.tuple(dtype, dtype, dtype).chain(([a, b, output]) =>
    fc.record({
      inputs: fc.constant<readonly DType[]>([a, b]),
      output: fc.constant(output),
      choices: fc.array(fc.nat(), { minLength: 1, maxLength: 14 }),
      columns: fc.tuple(valuesFor(anyValue(a), 6), valuesFor(anyValue(b), 6)),
    }),
  );
  fc.assert(
    fc.property(cases, ({ inputs, output, choices, columns }) => {
      const p = randomProgram(inputs, output, choices);
      expect(apply(byClosures, p, columns)).toEqual(apply(bySource, p, columns));
    }),
    seeded(1500),
  );
});
