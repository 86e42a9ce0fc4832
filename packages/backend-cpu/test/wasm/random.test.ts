import { dropout, manualSeed, ones, rand, randint, randn, type Tensor } from '@flambeau/core';
import type { Backend } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { cpu } from '../../src/index.ts';
import { use } from '../fused/support.ts';
import { apply, backends, program } from '../support.ts';

/** Sizes around whole turns of the loop, and one that threads share. */
const SIZES = [1, 3, 4, 15, 16, 17, 64, 65, 127, 4095, 200_003];

const draws: Readonly<Record<string, (size: number) => Tensor>> = {
  rand: (size) => rand([size]),
  'rand of float64': (size) => rand([size], { dtype: 'float64' }),
  randint: (size) => randint(-5, 90, [size]),
  dropout: (size) => dropout(ones([size]), { p: 0.3 }),
};

describe.each([
  ['one thread', { threads: 1 }],
  ['two threads', { threads: 2 }],
  ['no shared memory', { sharedMemory: 'off' }],
] as const)('random numbers, %s', (_name, options) => {
  const drawn = (backend: Backend, draw: (size: number) => Tensor): number[][] => {
    use(backend);
    return SIZES.map((size) => {
      manualSeed(size);
      return [...(draw(size).dataSync() as Iterable<number>)];
    });
  };
  /** How far apart two backends' numbers are at most. */
  const apart = (draw: (size: number) => Tensor): number => {
    const [got, want] = [drawn(wasm, draw), drawn(plain, draw)];
    return Math.max(
      ...got.map((row, i) => row.reduce((most, v, k) => Math.max(most, Math.abs(v - want[i]![k]!)), 0)),
    );
  };
  const wasm = cpu({ ...options, wasmFrom: 1 });
  const plain = cpu({ wasm: 'off' });

  it.each(Object.keys(draws))('%s gives the numbers of the stream', (name) => {
    expect(apart(draws[name]!)).toBe(0);
  });

  it('randn gives those of the stream to within its functions', () => {
    expect(apart((size) => randn([size]))).toBeLessThan(1e-5);
  });
});

describe.each(backends)('what four neighbours share by %s', (_name, backend) => {
  it.each([2, 3, 1])('the index shifted by %i, in any type and beside what they do not', (bits) => {
    for (const type of ['int32', 'float64', 'int64', 'float32'] as const) {
      const f = program([type], type, (s) => {
        const group = s.binary('shiftRight', s.index(0), s.literal(bits, 'int32'));
        const even = s.binary('eq', s.binary('bitAnd', group, s.literal(1, 'int32')), s.literal(0, 'int32'));
        const shared = s.binary('mul', s.cast(group, type), s.literal(3, type));
        return s.binary('add', s.select(even, shared, s.literal(7, type)), s.input(0, type));
      });
      const x = Array.from({ length: 45 }, (_, i) => i * i);
      const expected = x.map((v, i) => v + (((i >> bits) & 1) === 0 ? (i >> bits) * 3 : 7));
      expect(apply(backend, f, [x]).map(Number), type).toEqual(expected);
    }
  });

  it.each([2, 4, 6, -2, -4, 5])('the index masked by %i beside other bits, in any type', (mask) => {
    for (const type of ['int32', 'float64', 'int64', 'float32'] as const) {
      const f = program([type], type, (s) => {
        const masked = s.binary('bitAnd', s.index(0), s.literal(mask, 'int32'));
        const pair = s.binary('mul', s.cast(masked, type), s.literal(3, type));
        const odd = s.binary(
          'eq',
          s.binary('bitAnd', s.index(0), s.literal(1, 'int32')),
          s.literal(1, 'int32'),
        );
        const four = s.cast(s.binary('shiftRight', s.index(0), s.literal(2, 'int32')), type);
        const shared = s.binary('add', pair, four);
        return s.binary('add', s.select(odd, shared, pair), s.input(0, type));
      });
      const x = Array.from({ length: 45 }, (_, i) => i * i);
      const expected = x.map((v, i) => v + (i & mask) * 3 + (i % 2 === 1 ? i >> 2 : 0));
      expect(apply(backend, f, [x]).map(Number), type).toEqual(expected);
    }
  });
});
