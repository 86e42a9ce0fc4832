import { describe, expect, it } from 'vitest';
import { CASES, type Case } from '../compare/cases.ts';
import { Comparison, contendersOf, type Runner } from '../compare/comparison.ts';
import type { Outcome } from '../compare/peer.ts';

const [first, second] = CASES as readonly [Case, Case];
const cases = [first, second];

/** Runs nothing: `answer` says what each side reports of a case, `calls` who was asked for what. */
function fake(answer: (side: string, threads: number, phase: string, name: string) => object): {
  run: Runner;
  calls: string[];
} {
  const calls: string[] = [];
  const run: Runner = ({ side, threads }, phase, some) => {
    calls.push(`${phase} ${side} ${threads}: ${some.map(({ name }) => name).join(', ')}`);
    const outcomes = some.map(({ name }) => ({ name, ...answer(side, threads, phase, name) }) as Outcome);
    return { environment: side, outcomes };
  };
  return { run, calls };
}

describe('contendersOf', () => {
  it('gives each side its numbers of threads, and one to those that have one', () => {
    const sides = contendersOf(['torch', 'tfjs'], [1, 2]).map(({ side, threads }) => `${side} ${threads}`);
    expect(sides).toEqual(['flambeau 1', 'flambeau 2', 'torch 1', 'torch 2', 'tfjs 1']);
  });
});

describe('Comparison', () => {
  it('does not time whoever computes something else', () => {
    const { run, calls } = fake((side, _threads, phase, name) =>
      phase === 'time' ? { nanoseconds: 1 } : { check: [side === 'torch' && name === first.name ? 2 : 1] },
    );
    const comparison = new Comparison(contendersOf(['torch'], [1]), run);
    comparison.check(cases);
    comparison.round(cases, 0);
    expect(comparison.refusals).toEqual([
      {
        side: 'torch',
        threads: 1,
        case: first.name,
        reason: "results differ: value 0 of 1 is 1, the peer's 2",
        fault: true,
      },
    ]);
    expect(calls.at(-1)).toBe(`time torch 1: ${second.name}`);
    const [row] = comparison.rows(cases);
    expect([...row!.cannot]).toEqual(['torch']);
  });

  it('compares our own threads with one thread', () => {
    const { run } = fake((_side, threads, phase) =>
      phase === 'time' ? { nanoseconds: 100 } : { check: [threads] },
    );
    const comparison = new Comparison(contendersOf([], [1, 2]), run);
    comparison.check([first]);
    expect(comparison.refusals.map(({ side, threads }) => `${side} ${threads}`)).toEqual(['flambeau 2']);
  });

  it('names what a side cannot, and who dies', () => {
    const { run } = fake((side) => (side === 'jax' ? { cannot: 'it has none' } : { check: [1] }));
    const dying: Runner = (contender, phase, some) => {
      if (contender.side === 'torch') throw new Error('killed');
      return run(contender, phase, some);
    };
    const comparison = new Comparison(contendersOf(['torch', 'jax'], [1]), dying);
    comparison.check([first]);
    expect(comparison.refusals.map(({ side, reason, fault }) => [side, reason, fault])).toEqual([
      ['torch', 'killed', true],
      ['jax', 'it has none', false],
    ]);
  });

  it('lets another side begin in every other round', () => {
    const { run, calls } = fake(() => ({ nanoseconds: 1 }));
    const comparison = new Comparison(contendersOf(['torch'], [1]), run);
    comparison.round([first], 0);
    comparison.round([first], 1);
    expect(calls.map((call) => call.split(' ')[1])).toEqual(['flambeau', 'torch', 'torch', 'flambeau']);
  });

  it('gives a first step a process of its own', () => {
    const { run, calls } = fake(() => ({ nanoseconds: 1 }));
    const starts = CASES.filter(({ group }) => group === 'start').slice(0, 2);
    const comparison = new Comparison(contendersOf([], [1]), run);
    comparison.round([first, ...starts, second], 0);
    expect(calls).toEqual([
      `time flambeau 1: ${first.name}, ${second.name}`,
      ...starts.map(({ name }) => `time flambeau 1: ${name}`),
    ]);
  });

  it('takes ratios within rounds, at equal threads, and against one thread where a peer has no more', () => {
    const times: Record<string, number[]> = {
      'flambeau 1': [100, 300],
      'flambeau 2': [60, 150],
      'torch 1': [50, 100],
      'torch 2': [30, 300],
      'tfjs 1': [200, 600],
    };
    const { run } = fake((side, threads) => ({ nanoseconds: times[`${side} ${threads}`]!.shift()! }));
    const comparison = new Comparison(contendersOf(['torch', 'tfjs'], [1, 2]), run);
    comparison.round([first], 0);
    comparison.round([first], 1);
    const [one, two] = comparison.rows([first]);
    expect([one!.nanoseconds, two!.nanoseconds]).toEqual([200, 105]);
    expect(one!.ratios.get('torch')).toEqual({ median: 2.5, lowest: 2, highest: 3 });
    expect(two!.ratios.get('torch')).toEqual({ median: 1.25, lowest: 0.5, highest: 2 });
    expect(two!.ratios.get('tfjs')!.median).toBeCloseTo(0.275);
    expect(two!.ratios.get('own 1 thread')!.median).toBeCloseTo(0.55);
    expect(one!.ratios.has('own 1 thread')).toBe(false);
  });
});
