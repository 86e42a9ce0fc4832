import { type FunctionBuilder, i32, type ModuleBuilder, Type } from '../assembler/index.ts';
import { advance, countUp, locals } from '../emit.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Lane } from '../matmul/lane.ts';
import { Row } from './row.ts';

/** The parameters that say how groups, planes and their weights lie, before all addresses; steps are in bytes. */
const [GROUPS, LENGTH, PLANES, PLANE_STEP, GROUP_STEP, WEIGHT_PLANE, WEIGHT_GROUP] = [
  0, 1, 2, 3, 4, 5, 6,
] as const;
const WALK = 7;

/** `local += step` for the address of a vector, unless it is 0: none. */
const advanceVector = (f: FunctionBuilder, local: number, step: number): FunctionBuilder =>
  f.get(local).get(step).op(i32.add).i32(0).get(local).select().set(local);

interface Places {
  /** Addresses that move over the planes. */
  readonly moving: readonly number[];
  /** Addresses of one element for each group. */
  readonly perGroup: readonly number[];
  /** Addresses of one element for each plane; several groups may share them. */
  readonly vectors: readonly number[];
  readonly numbers: readonly number[];
}

type OverPlanes = (
  moving: readonly number[],
  vectors: readonly number[],
  body: (moving: readonly number[], vectors: readonly number[]) => void,
) => void;

/**
 * Adds `name(groups, length, planes, planeStep, groupStep, weightPlane, weightGroup, …moving, …perGroup, …vectors,
 * …numbers)`: a kernel over groups of planes, each a contiguous line of `length` elements.
 */
function addGroups(
  module: ModuleBuilder,
  name: string,
  lane: Lane,
  relaxed: boolean,
  counts: { readonly [K in keyof Places]: number },
  body: (row: Row, at: Places, overPlanes: OverPlanes) => void,
): void {
  const addresses = counts.moving + counts.perGroup + counts.vectors;
  const types = [
    ...new Array<Type>(WALK + addresses).fill(Type.i32),
    ...new Array<Type>(counts.numbers).fill(Type.f64),
  ];
  module.export(name, types, [], (f) => {
    let next = WALK;
    const take = (count: number): number[] => Array.from({ length: count }, () => next++);
    const at = {
      moving: take(counts.moving),
      perGroup: take(counts.perGroup),
      vectors: take(counts.vectors),
      numbers: take(counts.numbers),
    };
    const [group, plane] = locals(f, Type.i32, 2);
    const overPlanes: OverPlanes = (moving, vectors, each) => {
      const own = locals(f, Type.i32, moving.length);
      const ownVectors = locals(f, Type.i32, vectors.length);
      for (const [i, place] of moving.entries()) f.get(place).set(own[i]!);
      for (const [i, place] of vectors.entries()) f.get(place).set(ownVectors[i]!);
      countUp(f, plane, PLANES, 1, () => {
        each(own, ownVectors);
        for (const place of own) advance(f, place, PLANE_STEP);
        for (const place of ownVectors) advanceVector(f, place, WEIGHT_PLANE);
      });
    };
    countUp(f, group, GROUPS, 1, () => {
      body(new Row(f, lane, relaxed, LENGTH), at, overPlanes);
      for (const place of at.moving) advance(f, place, GROUP_STEP);
      for (const place of at.perGroup) f.increase(place, lane.bytes);
      for (const place of at.vectors) advanceVector(f, place, WEIGHT_GROUP);
    });
  });
}

/** The element at `place`, in every lane; `absent` where the address is 0. */
function orElse(row: Row, place: number, absent: number): Reg {
  const { f, F } = row;
  const value = f.local(Type.v128);
  f.get(place).if(
    () => f.get(row.splat(place)).set(value),
    () => f.get(F.c(absent)).set(value),
  );
  return value;
}

/**
 * Normalisations of groups of planes, as exports, with their gradients:
 * - `planeNorm(…, x, y, mean, rstd, weight, bias, scale, eps)`
 * - `planeNormBackward(…, dy, x, dx, mean, rstd, weight, dweight, dbias, scale)`: adds to `dweight` and `dbias`
 *
 * `scale` is 1 / (planes · length). Sums are taken plane by plane, and then over the planes.
 */
export function addPlaneNorms(module: ModuleBuilder, lane: Lane, relaxed: boolean): void {
  addGroups(
    module,
    'planeNorm',
    lane,
    relaxed,
    { moving: 2, perGroup: 2, vectors: 2, numbers: 2 },
    (row, { moving: [x, y], perGroup: [mean, rstd], vectors, numbers: [count, eps] }, overPlanes) => {
      const { F, ops } = row;
      const scale = row.number(count!);
      const meanOf = (term: (value: Reg) => Reg): Reg => {
        const sum = row.accumulator(0);
        overPlanes([x!], [], ([plane]) => {
          const [part] = row.fold(1, [plane!], ({ load, valid }, [from], [held]) => [
            F.add(held!, valid(term(load(from!)), 0)),
          ]);
          row.assign(sum, F.add(sum, part));
        });
        return F.mul(row.across(sum, ops.add), scale);
      };
      const center = meanOf((value) => value);
      const variance = meanOf((value) => {
        const away = F.sub(value, center);
        return F.mul(away, away);
      });
      const factor = F.div(F.c(1), F.sqrt(F.add(variance, row.number(eps!))));
      row.storeOne(mean!, center);
      row.storeOne(rstd!, factor);
      overPlanes([x!, y!], vectors, (planes, [weight, bias]) => {
        const scaled = F.mul(factor, orElse(row, weight!, 1));
        const shift = orElse(row, bias!, 0);
        row.each(planes, ({ load, store }, [from, to]) =>
          store(to!, F.madd(F.sub(load(from!), center), scaled, shift)),
        );
      });
    },
  );
  addGroups(
    module,
    'planeNormBackward',
    lane,
    relaxed,
    { moving: 3, perGroup: 2, vectors: 3, numbers: 1 },
    (row, { moving: [dy, x, dx], perGroup: [mean, inverse], vectors, numbers: [count] }, overPlanes) => {
      const { F, ops } = row;
      const [weight] = vectors;
      const scale = row.number(count!);
      const center = row.splat(mean!);
      const rstd = row.splat(inverse!);
      const unit = (value: Reg): Reg => F.mul(F.sub(value, center), rstd);
      const [level, slope] = [row.accumulator(0), row.accumulator(0)];
      overPlanes([dy!, x!], vectors, (planes, [w, dweight, dbias]) => {
        const [sum, product] = row.fold(2, planes, ({ load, valid }, [d, from], [plain, scaled]) => {
          const g = valid(load(d!), 0);
          return [F.add(plain!, g), F.madd(g, valid(unit(load(from!)), 0), scaled!)];
        });
        const [total, totalProduct] = [row.across(sum, ops.add), row.across(product, ops.add)];
        row.storeOne(dbias!, F.add(row.splat(dbias!), total));
        row.storeOne(dweight!, F.add(row.splat(dweight!), totalProduct));
        const factor = orElse(row, w!, 1);
        row.assign(level, F.madd(factor, total, level));
        row.assign(slope, F.madd(factor, totalProduct, slope));
      });
      const meanLevel = F.mul(level, scale);
      const meanSlope = F.mul(slope, scale);
      overPlanes([dy!, x!, dx!], [weight!], (planes, [w]) => {
        const factor = orElse(row, w!, 1);
        row.each(planes, ({ load, store }, [d, from, to]) => {
          const rest = F.sub(F.mul(load(d!), factor), meanLevel);
          store(to!, F.mul(rstd, F.nmadd(unit(load(from!)), meanSlope, rest)));
        });
      });
    },
  );
}
