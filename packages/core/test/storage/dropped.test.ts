import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { collector, Listed } from '../../src/host/collector.ts';
import type { Allocation } from '../../src/storage/contract.ts';
import { type Cohort, type Dropped, watchDropped } from '../../src/storage/dropped.ts';

const LARGE = 100_000;

/** A watcher, and the names of what it handed over. */
function watcher(): {
  dropped: Dropped;
  gone: string[];
  make: (name: string, byteLength?: number) => Cohort;
} {
  const gone: string[] = [];
  const dropped = watchDropped((allocation) => gone.push((allocation as Named).name));
  const make = (name: string, byteLength = LARGE): Cohort => dropped.watch({ byteLength, name } as Named);
  return { dropped, gone, make };
}

interface Named extends Allocation {
  readonly name: string;
}

describe('a young collection', () => {
  test('finds what was dropped, once, and leaves what is held', () => {
    const { dropped, gone, make } = watcher();
    const held = make('held');
    make('a');
    make('b');
    dropped.sweep('young');
    expect(gone.sort()).toEqual(['a', 'b']);
    dropped.sweep('young');
    expect(gone).toHaveLength(2);
    expect(held.living).toBe(1);
  });

  test('finds what it left once, and a full one what became old', () => {
    const { dropped, gone, make } = watcher();
    const held = new Map(['once', 'twice'].map((name) => [name, make(name)]));
    dropped.sweep('young');
    expect(held.get('once')!.age).toBe(1);
    held.delete('once');
    dropped.sweep('young');
    expect(gone).toEqual(['once']);
    expect(held.get('twice')!.age).toBe(2);
    held.clear();
    dropped.sweep('all');
    expect(gone).toEqual(['once', 'twice']);
  });

  test('finds what was watched by cohorts that served before', () => {
    const { dropped, gone, make } = watcher();
    const first = { byteLength: LARGE, name: 'first' };
    let cohort: Cohort | null = dropped.watch(first);
    dropped.sweep('young');
    dropped.forget(cohort, first);
    cohort = null;
    make('second');
    dropped.sweep('young');
    expect(gone).toEqual(['second']);
  });

  test('moves the members of small ones along, and hands over what still lived', () => {
    const { dropped, gone, make } = watcher();
    const small = ['a', 'b', 'c', 'd'].map((name) => ({ byteLength: 256, name }));
    let cohorts: Cohort[] = small.map((allocation) => dropped.watch(allocation));
    expect(new Set(cohorts).size).toBe(1);
    make('large');
    dropped.sweep('young');
    dropped.forget(cohorts[1]!, small[1]!);
    cohorts = [];
    dropped.sweep('young');
    expect(gone.sort()).toEqual(['a', 'c', 'd', 'large']);
  });

  test('does not let those pile up that became old and were freed', () => {
    const { dropped, make } = watcher();
    const kept = make('kept');
    for (let round = 0; round < 8; round++) {
      const many = Array.from({ length: 5000 }, (_, i) => ({ byteLength: LARGE, name: `${round} ${i}` }));
      const cohorts = many.map((allocation) => dropped.watch(allocation));
      dropped.sweep('young');
      dropped.sweep('young');
      for (const [i, cohort] of cohorts.entries()) dropped.forget(cohort, many[i]!);
      cohorts.length = 0;
      collector!.collect('all');
    }
    expect(kept.age).toBe(2);
    expect(kept.places.length).toBeLessThan(4 * 15_000);
  });
});

describe('the listing of a weak set', () => {
  test('gives all that lives', () => {
    const all = Array.from({ length: 1000 }, () => new Listed());
    expect(new Set(collector!.list(new WeakSet(all)))).toEqual(new Set(all));
    expect(collector!.list(new WeakSet<Listed>())).toEqual([]);
  });

  test('is refused, not shortened, where the stack was short', () => {
    const overflow = (): string => overflow() + overflow();
    class Deep extends Listed {
      override [inspect.custom] = overflow;
    }
    const all = [...Array.from({ length: 20 }, () => new Listed()), new Deep()];
    expect(collector!.list(new WeakSet(all))).toBeNull();
    expect(collector!.list(new WeakSet(all.slice(0, 20)))).toHaveLength(20);
  });

  test('minds nobody who prints the same objects', () => {
    const one = new Listed();
    inspect([one, one]);
    expect(collector!.list(new WeakSet([one]))).toEqual([one]);
    inspect(one);
    expect(collector!.list(new WeakSet<Listed>())).toEqual([]);
  });
});
