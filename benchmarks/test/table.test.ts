import { describe, expect, it } from 'vitest';
import type { OperatorCase } from '../compare/cases.ts';
import { type Row, showRatio, showTable, showTime } from '../compare/table.ts';

const add: OperatorCase = {
  name: 'add 4',
  group: 'tiny',
  kind: 'operator',
  operator: 'add',
  shapes: [[4], [4]],
  goals: [{ against: 'torch', device: 'cpu', threads: 1, atMost: 0.25 }],
};

describe('showTime', () => {
  it.each([
    [0.25, '0.250 ns'],
    [117.6, '118 ns'],
    [4703, '4.70 µs'],
    [52_300, '52.3 µs'],
    [1.28e6, '1.28 ms'],
    [2.5e9, '2.50 s'],
  ])('shows %d ns as %s', (nanoseconds, text) => expect(showTime(nanoseconds)).toBe(text));
});

describe('showRatio', () => {
  const ratio = { median: 0.25, lowest: 0.2, highest: 1.5 };
  it('marks a goal that is missed', () => {
    expect(showRatio(ratio, undefined)).toBe('0.250 (0.200–1.50)');
    expect(showRatio(ratio, { against: 'torch', device: 'cpu', threads: 1, atMost: 0.25 })).toBe(
      '0.250 (0.200–1.50) ≤ 0.25',
    );
    expect(showRatio(ratio, { against: 'torch', device: 'cpu', threads: 1, atMost: 0.24 })).toBe(
      '0.250 (0.200–1.50) !≤ 0.24',
    );
  });
});

describe('showTable', () => {
  it('lines columns up, shows goals of the row’s threads and device alone, and who cannot', () => {
    const ratios = new Map([['torch', { median: 0.1, lowest: 0.1, highest: 0.1 }]]) as Row['ratios'];
    const row = (threads: number, device = 'cpu'): Row => ({
      case: add,
      device,
      threads,
      nanoseconds: 118,
      ratios,
      cannot: new Set(['jax']),
    });
    expect(showTable([row(1), row(2), row(1, 'webgpu')], ['torch', 'jax']).split('\n')).toEqual([
      'case   threads  flambeau                       torch     jax',
      'add 4        1    118 ns  0.100 (0.100–0.100) ≤ 0.25  cannot',
      'add 4        2    118 ns         0.100 (0.100–0.100)  cannot',
      'add 4        1    118 ns         0.100 (0.100–0.100)  cannot',
    ]);
  });
});
