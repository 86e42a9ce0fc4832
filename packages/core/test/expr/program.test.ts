import { describe, expect, it } from 'vitest';
import type { DType } from '../../src/dtype.ts';
import { DTypeError } from '../../src/errors.ts';
import { type Expr, index, input, literal, parameter } from '../../src/expr/expr.ts';
import { compile, type Program, type Typing } from '../../src/expr/program.ts';

const x = input(0);
const y = input(1);

/** A program of operands that all take part in promotion. */
const program = (root: Expr, inputs: readonly DType[], compute: DType, more: Partial<Typing> = {}): Program =>
  compile(root, { inputs, promoted: inputs.map(() => true), compute, parameterCount: 0, ...more });

const typesOf = ({ steps }: Program): string[] => steps.map((step) => `${step.op}:${step.type}`);

describe('a program', () => {
  it('has its steps in order, each once, the result last', () => {
    const { steps } = program(x.add(y).mul(x.add(y)).sub(x), ['float32', 'float32'], 'float32');
    expect(steps).toEqual([
      { op: 'input', slot: 0, type: 'float32' },
      { op: 'input', slot: 1, type: 'float32' },
      { op: 'add', a: 0, b: 1, type: 'float32' },
      { op: 'mul', a: 2, b: 2, type: 'float32' },
      { op: 'sub', a: 3, b: 0, type: 'float32' },
    ]);
  });

  it('is one object for one key, whatever the expression was built from', () => {
    const once = program(x.add(y).mul(2), ['float32', 'float32'], 'float32');
    expect(program(input(0).add(input(1)).mul(literal(2)), ['float32', 'float32'], 'float32')).toBe(once);
    expect(program(x.add(y).mul(2), ['float64', 'float64'], 'float64')).not.toBe(once);
    expect(program(x.add(y).mul(3), ['float32', 'float32'], 'float32')).not.toBe(once);
  });

  it('has a key that is the same in every process', () => {
    expect(
      program(x.mul(parameter(0)).gt(0.5), ['float32'], 'float32', { parameterCount: 1 }).key,
    ).toMatchInlineSnapshot(
      `"float32;1>bool:input0:float32;parameter0:float32;mul(0,1):float32;number0.5:float32;gt(2,3):bool"`,
    );
    expect(program(x.isnan().select(-0, x), ['float16'], 'float16').key).toMatchInlineSnapshot(
      `"float16;0>float16:input0:float16;cast(0):float32;isnan(1):bool;number-0:float32;select(2,3,1):float32;cast(4):float16"`,
    );
  });

  it('has the same key whatever a parameter will be', () => {
    const root = x.mul(parameter(0));
    expect(program(root, ['float32'], 'float32', { parameterCount: 1 })).toBe(
      program(x.mul(parameter(0)), ['float32'], 'float32', { parameterCount: 1 }),
    );
  });

  it('says whether it reads the place of an element', () => {
    expect(program(x.add(index(0)), ['float32'], 'float32').usesIndex).toBe(true);
    expect(program(x.add(1), ['float32'], 'float32').usesIndex).toBe(false);
  });

  it('leaves out what does nothing: rounding whole numbers, arithmetic on one truth, asking either for NaN', () => {
    expect(typesOf(program(x.floor().abs(), ['int32'], 'int32'))).toEqual(['input:int32', 'abs:int32']);
    expect(typesOf(program(x.abs().neg().sign().round(), ['bool'], 'bool'))).toEqual(['input:bool']);
    expect(typesOf(program(x.bitNot(), ['bool'], 'bool'))).toEqual(['input:bool', 'not:bool']);
    expect(typesOf(program(x.isnan(), ['int64'], 'int64'))).toEqual(['literal:bool']);
    expect(typesOf(program(x.floor().isnan(), ['float32'], 'float32'))).toEqual([
      'input:float32',
      'floor:float32',
      'isnan:bool',
    ]);
  });

  it('sees the body of a function alone, and drops what nothing uses', () => {
    const kinds = program(x.sigmoid(), ['float32'], 'float32').steps.map(({ op }) => op);
    expect(kinds).toEqual(['literal', 'input', 'neg', 'exp', 'add', 'div']);
  });
});

describe('types of steps', () => {
  it('halves are stored, never computed in', () => {
    expect(typesOf(program(x.add(y), ['float16', 'float16'], 'float16'))).toEqual([
      'input:float16',
      'cast:float32',
      'input:float16',
      'cast:float32',
      'add:float32',
      'cast:float16',
    ]);
  });

  it('promoted operands are converted to the common dtype', () => {
    expect(typesOf(program(x.add(y), ['int32', 'float32'], 'float32'))).toEqual([
      'input:int32',
      'cast:float32',
      'input:float32',
      'add:float32',
    ]);
  });

  it('others keep their own', () => {
    const { steps, output } = program(x.select(y, 0), ['bool', 'int64'], 'int64', {
      promoted: [false, true],
    });
    expect(steps[0]).toEqual({ op: 'input', slot: 0, type: 'bool' });
    expect(output).toBe('int64');
  });

  it('literals take the type of what they meet', () => {
    expect(typesOf(program(x.add(2), ['int64'], 'int64'))).toEqual([
      'input:int64',
      'literal:int64',
      'add:int64',
    ]);
    expect(
      typesOf(program(x.add(literal(2).mul(parameter(0))), ['float64'], 'float64', { parameterCount: 1 })),
    ).toEqual(['input:float64', 'literal:float64', 'parameter:float64', 'mul:float64', 'add:float64']);
  });

  it('a fraction makes an integer floating', () => {
    expect(program(x.mul(0.5), ['int32'], 'int32').output).toBe('float32');
  });

  it('comparisons and truths are bool, whatever they compare', () => {
    expect(program(x.lt(y), ['float64', 'float64'], 'float64').output).toBe('bool');
    expect(typesOf(program(x.and(y), ['float32', 'float32'], 'float32')).at(-1)).toBe('and:bool');
    expect(program(x.not(), ['int32'], 'int32').output).toBe('bool');
    expect(program(x.lt(y), ['float64', 'float64'], 'float64', { output: 'float64' }).output).toBe('float64');
  });

  it('the result is stored as asked', () => {
    const stored = program(x.add(1), ['float32'], 'float32', { output: 'int32' });
    expect(stored.output).toBe('int32');
    expect(stored.steps.at(-1)).toMatchObject({ op: 'cast', type: 'int32' });
  });

  it('random bits are of the internal uint32', () => {
    const bits = index(0).cast('uint32').mulHigh(literal(2654435769)).bitXor(parameter(0));
    const steps = program(bits, [], 'int32', { parameterCount: 1 });
    expect(
      steps.steps.filter(({ op }) => op === 'mulHigh' || op === 'bitXor').map(({ type }) => type),
    ).toEqual(['uint32', 'uint32']);
    expect(steps.output).toBe('int32');
  });
});

describe('typing errors', () => {
  const refused: readonly (readonly [name: string, root: Expr, dtype: DType, text: string])[] = [
    ['exp of an integer', x.exp(), 'int32', 'exp needs a floating value, got int32'],
    ['sqrt of a truth', x.lt(0).sqrt(), 'float32', 'sqrt needs a floating value, got bool'],
    [
      'bits of a floating number',
      x.bitAnd(x.add(1)),
      'float32',
      'bitAnd works on bits of integers and booleans, got float32',
    ],
    [
      'shift of a floating number',
      x.shiftLeft(1),
      'float64',
      'shiftLeft works on bits of integers and booleans, got float64',
    ],
    [
      'the inverse bits of a floating number',
      x.bitNot(),
      'float32',
      'bitNot works on bits of integers and booleans, got float32',
    ],
  ];

  it.each(refused)('%s', (_name, root, dtype, text) => {
    expect(() => program(root, [dtype], dtype)).toThrow(DTypeError);
    expect(() => program(root, [dtype], dtype)).toThrow(text);
  });

  it('rounding leaves integers as they are', () => {
    for (const root of [x.floor(), x.ceil(), x.trunc(), x.round(), x.abs(), x.sign(), x.neg()]) {
      expect(program(root, ['int64'], 'int64').output).toBe('int64');
    }
  });
});
