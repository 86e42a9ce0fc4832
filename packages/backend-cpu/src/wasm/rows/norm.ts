import { f32x4, f64x2, type ModuleBuilder } from '../assembler/index.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Lane } from '../matmul/lane.ts';
import { addRows, type Row } from './row.ts';

/** A float64 parameter in every lane. */
function everywhere(row: Row, lane: Lane, parameter: number): Reg {
  row.f.get(parameter);
  if (lane.bytes === 4) row.f.op(0xb6).op(f32x4.splat);
  else row.f.op(f64x2.splat);
  return row.F.lanes.keep();
}

/** Leaves the first lane's value at `place`. */
function storeOne(row: Row, lane: Lane, place: number, value: Reg): void {
  row.f.get(place).get(value).memoryLane(lane.storeFirst, 0);
}

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
    const squares = row.accumulator(0);
    row.each([x], ({ load, valid }, [from]) => {
      const value = load(from!);
      const away = valid(center === null ? value : F.sub(value, center), 0);
      row.assign(squares, F.madd(away, away, squares));
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
      const { F, ops } = row;
      const scale = everywhere(row, lane, count!);
      const sum = row.accumulator(0);
      row.each([x!], ({ load, valid }, [from]) => row.assign(sum, F.add(sum, valid(load(from!), 0))));
      const center = F.mul(row.across(sum, ops.add), scale);
      const factor = spread(row, x!, center, scale, everywhere(row, lane, eps!));
      storeOne(row, lane, mean!, center);
      storeOne(row, lane, rstd!, factor);
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
      const factor = spread(row, x!, null, everywhere(row, lane, count!), everywhere(row, lane, eps!));
      storeOne(row, lane, rstd!, factor);
      write(row, x!, y!, null, factor, weight!, null);
    },
  );
}
