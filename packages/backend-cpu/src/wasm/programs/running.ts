import type { DType, ScanCombiner } from '@flambeau/core/backend';
import { identityOf } from '../../scalar/combine.ts';
import { exp } from '../functions/exponential.ts';
import { log1p } from '../functions/logarithm.ts';
import type { Lanes, Reg } from '../lanes/lanes.ts';
import { Real } from '../lanes/real.ts';
import { cast, literal } from './cast.ts';
import type { Steps } from './step.ts';
import { isWide, kindOf, type Value, value } from './value.ts';

/** What is carried of one vector's elements, a vector each: what they combine to, or the extremum and its place. */
export type Part = readonly Reg[];

/** How a scan goes on from element to element. Four elements are one part, or two where they are of 64 bits. */
export interface Running {
  /** What outputs hold: the first the values, a second one the places. */
  readonly outputs: readonly DType[];
  /** Elements in a part. */
  readonly width: 2 | 4;
  /**
   * Whether elements may be combined with each other before they are with what came before: not where they could
   * overflow together.
   */
  readonly regroups: boolean;
  identity(): Part;
  /** Four elements as they are loaded; `positions` are theirs along the scan, as int32. */
  parts(elements: Value, positions: Reg): readonly Part[];
  combine(earlier: Part, later: Part): Part;
  /** Four results for each output. */
  results(parts: readonly Part[]): readonly Value[];
}

const OPERATION = { sum: 'add', prod: 'mul', max: 'max', min: 'min' } as const;

const isFloating = (dtype: DType): boolean => kindOf(dtype) === 'f32' || kindOf(dtype) === 'f64';

/** Floats are summed and multiplied in float64, and rounded where they are stored. */
const accumulated = (combiner: ScanCombiner, dtype: DType): DType =>
  isFloating(dtype) && combiner !== 'max' && combiner !== 'min' ? 'float64' : dtype;

/** The running combination of elements. */
export function runningCombination(
  lanes: Lanes,
  steps: Steps,
  combiner: ScanCombiner,
  dtype: DType,
): Running {
  if (combiner === 'logaddexp') return runningLogSum(lanes, dtype);
  const type = accumulated(combiner, dtype);
  const kind = kindOf(type);
  return {
    outputs: [dtype],
    width: isWide(kind) ? 2 : 4,
    regroups: dtype !== 'float64' || combiner === 'max' || combiner === 'min',
    identity: () => [literal(lanes, type, identityOf(combiner, type)).regs[0]!],
    parts: (elements) => cast(lanes, dtype, type, elements).regs.map((reg) => [reg]),
    combine([a], [b]) {
      const combined = steps.binary(OPERATION[combiner], type, value(kind, a!), value(kind, b!));
      if (combined === null) throw new RangeError(`${combiner} of ${type}`);
      return combined.regs;
    },
    results: (parts) => [cast(lanes, type, dtype, value(kind, ...parts.map(([reg]) => reg!)))],
  };
}

/** Exponentials below `exp(-FAR)` are subnormal, which takes a processor long. */
const FAR = 708;

/** `log(exp(x[0]) + … + exp(x[i]))` as the largest element and by how much `Σ exp(x - largest)` is more than 1. */
function runningLogSum(lanes: Lanes, dtype: DType): Running {
  const F = new Real(lanes, 64);
  return {
    outputs: [dtype],
    width: 2,
    regroups: true,
    identity: () => [F.c(Number.NEGATIVE_INFINITY), F.c(-1)],
    parts: (elements) => cast(lanes, dtype, 'float64', elements).regs.map((reg) => [reg, F.c(0)]),
    combine([a, restOfA], [b, restOfB]) {
      // Equal infinities have no difference. A NaN is in the distance, and stays in the rest.
      const distance = F.select(F.eq(a!, b!), F.c(0), F.abs(F.sub(a!, b!)));
      const larger = F.ge(b!, a!);
      const [more, less] = [F.select(larger, restOfB!, restOfA!), F.select(larger, restOfA!, restOfB!)];
      const far = F.gt(distance, F.c(FAR));
      const ratio = lanes.andnot(exp(F, F.neg(F.least(distance, F.c(FAR)))), far);
      return [F.select(larger, b!, a!), F.add(more, F.madd(less, ratio, ratio))];
    },
    results: (parts) => {
      const regs = parts.map(([largest, rest]) => F.add(largest!, log1p(F, rest!)));
      return [cast(lanes, 'float64', dtype, value('f64', ...regs))];
    },
  };
}

/** The running extremum and its place: the last of ties, and of NaN. */
export function runningExtremum(lanes: Lanes, steps: Steps, mode: 'max' | 'min', dtype: DType): Running {
  const kind = kindOf(dtype);
  // Places are as wide as what they belong to.
  const placeType: DType = isWide(kind) ? 'int64' : 'int32';
  const wins = (a: Reg, b: Reg): Reg => {
    const [earlier, later] = [value(kind, a), value(kind, b)];
    const better = steps.binary(mode === 'max' ? 'ge' : 'le', dtype, later, earlier)!.regs[0]!;
    return isFloating(dtype) ? lanes.or(better, steps.unary('isnan', dtype, later)!.regs[0]!) : better;
  };
  return {
    outputs: [dtype, 'int32'],
    width: isWide(kind) ? 2 : 4,
    regroups: true,
    identity: () => [literal(lanes, dtype, identityOf(mode, dtype)).regs[0]!, lanes.constant('i32', 0)],
    parts: (elements, positions) => {
      const places = cast(lanes, 'int32', placeType, value('i32', positions)).regs;
      return elements.regs.map((reg, i) => [reg, places[i]!]);
    },
    combine([best, place], [x, position]) {
      const mask = wins(best!, x!);
      return [lanes.select(mask, x!, best!), lanes.select(mask, position!, place!)];
    },
    results: (parts) => [
      value(kind, ...parts.map(([reg]) => reg!)),
      cast(lanes, placeType, 'int32', value(kindOf(placeType), ...parts.map(([, place]) => place!))),
    ],
  };
}
