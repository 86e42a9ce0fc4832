import type { ModuleBuilder } from '../assembler/index.ts';
import { exp } from '../functions/exponential.ts';
import { log } from '../functions/logarithm.ts';
import type { Reg } from '../lanes/lanes.ts';
import type { Lane } from '../matmul/lane.ts';
import { addRows, type Row } from './row.ts';

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
    const total = sumOfExponentials(row, x!, row.largest(x!), y!);
    row.each([y!], ({ load, store }, [at]) => store(at!, row.F.div(load(at!), total)));
  });
  addRows(module, 'logSoftmax', lane, relaxed, { moving: 2 }, (row, { moving: [x, y] }) => {
    const { F } = row;
    const shift = row.largest(x!);
    const logTotal = log(F, sumOfExponentials(row, x!, shift, null));
    // In this order: the difference is exact where it is small.
    row.each([x!, y!], ({ load, store }, [from, to]) =>
      store(to!, F.sub(F.sub(load(from!), shift), logTotal)),
    );
  });
  addRows(module, 'softmaxBackward', lane, relaxed, { moving: 3 }, (row, { moving: [dy, y, dx] }) => {
    const { F, ops } = row;
    const [sum] = row.fold(1, [dy!, y!], ({ load, valid }, [d, p], [held]) => [
      F.madd(valid(load(d!), 0), load(p!), held!),
    ]);
    const total = row.across(sum, ops.add);
    row.each([dy!, y!, dx!], ({ load, store }, [d, p, to]) =>
      store(to!, F.mul(load(p!), F.sub(load(d!), total))),
    );
  });
  addRows(module, 'logSoftmaxBackward', lane, relaxed, { moving: 3 }, (row, { moving: [dy, y, dx] }) => {
    const { F } = row;
    const total = row.sum([dy!], ({ load }, [d]) => load(d!));
    row.each([dy!, y!, dx!], ({ load, store }, [d, p, to]) =>
      store(to!, F.nmadd(exp(F, load(p!)), total, load(d!))),
    );
  });
}
