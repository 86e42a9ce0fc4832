import type { Heap } from '../../heap/heap.ts';
import type { Code } from '../../threads/code.ts';
import type { Element } from './lane.ts';
import { type Base, callOf, type Factors, WORKSPACE } from './products.ts';

/** Bytes of an operand, and of everything: two factors, what is added, two outputs and workspace. */
const OPERAND = 2 ** 18;
const MEMORY = 8 * OPERAND;

type Values = Float32Array | Float64Array | Int32Array;

/** Rows, columns and depth: whole tiles, rests of each, more than a block, one row, one column. */
const SIZES = [
  [12, 32, 40],
  [13, 37, 29],
  [50, 70, 270],
  [1, 67, 33],
  [31, 1, 65],
] as const;
const TIMED = [96, 128, 256] as const;
const ROUNDS = 3;
const RUNS = 24;
/** Subnormal in float32, in float64. */
const SMALL = [-1e-40, 1e-310];
const SPECIAL = [Number.POSITIVE_INFINITY, Number.NaN, -0, Number.NEGATIVE_INFINITY];

interface Operands {
  readonly a: number;
  readonly b: number;
  readonly base: number;
  readonly outputs: readonly [number, number];
  readonly workspace: number;
}

type Name = Parameters<typeof callOf>[1];
type Compiled = Pick<Code, 'functions'>;

/** The first product that two compilations of one module compute otherwise, in words; null where all bits are the same, NaN's own apart. */
export function differingProduct(
  heap: Heap,
  element: Element,
  one: Compiled,
  other: Compiled,
): string | null {
  return withOperands(heap, (operands) => {
    for (const rare of [SMALL, [...SMALL, ...SPECIAL]]) {
      for (const address of [operands.a, operands.b, operands.base])
        fill(valuesAt(heap, element, address), rare);
      for (const size of SIZES) {
        for (const [name, factors] of layoutsOf(size)) {
          for (const base of [null, { address: operands.base, ld: 0 }, { address: operands.base, ld: 512 }]) {
            if (!equal(heap, element, operands, [one, other], name, factors, base))
              return `${name} of ${element.dtype}, ${size.join(' by ')}`;
          }
        }
      }
    }
    return null;
  });
}

/** How long a product takes with each of two compilations, the fastest of its runs, in milliseconds. */
export function productTimes(heap: Heap, element: Element, one: Compiled, other: Compiled): [number, number] {
  return withOperands(heap, (operands) => {
    for (const address of [operands.a, operands.b]) fill(valuesAt(heap, element, address), []);
    const factors = factorsOf(TIMED, false, false);
    const times: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    // Many in a row, as processors take a while to turn on what is as wide as 256 bits.
    for (let round = 0; round < 2 * ROUNDS; round++) {
      const side = round % 2;
      for (let i = 0; i < RUNS; i++) {
        const start = performance.now();
        run([one, other][side]!, element, 'product', factors, operands, operands.outputs[0], null);
        times[side] = Math.min(times[side]!, performance.now() - start);
      }
    }
    return times;
  });
}

function withOperands<T>(heap: Heap, body: (operands: Operands) => T): T {
  const memory = heap.allocateWorkspace(MEMORY);
  const at = (place: number): number => memory + place * OPERAND;
  try {
    return body({ a: at(0), b: at(1), base: at(2), outputs: [at(3), at(4)], workspace: at(5) });
  } finally {
    heap.free(memory, MEMORY);
  }
}

/** Floats as such, as NaN may have any bits; integers as words. */
function valuesAt({ memory }: Heap, { dtype }: Element, address: number): Values {
  const buffer = memory.buffer as ArrayBuffer;
  if (dtype === 'float32') return new Float32Array(buffer, address, OPERAND / 4);
  if (dtype === 'float64') return new Float64Array(buffer, address, OPERAND / 8);
  return new Int32Array(buffer, address, OPERAND / 4);
}

/** Numbers of both signs, with `rare` ones between them. */
function fill(values: Values, rare: readonly number[]): void {
  let state = 1;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    if (values instanceof Int32Array) values[i] = state;
    else values[i] = i % 61 < rare.length ? rare[i % 61]! : state / 2 ** 30;
  }
}

function factorsOf([rows, columns, depth]: readonly number[], aTurned: boolean, bTurned: boolean): Factors {
  return {
    rows: rows!,
    columns: columns!,
    depth: depth!,
    aRow: aTurned ? 1 : depth!,
    aStep: aTurned ? rows! : 1,
    bStep: bTurned ? 1 : columns!,
    bColumn: bTurned ? depth! : 1,
    ld: columns!,
  };
}

function layoutsOf(size: readonly number[]): [Name, Factors][] {
  const layouts: [Name, Factors][] = [['dots', factorsOf(size, false, true)]];
  for (const aTurned of [false, true]) {
    layouts.push(['direct', factorsOf(size, aTurned, false)]);
    for (const bTurned of [false, true]) layouts.push(['product', factorsOf(size, aTurned, bTurned)]);
  }
  return layouts;
}

function run(
  code: Compiled,
  element: Element,
  name: Name,
  factors: Factors,
  { a, b, workspace }: Operands,
  out: number,
  base: Base | null,
): void {
  const { args } = callOf(element, name, factors, a, b, out, base ?? { address: 0, ld: 0 });
  if (name === 'product') {
    args[WORKSPACE] = workspace;
    args[WORKSPACE + 1] = workspace + OPERAND;
  }
  code.functions[name]!(...args);
}

function equal(
  heap: Heap,
  element: Element,
  operands: Operands,
  codes: readonly [Compiled, Compiled],
  name: Name,
  factors: Factors,
  base: Base | null,
): boolean {
  const [left, right] = operands.outputs.map((out, i) => {
    run(codes[i]!, element, name, factors, operands, out, base);
    return valuesAt(heap, element, out);
  }) as [Values, Values];
  const count = (factors.rows * factors.columns * element.bytes) / left.BYTES_PER_ELEMENT;
  for (let i = 0; i < count; i++) if (!Object.is(left[i], right[i])) return false;
  return true;
}
