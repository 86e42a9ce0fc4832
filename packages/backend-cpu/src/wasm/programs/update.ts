import { byteLengthOf, type DType, type Program, type Update } from '@flambeau/core/backend';
import { type FunctionBuilder, i32, Type } from '../assembler/index.ts';
import { Lanes } from '../lanes/lanes.ts';
import { Body, programWeight, type Surroundings } from './body.ts';
import { cast } from './cast.ts';
import { loadParameter, loadWord, type Parameter, parametersOf } from './frame.ts';
import { hostsOf } from './host.ts';
import { compileKernel, type Kernel, type Target } from './kernel.ts';
import { addresses, load, type Place, store } from './memory.ts';
import { unroll } from './pointwise.ts';
import { UNIT, type Value } from './value.ts';

/** The words of an entry of the table: how many elements, then an address for each operand. */
export const entryWords = (operandCount: number): number => 1 + operandCount;

export const programsOf = ({ steps }: Update): readonly Program[] => steps.map(({ program }) => program);

/** About how many instructions four elements take. */
export const updateWeight = (update: Update): number =>
  programsOf(update).reduce((sum, program) => sum + programWeight(program), 0);

/** `run(entries, count, parameters)`: the update of `count` entries of a table; `parameters` is where these lie. */
export function updateKernel(target: Target, update: Update): Kernel {
  return compileKernel(
    target,
    hostsOf(...programsOf(update)),
    (f, host) => {
      const lanes = new Lanes(f, target.relaxed);
      const bodies = programsOf(update).map((program) => new Body(program, lanes, host, 0));
      new Loop(lanes, update, bodies).emit();
    },
    PARAMETER_COUNT,
  );
}

const [ENTRY, COUNT, PARAMETERS] = [0, 1, 2];
const PARAMETER_COUNT = 3;

interface Operand {
  readonly dtype: DType;
  readonly size: number;
  /** A local: where the loop stands. */
  readonly at: number;
}

class Loop {
  private readonly f: FunctionBuilder;
  private readonly lanes: Lanes;
  private readonly update: Update;
  private readonly bodies: readonly Body[];
  private readonly operands: readonly Operand[];
  private readonly parameters: readonly Parameter[];
  /** The elements that are left of an entry. */
  private readonly left: number;

  constructor(lanes: Lanes, update: Update, bodies: readonly Body[]) {
    const { f } = lanes;
    this.f = f;
    this.lanes = lanes;
    this.update = update;
    this.bodies = bodies;
    this.parameters = parametersOf(...programsOf(update));
    this.operands = update.operands.map((dtype) => {
      return { dtype, size: byteLengthOf(dtype), at: f.local(Type.i32) };
    });
    this.left = f.local(Type.i32);
  }

  emit(): void {
    const { f, operands } = this;
    for (const body of this.bodies) body.once(this.surroundings([]));
    f.loop((again) => {
      loadWord(f, ENTRY, 0).set(this.left);
      for (const [k, { at }] of operands.entries()) loadWord(f, ENTRY, 1 + k).set(at);
      const units = unroll(updateWeight(this.update));
      if (units > 1) this.whole(units);
      this.whole(1);
      this.rest();
      f.increase(ENTRY, 4 * entryWords(operands.length));
      f.get(COUNT).i32(1).op(i32.sub).tee(COUNT).brIf(again);
    });
  }

  /** As many turns of so many units as there are. */
  private whole(units: number): void {
    const { f, operands, left } = this;
    f.block((end) =>
      f.loop((again) => {
        f.get(left)
          .i32(UNIT * units)
          .op(i32.ltS)
          .brIf(end);
        for (let unit = 0; unit < units; unit++)
          this.unit(operands.map(({ at, size }) => ({ at, offset: unit * UNIT * size })));
        for (const { at, size } of operands) f.increase(at, units * UNIT * size);
        f.increase(left, -units * UNIT).br(again);
      }),
    );
  }

  /** The elements that make no whole unit. */
  private rest(): void {
    const { f, operands, left } = this;
    f.get(left).if(() => {
      const places = operands.map(({ at, size }) => addresses(this.lanes, at, () => f.i32(size), left));
      this.unit(places, left);
    });
  }

  /** Four elements through all steps, of which the first `count` are stored. */
  private unit(places: readonly Place[], count?: number): void {
    const { lanes, operands } = this;
    const { steps, written } = this.update;
    const values = operands.map(({ dtype }, k) => load(lanes, dtype, places[k]!));
    for (const [i, { target }] of steps.entries()) {
      const result = this.bodies[i]!.unit(this.surroundings(values));
      values[target] = target < operands.length ? asStored(lanes, operands[target]!.dtype, result) : result;
    }
    for (const k of written) store(lanes, operands[k]!.dtype, places[k]!, values[k]!, count);
  }

  private surroundings(values: readonly Value[]): Surroundings {
    return {
      input: (slot) => values[slot]!,
      parameter: (slot, type) => loadParameter(this.lanes, this.parameters, PARAMETERS, 0, slot, type),
      index: (dim) => {
        throw new RangeError(`an update reads an index along dim ${dim}`);
      },
    };
  }
}

/** A result as it is read again once it was stored: a half is rounded. */
const asStored = (lanes: Lanes, dtype: DType, result: Value): Value =>
  cast(lanes, result.kind === 'f64' ? 'float64' : 'float32', dtype, result);
