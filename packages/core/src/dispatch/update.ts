import { type DType, isFloating, promoteTypes } from '../dtype.ts';
import { ArgumentError, describe } from '../errors.ts';
import { topological } from '../expr/derive.ts';
import { type Expr, input, parameter } from '../expr/expr.ts';
import { compile, computeType } from '../expr/program.ts';
import { gradEnabled } from '../graph/mode.ts';
import { wantsGrad } from '../graph/node.ts';
import { Tensor } from '../graph/tensor.ts';
import { sameShape } from '../shape.ts';
import type { Update, UpdateRow, UpdateStep } from '../storage/contract.ts';
import type { DeviceEntry } from '../storage/registry.ts';
import { scope } from '../storage/scope.ts';
import { flatOperand } from './operands.ts';
import { PointwiseOp } from './pointwise.ts';
import { launchUpdate } from './seams.ts';

export interface UpdateSettings<O extends string, N extends string, L extends string = never> {
  /** The tensors of a row, in order. */
  readonly operands: readonly O[];
  /** Numbers given at the call. None is ever part of a program's key. */
  readonly numbers: readonly N[];
  /** Values that a step makes for those after it. */
  readonly locals?: readonly L[];
  /** What overwrites an operand, or makes a local, in the order in which it happens. */
  readonly steps: { readonly [K in O | L]?: (values: Readonly<Record<O | N | L, Expr>>) => Expr };
}

type Row = readonly Tensor[];
type Numbers = Readonly<Record<string, number>>;

interface Step {
  /** Which operand is overwritten, or which local is made. */
  readonly target: number;
  /** On all operands and locals as inputs, and all numbers as parameters. */
  readonly value: Expr;
  /** The step as an operator of its own, on the operands and locals that it reads: what it overwrites is the first of them. */
  readonly op: PointwiseOp;
  readonly reads: readonly number[];
  readonly numbers: readonly string[];
}

/** An update for the dtypes of a row. */
interface Variant {
  readonly dtypes: readonly DType[];
  readonly update: Update;
}

const updates = new Map<string, Update>();
/** Launches so far: storages note the number of the one that they are part of. */
let launches = 0;

/** An update: steps that overwrite the tensors of rows, all rows in one launch where the device has a kernel for it. */
export class UpdateOp {
  readonly name: string;
  private readonly operands: readonly string[];
  /** Operands and locals. */
  private readonly values: readonly string[];
  private readonly numbers: readonly string[];
  private readonly steps: readonly Step[];
  private readonly written: readonly number[];
  private readonly variants: Variant[] = [];

  constructor(name: string, settings: UpdateSettings<string, string, string>) {
    this.name = name;
    this.operands = settings.operands;
    this.values = [...settings.operands, ...(settings.locals ?? [])];
    this.numbers = settings.numbers;
    this.steps = Object.entries(settings.steps).map(([target, build]) => this.step(target, build!));
    this.written = this.steps.map(({ target }) => target).filter((target) => target < this.operands.length);
  }

  /** Overwrites the rows in their order, as far as anybody can tell. */
  call(rows: readonly Row[], numbers: Numbers): void {
    this.check(rows, numbers);
    const launch = new Launch(
      this,
      this.numbers.map((name) => numbers[name]!),
    );
    let own: readonly Numbers[] | undefined;
    for (const row of rows) {
      if (launch.take(row)) continue;
      launch.run();
      // What a row shares with earlier ones no longer counts; what it shares with itself does.
      if (launch.take(row)) continue;
      const split = (own ??= this.split(numbers));
      scope(() => this.decompose(row, split));
    }
    launch.run();
  }

  /** The numbers that each step reads. */
  private split(numbers: Numbers): readonly Numbers[] {
    return this.steps.map((step) => Object.fromEntries(step.numbers.map((name) => [name, numbers[name]!])));
  }

  private check(rows: readonly Row[], numbers: Numbers): void {
    const { name: op, operands } = this;
    for (const row of rows) {
      if (row.length === operands.length) continue;
      throw new ArgumentError(`${op}: a row holds ${operands.join(', ')}, got ${row.length} tensors`, { op });
    }
    for (const name of this.numbers) {
      if (typeof numbers[name] === 'number') continue;
      throw new ArgumentError(`${op}: ${name} must be a number, got ${describe(numbers[name])}`, { op });
    }
  }

  /** The update for a row's dtypes; undefined where one of them is no floating one. */
  updateFor(row: Row): Update | undefined {
    const known = this.variants.find(({ dtypes }) => row.every((x, k) => x.dtype === dtypes[k]));
    if (known !== undefined) return known.update;
    const dtypes = row.map(({ dtype }) => dtype);
    if (!dtypes.every(isFloating)) return undefined;
    const update = this.compile(dtypes, dtypes.reduce(promoteTypes));
    this.variants.push({ dtypes, update });
    return update;
  }

  /** Notes the change of every target, as in-place operators do. */
  changed(rows: readonly Row[]): void {
    for (const row of rows) {
      for (const k of this.written) {
        const { storage } = row[k]!;
        storage.version += 1;
        storage.changedBy = this.name;
      }
    }
  }

  private compile(dtypes: readonly DType[], compute: DType): Update {
    const locals = this.values.slice(dtypes.length).map(() => computeType(compute));
    const inputs = [...dtypes, ...locals];
    const promoted = inputs.map(() => true);
    const parameterCount = this.numbers.length;
    const steps = this.steps.map(({ target, value }): UpdateStep => {
      const output = inputs[target]!;
      return { target, program: compile(value, { inputs, promoted, compute, output, parameterCount }) };
    });
    const key = steps.map(({ target, program }) => `${target}=${program.key}`).join('|');
    let update = updates.get(key);
    if (update === undefined) {
      update = { key, id: updates.size, operands: dtypes, written: this.written, locals, steps };
      updates.set(key, update);
    }
    return update;
  }

  /** The steps one by one, as pointwise operators, each with the numbers that it reads. */
  private decompose(row: Row, numbers: readonly Numbers[]): void {
    const values = row.slice();
    for (const [i, { op, target, reads }] of this.steps.entries()) {
      const operands = reads.map((k) => values[k]!);
      const own = numbers[i];
      values[target] = target < row.length ? op.callInPlace(operands, own) : op.call(operands, own);
    }
  }

  private step(name: string, build: (values: Readonly<Record<string, Expr>>) => Expr): Step {
    const { values } = this;
    const target = values.indexOf(name);
    const value = build({ ...byName(values, input), ...byName(this.numbers, parameter) });
    const nodes = topological(value);
    const isRead = (kind: 'input' | 'parameter', slot: number): boolean =>
      nodes.some((node) => node.kind === kind && node.data.slot === slot);
    const numbers = this.numbers.filter((_, slot) => isRead('parameter', slot));
    const others = [...values.keys()].filter((k) => k !== target && isRead('input', k));
    const reads = target < this.operands.length ? [target, ...others] : others;
    const names = reads.map((k) => values[k]!);
    const op = new PointwiseOp(
      this.name,
      reads.length,
      (inputs, params) => build({ ...params, ...byName(names, (k) => inputs[k]!) }),
      // No number is ever the default, so that none is compiled into a program.
      { params: Object.fromEntries(numbers.map((number) => [number, Number.NaN])) },
    );
    return { target, value, op, reads, numbers };
  }
}

const byName = (names: readonly string[], make: (place: number) => Expr): Record<string, Expr> =>
  Object.fromEntries(names.map((name, place) => [name, make(place)]));

/** Rows of one device and one list of dtypes, which share no memory: gathered, then launched in one call. */
class Launch {
  private readonly op: UpdateOp;
  private readonly parameters: readonly number[];
  private entry: DeviceEntry | null = null;
  private update: Update | null = null;
  private rows: Row[] = [];
  private placed: UpdateRow[] = [];
  private number = ++launches;

  constructor(op: UpdateOp, parameters: readonly number[]) {
    this.op = op;
    this.parameters = parameters;
  }

  /** Takes a row where it fits to those taken before; false where it does not. */
  take(row: Row): boolean {
    const [first] = row;
    if (!(first instanceof Tensor)) return false;
    const { entry } = first.storage;
    const kernel = entry.kernels.update;
    if (kernel === undefined || (this.entry !== null && this.entry !== entry)) return false;
    if (!isFlat(row, first) || (gradEnabled && row.some(wantsGrad))) return false;
    const update = this.op.updateFor(row);
    if (update === undefined || (this.update !== null && this.update !== update)) return false;
    const placed = { length: first.size, operands: row.map(flatOperand) };
    if (placed.length === 0 || kernel.when?.(update, placed) === false) return false;
    if (!claim(row, this.number)) return false;
    this.entry = entry;
    this.update = update;
    this.rows.push(row);
    this.placed.push(placed);
    return true;
  }

  /** Launches what was gathered, and begins anew. */
  run(): void {
    const { entry, update, rows, placed } = this;
    this.number = ++launches;
    this.entry = null;
    this.update = null;
    if (entry === null || update === null) return;
    this.rows = [];
    this.placed = [];
    launchUpdate(entry, update, placed, this.parameters);
    this.op.changed(rows);
  }
}

/** Whether all of a row are tensors of one shape and device in row-major order. */
function isFlat(row: Row, first: Tensor): boolean {
  for (const x of row) {
    if (!(x instanceof Tensor) || x.disposed || !x.rowMajor) return false;
    if (x.storage.entry !== first.storage.entry || !sameShape(x.shape, first.shape)) return false;
  }
  return true;
}

/** Marks a row's storages as part of a launch; false where one of them is that already. */
function claim(row: Row, launch: number): boolean {
  for (const { storage } of row) {
    if (storage.lastUpdate === launch) return false;
    storage.lastUpdate = launch;
  }
  return true;
}
