import { type Expr, pointwise } from '@flambeau/core';
import type { DType, Program } from '@flambeau/core/backend';
import type { Bench } from './bench.ts';
import type { Value } from './elements.ts';
import { blank, program } from './programs.ts';

type Build = (...inputs: Expr[]) => Expr;

/** A program of an expression over operands of given dtypes. */
export function expression(name: string, build: Build, inputs: readonly DType[], output?: DType): Program {
  return program(`${name} ${inputs.join()}>${output ?? ''}`, () => {
    // The number of operands is the builder's; here it is known by its dtypes only.
    const operator = pointwise(
      `conformance ${name}`,
      withLength(build, inputs.length),
      output === undefined ? {} : { output },
    );
    return (operator as (...operands: unknown[]) => unknown)(...inputs.map((dtype) => blank(dtype)));
  });
}

/** `pointwise` counts a builder's parameters, which a rest parameter hides. */
function withLength(build: Build, length: number): Build {
  const builders: readonly Build[] = [
    () => build(),
    (x: Expr) => build(x),
    (x: Expr, y: Expr) => build(x, y),
    (x: Expr, y: Expr, z: Expr) => build(x, y, z),
  ] as readonly Build[];
  return builders[length]!;
}

/** Runs a program over contiguous columns of values. */
export async function apply(
  bench: Bench,
  given: Program,
  columns: readonly (readonly Value[])[],
): Promise<Value[]> {
  const shape = [columns[0]!.length];
  const inputs = columns.map((values, k) => bench.box(given.inputs[k]!, shape, values));
  const output = bench.box(given.output, shape, null);
  bench.backend.kernels.pointwise(given, shape, output, inputs, []);
  return bench.result(given.key, output);
}

/** Calls one of `Expr`'s functions by its name. */
export const callOn = (name: string, x: Expr, ...others: Expr[]): Expr =>
  (x[name as 'add'] as (...args: Expr[]) => Expr).apply(x, others);

/** Every value with every other. */
export const pairs = <T>(values: readonly T[]): [T[], T[]] => {
  const all = values.flatMap((x) => values.map((y) => [x, y] as const));
  return [all.map(([x]) => x), all.map(([, y]) => y)];
};
