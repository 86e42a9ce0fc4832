import type { ModuleBuilder } from '../assembler/index.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Lane } from '../matmul/lane.ts';
import { addRows, type Row } from './row.ts';

/**
 * Normalisations along rows, as exports that write the statistics too:
 * - `layerNorm(rows, length, x, y, mean, rstd, weight, bias, scale, eps)`
 * - `rmsNorm(rows, length, x, y, rstd, weight, scale, eps)`
 *
 * `scale` is 1 / length. An address of 0 is a weight of ones, a bias of zeros.
 */
export function addNorms(module: ModuleBuilder, lane: Lane, relaxed: boolean): void {
  const spread = (row: Row, x: number, center: Reg | null, scale: Reg, eps: Reg): Reg => {
    const { F, ops } = row;
    const [squares] = row.fold(1, [x], ({ load, valid }, [from], [held]) => {
      const value = load(from!);
      const away = valid(center === null ? value : F.sub(value, center), 0);
      return [F.madd(away, away, held!)];
    });
    const variance = F.mul(row.across(squares, ops.add), scale);
    return F.div(F.c(1), F.sqrt(F.add(variance, eps)));
  };
  const write = (
    row: Row,
    x: number,
    y: number,
    center: Reg | null,
    rstd: Reg,
    weight: number,
    bias: number | null,
  ): void => {
    const { F, f } = row;
    const all = (pointers: readonly number[]): void =>
      row.each([x, y, ...pointers], ({ load, store }, [from, to, w, b]) => {
        const value = load(from!);
        const unit = F.mul(center === null ? value : F.sub(value, center), rstd);
        const scaled = w === undefined ? unit : F.mul(unit, load(w));
        store(to!, b === undefined ? scaled : F.add(scaled, load(b)));
      });
    f.get(weight).if(
      () => {
        if (bias === null) all([weight]);
        else
          f.get(bias).if(
            () => all([weight, bias]),
            () => all([weight]),
          );
      },
      () => all([]),
    );
  };
  addRows(
    module,
    'layerNorm',
    lane,
    relaxed,
    { moving: 2, perRow: 2, fixed: 2, numbers: 2 },
    (row, { moving: [x, y], perRow: [mean, rstd], fixed: [weight, bias], numbers: [count, eps] }) => {
      const scale = row.number(count!);
      const sum = row.sum([x!], ({ load }, [from]) => load(from!));
      const center = row.F.mul(sum, scale);
      const factor = spread(row, x!, center, scale, row.number(eps!));
      row.storeOne(mean!, center);
      row.storeOne(rstd!, factor);
      write(row, x!, y!, center, factor, weight!, bias!);
    },
  );
  addRows(
    module,
    'rmsNorm',
    lane,
    relaxed,
    { moving: 2, perRow: 1, fixed: 1, numbers: 2 },
    (row, { moving: [x, y], perRow: [rstd], fixed: [weight], numbers: [count, eps] }) => {
      const factor = spread(row, x!, null, row.number(count!), row.number(eps!));
      row.storeOne(rstd!, factor);
      write(row, x!, y!, null, factor, weight!, null);
    },
  );
}

/**
 * Their gradients, as exports, `centered` for layers and not for root mean squares:
 * - `…Backward(rows, length, dy, x, dx, [mean,] rstd, weight, scale)`: `dx = rstd (g - mean g - x̂ mean(g x̂))`, `g = dy weight`
 * - `…Vectors(rows, length, dy, x, [mean,] rstd, dweight, dbias)`: adds `dy x̂` and `dy` to what lies there
 */
export function addNormGradients(
  module: ModuleBuilder,
  name: string,
  lane: Lane,
  relaxed: boolean,
  centered: boolean,
): void {
  const perRow = centered ? 2 : 1;
  const unit = (row: Row, statistics: readonly number[]): ((x: Reg) => Reg) => {
    const { F } = row;
    const center = centered ? row.splat(statistics[0]!) : null;
    const rstd = row.splat(statistics[perRow - 1]!);
    return (x) => F.mul(center === null ? x : F.sub(x, center), rstd);
  };
  const dx = (row: Row, at: Parameters<Parameters<typeof addRows>[5]>[1], weighted: boolean): void => {
    const { F, ops } = row;
    const [dy, x, out] = at.moving as [number, number, number];
    const scale = row.number(at.numbers[0]!);
    const normal = unit(row, at.perRow);
    const vectors = weighted ? [at.fixed[0]!] : [];
    const [level, slope] = row.fold(
      2,
      [dy, x, ...vectors],
      ({ load, valid }, [d, from, w], [sum, product]) => {
        const g = valid(w === undefined ? load(d!) : F.mul(load(d!), load(w)), 0);
        return [centered ? F.add(sum!, g) : sum!, F.madd(g, normal(load(from!)), product!)];
      },
    );
    const meanLevel = F.mul(row.across(level, ops.add), scale);
    const meanSlope = F.mul(row.across(slope, ops.add), scale);
    const rstd = row.splat(at.perRow[perRow - 1]!);
    row.each([dy, x, out, ...vectors], ({ load, store }, [d, from, to, w]) => {
      const g = w === undefined ? load(d!) : F.mul(load(d!), load(w));
      const rest = centered ? F.sub(g, meanLevel) : g;
      store(to!, F.mul(rstd, F.nmadd(normal(load(from!)), meanSlope, rest)));
    });
  };
  addRows(
    module,
    `${name}Backward`,
    lane,
    relaxed,
    { moving: 3, perRow, fixed: 1, numbers: 1 },
    (row, at) => {
      row.f.get(at.fixed[0]!).if(
        () => dx(row, at, true),
        () => dx(row, at, false),
      );
    },
  );
  addRows(
    module,
    `${name}Vectors`,
    lane,
    relaxed,
    { moving: 2, perRow, fixed: 2 },
    (row, { moving, perRow: statistics, fixed }) => {
      const { F } = row;
      const normal = unit(row, statistics);
      row.each([...moving, ...fixed], ({ load, store }, [dy, x, dweight, dbias]) => {
        const d = load(dy!);
        store(dweight!, F.madd(d, normal(load(x!)), load(dweight!)));
        store(dbias!, F.add(load(dbias!), d));
      });
    },
  );
}
