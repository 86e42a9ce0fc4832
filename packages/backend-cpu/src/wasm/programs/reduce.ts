import type { Reduction } from '@flambeau/core/backend';
import { Lanes } from '../lanes/lanes.ts';
import { accumulatorOf } from './accumulator.ts';
import { Body, isVectorizable, programWeight } from './body.ts';
import { type HostName, hostsOf } from './host.ts';
import { compileKernel, type Kernel, type Target } from './kernel.ts';
import { AlongRows } from './reduce-along.ts';
import { DownColumns } from './reduce-columns.ts';
import type { Maker } from './reduce-loops.ts';
import { Steps } from './step.ts';
import { BYTES, UNIT } from './value.ts';
import { repeatedInputs, takesBytes, Walk } from './walk.ts';

/** Whether a reduction can become vector code. */
export const canReduce = ({ pre, post }: Reduction): boolean =>
  pre.inputs.length > 0 && !pre.usesIndex && !post.usesIndex && isVectorizable(pre) && isVectorizable(post);

/**
 * A reduction whose vectors run along the reduced dimension, or along the columns where these are nearer to each
 * other in memory. `walks` tells how each input walks along the vectors' dimension, the output's first: it counts
 * by columns alone.
 */
export function reduceKernel(
  target: Target,
  reduction: Reduction,
  byColumns: boolean,
  walks: readonly Walk[],
): Kernel {
  const hosts = [...new Set<HostName>([...hostsOf(reduction.pre), ...hostsOf(reduction.post)])];
  return compileKernel(target, hosts, (f, host) => {
    const { pre, post, combiner } = reduction;
    // Along columns an input that repeats is another in each turn.
    const constant = byColumns ? 0 : repeatedInputs(walks);
    const weight = programWeight(pre);
    const units = walks.includes(Walk.strided, 1) ? 1 : weight <= 12 ? 4 : weight <= 40 ? 2 : 1;
    const makerOf = (unit: 4 | 16, abreast: number): Maker => {
      const lanes = new Lanes(f, target.relaxed, unit);
      const steps = new Steps(lanes, host);
      return {
        lanes,
        steps,
        pre: new Body(pre, lanes, host, constant),
        post: new Body(post, lanes, host, 0),
        accumulators: Array.from({ length: abreast }, () =>
          accumulatorOf(lanes, steps, combiner, pre.output),
        ),
      };
    };
    const bytes = takesBytes(byColumns ? [pre, post] : [pre], byColumns ? walks : walks.slice(1));
    const four = makerOf(UNIT, bytes ? 1 : units);
    const Loops = byColumns ? DownColumns : AlongRows;
    new Loops(reduction, four, bytes ? makerOf(BYTES, units) : null, walks).emit();
  });
}
