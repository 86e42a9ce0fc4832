import { isDifferentiable } from '../dtype.ts';
import { ArgumentError, describe } from '../errors.ts';
import { gradEnabled, withRecording } from '../graph/mode.ts';
import { edgeTo, type GradientList, type Gradients, Node, nodeOf, wantsGrad } from '../graph/node.ts';
import { checkAlive, isTensor, Tensor, type ViewLink } from '../graph/tensor.ts';
import { unscoped } from '../storage/scope.ts';

/** Where the elements of a view lie in its input's storage. */
export interface Geometry {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** What a gradient rule of a view sees of the input: where its elements lay. */
export type ViewInput = Geometry;

export interface ViewDeclaration<A extends unknown[]> {
  /** Checks the arguments and says where the view's elements lie. */
  infer(x: Tensor, ...args: A): Geometry;
  /** From the gradient of the view to that of the input. */
  vjp(dy: Tensor, x: ViewInput, ...args: A): Tensor;
  /** Whether the view has some of the elements, each once: its gradient is then the same view of the input's. */
  readonly takesSome?: boolean;
}

/** An operator that shares its input's memory. */
export class ViewOp<A extends unknown[]> {
  readonly name: string;
  readonly declaration: ViewDeclaration<A>;

  constructor(name: string, declaration: ViewDeclaration<A>) {
    this.name = name;
    this.declaration = declaration;
  }

  call(x: Tensor, args: A): Tensor {
    if (!isTensor(x))
      throw new ArgumentError(`${this.name}: the input must be a tensor, got ${describe(x)}`, {
        op: this.name,
      });
    checkAlive(this.name, x);
    return this.make(x, args);
  }

  /** The view, also of a handle that was dropped while others keep its storage. */
  make(x: Tensor, args: A): Tensor {
    const { shape, strides, offset } = this.declaration.infer(x, ...args);
    const y = new Tensor(x.storage, x.dtype, shape, strides, offset);
    y.viewLink = new Link(x, this as unknown as AnyView, args);
    if (gradEnabled && isDifferentiable(x.dtype) && wantsGrad(x))
      y.node = new ViewNode(this as unknown as AnyView, x, args);
    return y;
  }

  /** Marks `views`, made by one operator, as closed to in-place operators while a graph is recorded. */
  static freeze(op: string, views: readonly Tensor[]): void {
    for (const view of views) {
      if (view.viewLink instanceof Link)
        view.viewLink.frozen = `this is one of several views that ${op} made, and the others would not follow`;
    }
  }
}

// A view's arguments are plain data that only its own declaration reads.
type AnyView = ViewOp<unknown[]>;

class Link implements ViewLink {
  readonly base: Tensor;
  frozen: string | null;
  private readonly parent: Tensor;
  private readonly op: AnyView;
  private readonly args: unknown[];
  /** The base's node that the view's own was derived from. */
  private baseNode: Node | null;

  constructor(parent: Tensor, op: AnyView, args: unknown[]) {
    this.parent = parent;
    this.op = op;
    this.args = args;
    this.base = parent.viewLink === null ? parent : parent.viewLink.base;
    this.frozen = gradEnabled
      ? (parent.viewLink?.frozen ?? null)
      : 'this view was made inside noGrad, so its base would not notice';
    this.baseNode = nodeOf(this.base);
  }

  replay(base: Tensor): Tensor {
    const parent = this.parent.viewLink === null ? base : this.parent.viewLink.replay(base);
    return this.op.make(parent, this.args);
  }

  refresh(view: Tensor): void {
    if (this.base.node === this.baseNode) return;
    const node = this.base.node;
    this.baseNode = node;
    if (node === null) return;
    // The fresh view is dropped at once: only its place in the graph is wanted.
    const fresh = unscoped(() => withRecording(true, () => this.replay(this.base)));
    view.node = fresh.node;
    view.outputIndex = fresh.outputIndex;
    fresh.dispose();
  }
}

class ViewNode extends Node {
  private readonly op: AnyView;
  private readonly input: ViewInput;
  private readonly args: unknown[];

  constructor(op: AnyView, x: Tensor, args: unknown[]) {
    super(op.name, [edgeTo(x)]);
    this.op = op;
    this.input = { shape: x.shape, strides: x.strides, offset: x.offset };
    this.args = args;
  }

  apply([dy]: Gradients): GradientList {
    if (dy === null || dy === undefined) return [null];
    return [this.op.declaration.vjp(dy, this.input, ...this.args)];
  }

  override get hasPlace(): boolean {
    return this.op.declaration.takesSome ?? false;
  }

  override placeIn(whole: Tensor): Tensor {
    return this.op.make(whole, this.args);
  }
}
