import type { Reduction } from '@flambeau/core/backend';
import { arrayOf } from '../allocation.ts';
import { loadClosure, storeClosure } from '../scalar/closures.ts';
import { combineClosure, identityOf, truthOf, wantsTruth } from '../scalar/combine.ts';
import { evaluatorOf, frameOf } from '../scalar/evaluate.ts';
import type { Value } from '../scalar/representation.ts';
import { Odometer } from '../walk.ts';
import type { ReduceLoop } from './source.ts';

/** The loop of a reduction over dimensions `keptRank..` without compiling source. */
export function closureReduce(reduction: Reduction, keptRank: number): ReduceLoop {
  const { pre, post, combiner } = reduction;
  const type = pre.output;
  const element = evaluatorOf(pre);
  const finish = evaluatorOf(post);
  const combine = combineClosure(combiner, type);
  const identity = identityOf(combiner, type);
  const truths = wantsTruth(combiner, type);
  const loads = pre.inputs.map(loadClosure);
  const store = storeClosure(post.output);
  const before = frameOf(loads.length);
  const after = frameOf(1);
  return (shape, output, inputs, parameters) => {
    before.parameters = parameters;
    after.parameters = parameters;
    const target = arrayOf(output);
    const sources = inputs.map(arrayOf);
    const rows = new Odometer(shape, keptRank, [output, ...inputs]);
    const reduced = shape.slice(keptRank);
    do {
      const starts = inputs.map((input, k) => ({
        offset: rows.offsets[k + 1]!,
        strides: input.strides.slice(keptRank),
      }));
      const walk = new Odometer(reduced, reduced.length, starts);
      const total = new Total(combiner === 'sum' && typeof identity === 'number' ? null : combine, identity);
      for (let dim = 0; dim < keptRank; dim++) before.index[dim] = after.index[dim] = rows.counters[dim]!;
      do {
        for (let k = 0; k < loads.length; k++) before.inputs[k] = loads[k]!(sources[k]![walk.offsets[k]!]!);
        for (let dim = 0; dim < reduced.length; dim++) before.index[keptRank + dim] = walk.counters[dim]!;
        const value = element(before);
        total.add(truths ? truthOf(value) : value);
      } while (walk.next());
      after.inputs[0] = total.value(combine, identity);
      target[rows.offsets[0]!] = store(finish(after));
    } while (rows.next());
  };
}

/** What has been combined so far. Sums of numbers are compensated, so that they need no blocks. */
class Total {
  private sum: Value;
  private lost = 0;
  private readonly combine: ((a: Value, b: Value) => Value) | null;

  constructor(combine: ((a: Value, b: Value) => Value) | null, identity: Value) {
    this.combine = combine;
    this.sum = identity;
  }

  add(value: Value): void {
    if (this.combine !== null) {
      this.sum = this.combine(this.sum, value);
      return;
    }
    const a = Number(this.sum);
    const b = Number(value);
    const sum = a + b;
    if (Number.isFinite(sum)) this.lost += Math.abs(a) >= Math.abs(b) ? a - sum + b : b - sum + a;
    this.sum = sum;
  }

  /** Combining with the identity wraps a sum of integers into their type. */
  value(combine: (a: Value, b: Value) => Value, identity: Value): Value {
    return this.combine === null ? combine(Number(this.sum) + this.lost, identity) : this.sum;
  }
}
