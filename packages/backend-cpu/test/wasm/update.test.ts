import type { Backend, Program, Update } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { cpu } from '../../src/index.ts';
import { type Box, box, program, unbox } from '../support.ts';

const step = (body: Parameters<typeof program>[2]): Program =>
  program(['float32', 'float32'], 'float32', body);

/** `x -= 0.5 * g`, then `g = x`. */
const descend: Update = {
  key: 'descend',
  id: 0,
  operands: ['float32', 'float32'],
  written: [0, 1],
  locals: [],
  steps: [
    {
      target: 0,
      program: step((s) => {
        const [x, g] = [s.input(0, 'float32'), s.input(1, 'float32')];
        s.binary('sub', x, s.binary('mul', g, s.literal(0.5, 'float32')));
      }),
    },
    { target: 1, program: step((s) => s.input(0, 'float32')) },
  ],
};

/** Long enough that threads share it: `x` goes eight times through `expm1(log1p(x))`. */
const heavy: Update = {
  ...descend,
  key: 'heavy',
  id: 1,
  written: [0],
  steps: [
    {
      target: 0,
      program: step((s) => {
        let x = s.input(0, 'float32');
        for (let i = 0; i < 8; i++) x = s.unary('expm1', s.unary('log1p', x));
        s.binary('add', x, s.input(1, 'float32'));
      }),
    },
  ],
};

const numbers = (length: number, from: number): number[] =>
  Array.from({ length }, (_, i) => ((i + from) % 64) / 4);

/** Runs an update over rows of so many elements, and gives what each then holds. */
function updated(backend: Backend, update: Update, lengths: readonly number[]): unknown[][] {
  const rows = lengths.map((length, i) => ({
    length,
    operands: [0, 1].map((k): Box => box(backend, 'float32', [length], numbers(length, i + k))),
  }));
  expect(rows.every((row) => backend.kernels.update!.when!(update, row))).toBe(true);
  backend.kernels.update!.run(update, rows, []);
  return rows.flatMap(({ operands }) => operands.map(unbox));
}

describe('updates in WebAssembly', () => {
  it('go over rows of all sizes, inside the heap and outside', () => {
    const lengths = [5003, 1, 10, 16, 17, 64];
    const found = updated(cpu({ threads: 1 }), descend, lengths);
    for (const [i, length] of lengths.entries()) {
      const g = numbers(length, i + 1);
      const x = numbers(length, i).map((value, at) => value - 0.5 * g[at]!);
      expect(found.slice(2 * i, 2 * i + 2)).toEqual([x, x]);
    }
  });

  it('are left to core where a large operand lies outside the heap', () => {
    const [inside, outside] = [cpu(), cpu({ wasm: 'off' })].map((backend) =>
      box(backend, 'float32', [100], null),
    );
    const taken = (...operands: Box[]): boolean =>
      cpu().kernels.update!.when!(descend, { length: 100, operands });
    expect(taken(inside!, inside!)).toBe(true);
    expect(taken(inside!, outside!)).toBe(false);
  });

  it('go over more rows than the table holds', () => {
    const lengths = Array.from({ length: 6000 }, (_, i) => (i % 2 === 0 ? 17 : 4));
    const found = updated(cpu({ threads: 1 }), descend, lengths);
    for (const [i, length] of lengths.entries()) {
      const first = numbers(length, i)[0]! - 0.5 * numbers(length, i + 1)[0]!;
      if (found[2 * i]![0] !== first) expect.fail(`row ${i} begins with ${found[2 * i]![0]}, not ${first}`);
    }
  });

  it('give the same on one thread and on two', async () => {
    const lengths = [20_003, 10, 5000, 1500];
    const wanted = updated(cpu({ threads: 1 }), heavy, lengths);
    const together = cpu({ threads: 2 });
    for (let turn = 0; turn < 4; turn++) {
      const found = updated(together, heavy, lengths);
      for (const [k, row] of wanted.entries()) expect(found[k]!.join() === row.join()).toBe(true);
      // A worker needs some time to start.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
