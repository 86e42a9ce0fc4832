import { type DType, isDifferentiable } from '../dtype.ts';
import { AutogradError, BackendError } from '../errors.ts';
import { gradEnabled, setRecording } from '../graph/mode.ts';
import { wantsGrad } from '../graph/node.ts';
import { isTensor, type Tensor } from '../graph/tensor.ts';
import { sizeOf } from '../shape.ts';
import type { Kernels, TensorOperand } from '../storage/contract.ts';
import type { DeviceEntry } from '../storage/registry.ts';
import { scope } from '../storage/scope.ts';
import type { Storage } from '../storage/storage.ts';
import { commonEntry, emptyTensor } from './operands.ts';
import { OperatorNode } from './operator-node.ts';
import { kernelsOf, launchFused } from './seams.ts';

/** What an operator takes: tensors by name; some may be absent, some are lists. */
export type Inputs = Readonly<Record<string, Tensor | readonly Tensor[] | undefined>>;
/** Plain data by name. */
export type Attrs = Readonly<Record<string, unknown>>;

/** Shape and dtype of a tensor that does not exist yet. */
export interface Spec {
  readonly shape: readonly number[];
  readonly dtype: DType;
}
export type Specs = Readonly<Record<string, Spec>>;

/** A call made ready: checked, with defaults filled in. */
export interface Call<I extends Inputs, A extends Attrs, O extends Specs> {
  readonly inputs: I;
  readonly attrs: A;
  readonly outputs: O;
}

export type Outputs<O> = { readonly [K in keyof O]: Tensor };
export type OutputGradients<O> = { readonly [K in keyof O]?: Tensor | undefined };
export type InputGradients<I> = {
  readonly [K in keyof I]?: Tensor | readonly (Tensor | undefined)[] | undefined;
};
export type Needs<I> = { readonly [K in keyof I]: boolean };
export type Saved<I, O, S> = {
  readonly [K in keyof (I & Outputs<O>) as K extends S ? K : never]: (I & Outputs<O>)[K];
};

interface Common<Args extends unknown[], I extends Inputs, A extends Attrs, O extends Specs, S> {
  /** Checks the arguments, fills in defaults, and says what comes out. */
  infer(...args: Args): Call<I, A, O>;
  /** The inputs and outputs that `vjp` reads; nothing else is kept alive. */
  readonly saves?: readonly S[];
  /**
   * Which of them only some inputs' gradients read. Where none of those is wanted, `vjp` gets the value without its data,
   * on the meta device: the shape can be read, and the memory is not kept alive.
   */
  readonly readFor?: { readonly [K in NoInfer<S> & string]?: readonly (keyof I & string)[] };
  /** Outputs that the caller gets; by default all. The others are for the gradient. */
  readonly returns?: readonly (keyof O & string)[];
  /**
   * Whether `vjp` is for what a fused kernel computed alone. A decomposition then records its parts, which keep what
   * the rule would compute again.
   */
  readonly fusedRule?: boolean;
  /** Gradients of the inputs that `needs` names, from those of the outputs, each of which may be absent. */
  vjp?(dys: OutputGradients<O>, saved: Saved<I, O, S>, attrs: A, needs: Needs<I>): InputGradients<I>;
}

export interface PrimitiveDeclaration<
  Args extends unknown[],
  I extends Inputs,
  A extends Attrs,
  O extends Specs,
  S,
> extends Common<Args, I, A, O, S> {
  /** Calls the kernel. Not called when every output is empty. */
  run(kernels: Kernels, outputs: Outputs<O>, inputs: I, attrs: A): void;
}

export interface CompositeDeclaration<
  Args extends unknown[],
  I extends Inputs,
  A extends Attrs,
  O extends Specs,
  S,
> extends Common<Args, I, A, O, S> {
  /** The same by public operators. Reads no values. One output may be returned bare. */
  decompose(inputs: I, attrs: A): Tensor | Partial<Outputs<O>>;
}

// Declarations of all operators share one class; their own types are checked where they are declared.
export interface AnyDeclaration extends Common<unknown[], Inputs, Attrs, Specs, string> {
  run?(kernels: Kernels, outputs: Outputs<Specs>, inputs: Inputs, attrs: Attrs): void;
  decompose?(inputs: Inputs, attrs: Attrs): Tensor | Outputs<Specs>;
}

/** A primitive or composite operator. */
export class Operator {
  readonly name: string;
  private readonly declaration: AnyDeclaration;

  constructor(name: string, declaration: unknown) {
    this.name = name;
    this.declaration = declaration as AnyDeclaration;
  }

  call(args: readonly unknown[]): Tensor | Outputs<Specs> {
    const call = this.declaration.infer(...args);
    const tensors = flatten(call.inputs);
    const entry = commonEntry(this.name, tensors);
    const outputs = this.compute(entry, call, gradEnabled && tensors.some(wantsGrad), tensors);
    return this.result(outputs, call.outputs);
  }

  private compute(
    entry: DeviceEntry,
    call: Call<Inputs, Attrs, Specs>,
    recording: boolean,
    tensors: readonly Tensor[],
  ): Outputs<Specs> {
    const { declaration } = this;
    const ownRule =
      recording &&
      declaration.vjp !== undefined &&
      (!declaration.fusedRule || this.fusedFor(entry, call) !== undefined);
    if (declaration.run === undefined && recording && !ownRule) return scope(() => this.decompose(call));
    if (!ownRule) return this.execute(entry, call);
    const before = setRecording(false);
    let outputs: Outputs<Specs>;
    try {
      outputs = this.execute(entry, call);
    } finally {
      setRecording(before);
    }
    this.record(call, outputs, tensors);
    return outputs;
  }

  /** Runs the kernel of the device, or the decomposition. */
  private execute(entry: DeviceEntry, call: Call<Inputs, Attrs, Specs>): Outputs<Specs> {
    const { run } = this.declaration;
    if (run !== undefined) {
      const outputs = allocateOutputs(entry, call.outputs);
      if (!allEmpty(outputs)) run(kernelsOf(entry), outputs, call.inputs, call.attrs);
      return outputs;
    }
    return (
      this.fused(entry, call) ??
      severed(
        call,
        scope(() => this.decompose(call)),
      )
    );
  }

  private fused(entry: DeviceEntry, call: Call<Inputs, Attrs, Specs>): Outputs<Specs> | undefined {
    const found = this.fusedFor(entry, call);
    if (found === undefined) return undefined;
    const outputs = allocateOutputs(entry, call.outputs);
    launchFused(
      entry,
      this.name,
      found.kernel,
      operandsOf(outputs) as Record<string, TensorOperand>,
      found.inputs,
      call.attrs,
    );
    return outputs;
  }

  /** The device's kernel for this operator, where it takes the case. */
  private fusedFor(entry: DeviceEntry, call: Call<Inputs, Attrs, Specs>) {
    const kernel = entry.fused(this.name);
    if (kernel === undefined) return undefined;
    const inputs = operandsOf(call.inputs);
    return kernel.when === undefined || kernel.when(inputs, call.attrs) ? { kernel, inputs } : undefined;
  }

  private decompose(call: Call<Inputs, Attrs, Specs>): Outputs<Specs> {
    const { decompose } = this.declaration;
    if (decompose === undefined)
      throw new BackendError(`${this.name} has neither a kernel nor a decomposition`, { op: this.name });
    const result = decompose(call.inputs, call.attrs);
    return isTensor(result) ? { [Object.keys(call.outputs)[0]!]: result } : result;
  }

  private record(
    call: Call<Inputs, Attrs, Specs>,
    outputs: Outputs<Specs>,
    tensors: readonly Tensor[],
  ): void {
    const names = Object.keys(call.outputs);
    if (!names.some((name) => outputs[name] !== undefined && isDifferentiable(outputs[name].dtype))) return;
    const node = new OperatorNode(this.name, this.declaration, call, names, tensors);
    for (let i = 0; i < names.length; i++) {
      const output = outputs[names[i]!];
      if (output === undefined || !isDifferentiable(output.dtype)) continue;
      if (tensors.includes(output)) {
        throw new AutogradError(
          `${this.name}: its decomposition returns an input as it is, which cannot carry a gradient rule; return clone(x)`,
          { op: this.name },
        );
      }
      output.node = node;
      output.outputIndex = i;
    }
    node.save(call, outputs);
  }

  private result(outputs: Outputs<Specs>, specs: Specs): Tensor | Outputs<Specs> {
    const { returns } = this.declaration;
    const names = returns ?? Object.keys(specs);
    if (returns !== undefined)
      for (const name in outputs) if (!names.includes(name)) outputs[name]?.dispose();
    if (names.length === 1) return outputs[names[0]!]!;
    return Object.fromEntries(names.map((name) => [name, outputs[name]!]));
  }
}

/** Outputs that are views of what only the decomposition saw become tensors of their own: nothing else shares their memory. */
function severed(call: Call<Inputs, Attrs, Specs>, outputs: Outputs<Specs>): Outputs<Specs> {
  for (const name in outputs) {
    const output = outputs[name];
    if (
      output !== undefined &&
      output.viewLink !== null &&
      flatten(call.inputs).every((x) => x.storage !== output.storage)
    )
      output.viewLink = null;
  }
  return outputs;
}

function allEmpty(outputs: Outputs<Specs>): boolean {
  for (const name in outputs) if (sizeOf(outputs[name]!.shape) > 0) return false;
  return true;
}

function allocateOutputs(entry: DeviceEntry, specs: Specs): Outputs<Specs> {
  const outputs: Record<string, Tensor> = {};
  for (const name in specs) outputs[name] = emptyTensor(entry, specs[name]!.dtype, specs[name]!.shape);
  return outputs;
}

function operandsOf(tensors: Inputs): Record<string, TensorOperand | undefined> {
  const operands: Record<string, TensorOperand | undefined> = {};
  for (const name in tensors) {
    const value = tensors[name];
    if (isTensor(value)) operands[name] = shapedOperand(value);
    else if (value !== undefined)
      for (const [i, item] of value.entries()) operands[`${name}.${i}`] = shapedOperand(item);
  }
  return operands;
}

/** Holds the storage too: what a kernel is going to read must not be taken for dropped while its outputs are allocated. */
const shapedOperand = (x: Tensor): TensorOperand & { readonly storage: Storage } => ({
  allocation: x.storage.allocation,
  dtype: x.dtype,
  offset: x.offset,
  strides: x.strides,
  shape: x.shape,
  storage: x.storage,
});

/** All tensors among the inputs, in order. */
export function flatten(inputs: Inputs): Tensor[] {
  const values = Object.values(inputs);
  return values.every(isTensor) ? values : values.flatMap((value) => value ?? []);
}
