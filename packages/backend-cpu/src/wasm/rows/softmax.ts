import type { ModuleBuilder } from '../assembler/index.ts';
import { exp } from '../functions/exponential.ts';
import { log } from '../functions/logarithm.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Lane } from '../matmul/lane.ts';
import { addRows, type Row } from './row.ts';

/** The largest element, NaN where there is one. */
function largest(row: Row, x: number): Reg {
  const { F, ops } = row;
  const most = row.accumulator(Number.NEGATIVE_INFINITY);
  row.each([x], ({ load, valid }, [from]) =>
    row.assign(most, F.lanes.apply(ops.max, most, valid(load(from!), Number.NEGATIVE_INFINITY))),
  );
  return row.across(most, ops.max);
}

/** The sum of `exp(x - shift)`, which is kept at `y` where that is given. */
function sumOfExponentials(row: Row, x: number, shift: Reg, y: number | null): Reg {
  const { F, ops } = row;
  const sum = row.accumulator(0);
  row.each(y === null ? [x] : [x, y], ({ load, store, valid }, [from, to]) => {
    const e = exp(F, F.sub(load(from!), shift));
    if (to !== undefined) store(to, e);
    row.assign(sum, F.add(sum, valid(e, 0)));
  });
  return row.across(sum, ops.add);
}

/**
 * Softmax along rows and its kin, as exports: `softmax` and `logSoftmax` `(rows, length, x, y)`, their gradients
 * `softmaxBackward` and `logSoftmaxBackward` `(rows, length, dy, y, dx)`.
 */
export function addSoftmax(module: ModuleBuilder, lane: Lane, relaxed: boolean): void {
  addRows(module, 'softmax', lane, relaxed, { moving: 2 }, (row, { moving: [x, y] }) => {
    const total = sumOfExponentials(row, x!, largest(row, x!), y!);
    row.each([y!], ({ load, store }, [at]) => store(at!, row.F.div(load(at!), total)));
  });
  addRows(module, 'logSoftmax', lane, relaxed, { moving: 2 }, (row, { moving: [x, y] }) => {
    const { F } = row;
    const shift = largest(row, x!);
    const logTotal = log(F, sumOfExponentials(row, x!, shift, null));
    // In this order: the difference is exact where it is small.
    row.each([x!, y!], ({ load, store }, [from, to]) =>
      store(to!, F.sub(F.sub(load(from!), shift), logTotal)),
    );
  });
  addRows(module, 'softmaxBackward', lane, relaxed, { moving: 3 }, (row, { moving: [dy, y, dx] }) => {
    const { F, ops } = row;
    const sum = row.accumulator(0);
    row.each([dy!, y!], ({ load, valid }, [d, p]) =>
      row.assign(sum, F.madd(valid(load(d!), 0), load(p!), sum)),
    );
    const total = row.across(sum, ops.add);
    row.each([dy!, y!, dx!], ({ load, store }, [d, p, to]) =>
      store(to!, F.mul(load(p!), F.sub(load(d!), total))),
    );
  });
  addRows(module, 'logSoftmaxBackward', lane, relaxed, { moving: 3 }, (row, { moving: [dy, y, dx] }) => {
    const { F, ops } = row;
    const sum = row.accumulator(0);
    row.each([dy!], ({ load, valid }, [d]) => row.assign(sum, F.add(sum, valid(load(d!), 0))));
    const total = row.across(sum, ops.add);
    row.each([dy!, y!, dx!], ({ load, store }, [d, p, to]) =>
      store(to!, F.nmadd(exp(F, load(p!)), total, load(d!))),
    );
  });
}
