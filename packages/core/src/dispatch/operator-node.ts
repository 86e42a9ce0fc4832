import { type DType, isDifferentiable } from '../dtype.ts';
import { type Edge, edgeTo, type GradientList, type Gradients, Node } from '../graph/node.ts';
import { SavedTensor } from '../graph/saved.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { deviceEntry } from '../storage/registry.ts';
import { emptyTensor } from './operands.ts';
import type { AnyDeclaration, Attrs, Call, Inputs, Needs, Outputs, Saved, Specs } from './operator.ts';

const edgesOf = (tensors: readonly Tensor[]): (Edge | null)[] => {
  const edges = new Array<Edge | null>(tensors.length);
  for (let i = 0; i < tensors.length; i++)
    edges[i] = isDifferentiable(tensors[i]!.dtype) ? edgeTo(tensors[i]!) : null;
  return edges;
};

const BARE = -1;
/** A rule that takes no more arguments than this does not ask which gradients are wanted. */
const NEEDS_ARGUMENT = 3;
const NO_NEEDS: Needs<Inputs> = {};
const NOTHING_SAVED: Record<string, SavedValue | SavedValue[] | undefined> = {};

/** What stands for a value of which the rule reads the shape alone. */
class SavedShape {
  private readonly dtype: DType;
  private readonly shape: readonly number[];

  constructor({ dtype, shape }: Tensor) {
    this.dtype = dtype;
    this.shape = shape;
  }

  unpack(): Tensor {
    return emptyTensor(deviceEntry('meta'), this.dtype, this.shape);
  }

  release(): void {}
}

type SavedValue = SavedTensor | SavedShape;

/** A recorded operator with a rule of its own. Its edges follow the inputs, lists laid flat. */
export class OperatorNode extends Node {
  private readonly declaration: AnyDeclaration;
  private readonly attrs: Attrs;
  private readonly outputNames: readonly string[];
  private readonly inputNames: readonly string[];
  /** For each input how many tensors it holds; `BARE` for one that is no list. */
  private readonly counts: readonly number[];
  private saved = NOTHING_SAVED;

  constructor(
    name: string,
    declaration: AnyDeclaration,
    call: Call<Inputs, Attrs, Specs>,
    outputNames: readonly string[],
    tensors: readonly Tensor[],
  ) {
    super(name, edgesOf(tensors));
    this.declaration = declaration;
    this.attrs = call.attrs;
    this.outputNames = outputNames;
    const { inputs } = call;
    this.inputNames = Object.keys(inputs).filter((input) => inputs[input] !== undefined);
    this.counts = this.inputNames.map((input) => {
      const value = inputs[input]!;
      return isTensor(value) ? BARE : value.length;
    });
  }

  save(call: Call<Inputs, Attrs, Specs>, outputs: Outputs<Specs>): void {
    const { saves, readFor } = this.declaration;
    if (saves === undefined || saves.length === 0) return;
    const needs = readFor === undefined ? NO_NEEDS : this.needs();
    this.saved = {};
    for (const name of saves) {
      const value = name in outputs ? outputs[name] : call.inputs[name];
      const readers = readFor?.[name];
      const Kept = readers === undefined || readers.some((input) => needs[input]) ? SavedTensor : SavedShape;
      if (isTensor(value)) this.saved[name] = new Kept(value);
      else if (value !== undefined)
        this.saved[name] = (value as readonly Tensor[]).map((item) => new Kept(item));
    }
  }

  apply(dys: Gradients): GradientList {
    const byName: Record<string, Tensor | undefined> = {};
    for (let i = 0; i < this.outputNames.length; i++) byName[this.outputNames[i]!] = dys[i] ?? undefined;
    const saved: Record<string, Tensor | readonly Tensor[] | undefined> = {};
    for (const name in this.saved) {
      const value = this.saved[name];
      saved[name] = Array.isArray(value)
        ? value.map((item) => item.unpack(this.name))
        : value?.unpack(this.name);
    }
    const vjp = this.declaration.vjp!;
    const gradients = vjp(
      byName,
      saved as Saved<Inputs, Specs, string>,
      this.attrs,
      vjp.length > NEEDS_ARGUMENT ? this.needs() : NO_NEEDS,
    );
    const flat = new Array<Tensor | undefined>(this.edges.length);
    let at = 0;
    for (let i = 0; i < this.inputNames.length; i++) {
      const gradient = gradients[this.inputNames[i]!];
      const count = this.counts[i]!;
      if (count === BARE) flat[at++] = gradient as Tensor | undefined;
      else
        for (let k = 0; k < count; k++)
          flat[at++] = (gradient as readonly (Tensor | undefined)[] | undefined)?.[k];
    }
    return flat;
  }

  private needs(): Needs<Inputs> {
    const needs: Record<string, boolean> = {};
    let at = 0;
    for (let i = 0; i < this.inputNames.length; i++) {
      const end = at + (this.counts[i] === BARE ? 1 : this.counts[i]!);
      let needed = false;
      for (; at < end; at++) needed ||= this.edges[at] !== null;
      needs[this.inputNames[i]!] = needed;
    }
    return needs;
  }

  override release(): void {
    for (const name in this.saved) {
      const value = this.saved[name];
      if (Array.isArray(value)) for (const item of value) item.release();
      else value?.release();
    }
  }
}
