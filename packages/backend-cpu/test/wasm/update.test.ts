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

const numbers = (length: number, from: number): number[] =>
  Array.from({ length }, (_, i) => ((i + from) % 64) / 4);

/** Runs the update over rows of so many elements, and gives what each then holds. */
function updated(backend: Backend, lengths: readonly number[]): unknown[][] {
  const rows = lengths.map((length, i) => ({
    length,
    operands: [0, 1].map((k): Box => box(backend, 'float32', [length], numbers(length, i + k))),
  }));
  expect(rows.every((row) => backend.kernels.update!.when!(descend, row))).toBe(true);
  backend.kernels.update!.run(descend, rows, []);
  return rows.flatMap(({ operands }) => operands.map(unbox));
}

describe('updates in WebAssembly', () => {
  const lengths = [40_003, 1, 10, 16, 17, 5000, 64, 20_000];
  const wanted = lengths.flatMap((length, i) => {
    const g = numbers(length, i + 1);
    const x = numbers(length, i).map((value, at) => value - 0.5 * g[at]!);
    return [x, x];
  });

  it.each([1, 2])('go over rows of all sizes, inside the heap and outside, with %i threads', (threads) => {
    const backend = cpu({ threads });
    for (let turn = 0; turn < 2; turn++) {
      const found = updated(backend, lengths);
      for (const [k, row] of wanted.entries()) expect(found[k]!.join() === row.join()).toBe(true);
    }
  });

  it('go over more rows than the table holds', () => {
    const many = new Array<number>(6000).fill(17);
    const found = updated(cpu({ threads: 1 }), many);
    expect(found.at(-1)![0]).toBe(numbers(17, 5999)[0]! - 0.5 * numbers(17, 6000)[0]!);
  });
});
