import { isDifferentiable } from '../dtype.ts';
import { AutogradError, ShapeError, showShape } from '../errors.ts';
import { anomalyMode, setRecording } from '../graph/mode.ts';
import { addHook, type Edge, edgeTo, LeafNode, type Node } from '../graph/node.ts';
import type { Tensor, TensorHook } from '../graph/tensor.ts';
import { add } from '../ops/arithmetic.ts';
import { sumTo } from '../ops/broadcast.ts';
import { cast, clone } from '../ops/copying.ts';
import { onesOf } from '../ops/filling.ts';
import { sameShape } from '../shape.ts';
import { closeScope, openScope, unscoped } from '../storage/scope.ts';

export interface BackwardOptions {
  /** Keeps the graph's saved values for another backward. Default: `createGraph`. */
  readonly retainGraph?: boolean;
  /** Records the backward pass itself, for gradients of gradients. */
  readonly createGraph?: boolean;
}

/** Where a backward pass starts: an output and the gradient that it receives. */
interface Root {
  readonly edge: Edge;
  readonly gradient: Tensor;
}

const addInPlace = add.inPlace as (target: Tensor, source: Tensor) => Tensor;

/** What a node held for the pass around this one: passes nest where a hook or a custom operator runs another. */
interface Displaced {
  readonly node: Node;
  readonly visitor: object;
  readonly received: (Tensor | null)[];
}

/**
 * Gradients on their way, kept at the nodes that wait for them. A gradient's `holders` counts those places, so that
 * it goes after its last use.
 */
class Pending {
  private readonly displaced: Displaced[] = [];

  /** Notes that a node will be visited. Says whether that is new. */
  expect(node: Node): boolean {
    if (node.visitor === this) return false;
    if (node.visitor !== null) this.displaced.push({ node, visitor: node.visitor, received: node.received });
    node.visitor = this;
    node.received = NOTHING;
    return true;
  }

  /** A gradient for one output of a node; nothing where the node will not be visited. */
  add(node: Node, outputIndex: number, gradient: Tensor): void {
    if (node.visitor !== this) return;
    // Arrays here have the size they need: an array that grows from nothing takes room for many.
    if (node.received === NOTHING)
      node.received = outputIndex === 0 ? [null] : new Array<null>(outputIndex + 1).fill(null);
    const { received } = node;
    while (received.length <= outputIndex) received.push(null);
    const present = received[outputIndex]!;
    const sum = present === null ? gradient : add(present, gradient);
    received[outputIndex] = sum;
    sum.holders += 1;
    if (present !== null) this.drop(present);
  }

  forget(node: Node): void {
    node.visitor = null;
    node.received = NOTHING;
  }

  /** Takes over a new gradient in the place of the one that a hook saw. */
  exchange(before: Tensor, after: Tensor): void {
    if (before === after) return;
    after.holders += 1;
    this.drop(before);
  }

  drop(gradient: Tensor): void {
    gradient.holders -= 1;
    if (gradient.holders === 0 && !gradient.shown) gradient.dispose();
  }

  /** Takes the gradients that came to a node. */
  take(node: Node): (Tensor | null)[] {
    const { received } = node;
    node.received = NOTHING;
    return received;
  }

  /** Leaves the nodes as the pass around this one had them, and drops what an exception left on its way. */
  end(visited: readonly Node[]): void {
    for (let i = 0; i < visited.length; i++) {
      const node = visited[i]!;
      if (node.visitor !== this) continue;
      for (const gradient of node.received) if (gradient !== null) this.drop(gradient);
      this.forget(node);
    }
    for (const { node, visitor, received } of this.displaced) {
      node.visitor = visitor;
      node.received = received;
    }
  }
}

const NOTHING: (Tensor | null)[] = [];

/** Every edge leads to a smaller id, so this order meets a node after all its users. */
const byFallingId = (a: Node, b: Node): number => b.id - a.id;

/** Whether one place alone holds a gradient, in memory of its own. */
const isSole = (gradient: Tensor): boolean =>
  gradient.holders <= 1 && !gradient.shown && gradient.viewLink === null && gradient.rowMajor;

/** One backward pass. With `captures` it collects the gradients of those places, without it those of all leaves. */
class Pass {
  private readonly pending = new Pending();
  private readonly retainGraph: boolean;
  private readonly createGraph: boolean;
  private readonly captures: ReadonlyMap<Node, readonly number[]> | null;
  /** What arrived at the captured places. */
  readonly captured: Map<Node, (Tensor | null)[]> | null;
  /** Gradients of leaves, stored at the very end: a pass that throws changes no leaf. */
  private readonly arrived: { readonly leaf: Tensor; readonly gradient: Tensor }[] = [];

  constructor(options: BackwardOptions, captures: ReadonlyMap<Node, readonly number[]> | null) {
    this.createGraph = options.createGraph ?? false;
    this.retainGraph = options.retainGraph ?? this.createGraph;
    this.captures = captures;
    this.captured = captures === null ? null : new Map();
  }

  run(roots: readonly Root[]): void {
    const { pending } = this;
    const found = this.find(roots);
    const before = setRecording(this.createGraph);
    try {
      const order: Node[] = [];
      for (let i = 0; i < found.length; i++) if (!(found[i] instanceof LeafNode)) order.push(found[i]!);
      order.sort(byFallingId);
      if (this.captures !== null) this.prune(order, this.captures);
      for (const { edge, gradient } of roots) pending.add(edge.node, edge.outputIndex, gradient);
      for (let i = 0; i < order.length; i++) this.visit(order[i]!);
      for (let i = 0; i < found.length; i++) if (found[i] instanceof LeafNode) this.visit(found[i]!);
      for (let i = 0; i < this.arrived.length; i++)
        this.accumulate(this.arrived[i]!.leaf, this.arrived[i]!.gradient);
    } finally {
      setRecording(before);
      pending.end(found);
    }
  }

  /** Every node below the roots. */
  private find(roots: readonly Root[]): Node[] {
    const { pending } = this;
    const found: Node[] = [];
    for (const { edge } of roots) if (pending.expect(edge.node)) found.push(edge.node);
    for (let i = 0; i < found.length; i++) {
      const { edges } = found[i]!;
      for (let k = 0; k < edges.length; k++) {
        const edge = edges[k]!;
        if (edge !== null && pending.expect(edge.node)) found.push(edge.node);
      }
    }
    return found;
  }

  /** Forgets nodes that do not lie on the way to a captured place. */
  private prune(order: readonly Node[], captures: ReadonlyMap<Node, readonly number[]>): void {
    const wanted = new Set<Node>(captures.keys());
    for (let i = order.length - 1; i >= 0; i--) {
      const node = order[i]!;
      if (wanted.has(node)) continue;
      if (node.edges.some((edge) => edge !== null && wanted.has(edge.node))) wanted.add(node);
      else this.pending.forget(node);
    }
  }

  private visit(node: Node): void {
    const dys = this.pending.take(node);
    if (dys.length === 0) return;
    if (node.hooks !== null) this.runHooks(node.hooks, dys);
    const captured = this.captures?.get(node);
    if (captured !== undefined) this.capture(node, captured, dys);
    if (node instanceof LeafNode) {
      if (this.captures === null) this.arrived.push({ leaf: node.leaf, gradient: dys[0]! });
      return;
    }
    this.pass(node, dys);
    if (!this.retainGraph) node.release();
    for (let i = 0; i < dys.length; i++) if (dys[i] !== null) this.pending.drop(dys[i]!);
  }

  private capture(node: Node, places: readonly number[], dys: readonly (Tensor | null)[]): void {
    this.captured?.set(
      node,
      places.map((i) => dys[i] ?? null),
    );
    for (const i of places) if (dys[i]) dys[i].shown = true;
  }

  private runHooks(all: ReadonlyMap<number, TensorHook[]>, dys: (Tensor | null)[]): void {
    for (const [i, hooks] of all) {
      for (const hook of hooks.slice()) {
        const dy = dys[i] ?? null;
        if (dy === null) continue;
        dy.shown = true;
        const replaced = hook(dy);
        if (replaced === undefined || replaced === null) continue;
        if (!sameShape(replaced.shape, dy.shape)) {
          throw new ShapeError(
            `a gradient hook returned ${showShape(replaced.shape)} for a gradient of ${showShape(dy.shape)}`,
          );
        }
        replaced.shown = true;
        this.pending.exchange(dy, replaced);
        dys[i] = replaced;
      }
    }
  }

  /** From a node to those before it. What the rule made on the way goes at once. */
  private pass(node: Node, dys: readonly (Tensor | null)[]): void {
    const { edges } = node;
    const gradients = new Array<Tensor | null>(edges.length);
    const opened = openScope();
    try {
      const raw = this.apply(node, dys);
      for (let i = 0; i < edges.length; i++) {
        const edge = edges[i]!;
        const gradient = raw[i];
        gradients[i] =
          edge === null || gradient === null || gradient === undefined
            ? null
            : this.fit(node, gradient, edge);
      }
    } finally {
      closeScope(opened, gradients);
    }
    for (let i = 0; i < edges.length; i++) {
      const gradient = gradients[i]!;
      if (gradient !== null) this.pending.add(edges[i]!.node, edges[i]!.outputIndex, gradient);
    }
    // What was added to another gradient, or came to a node that is not visited, is held by nobody.
    for (let i = 0; i < edges.length; i++) {
      const gradient = gradients[i]!;
      if (gradient !== null && gradient.holders === 0 && !gradient.shown) gradient.dispose();
    }
  }

  private apply(node: Node, dys: readonly (Tensor | null)[]): readonly (Tensor | null | undefined)[] {
    if (!anomalyMode) return node.apply(dys);
    try {
      const gradients = node.apply(dys);
      for (const [i, gradient] of gradients.entries()) if (gradient) refuseNaN(node, gradient, i);
      return gradients;
    } catch (error) {
      if (error instanceof AutogradError && node.calledAt !== undefined) {
        error.message += `; the forward operator was called at:\n${node.calledAt.split('\n').slice(1).join('\n')}`;
      }
      throw error;
    }
  }

  /** Undoes broadcasting and conversion: the gradient as the input's shape and dtype. */
  private fit(node: Node, gradient: Tensor, edge: Edge): Tensor {
    if (gradient.dtype === edge.dtype && sameShape(gradient.shape, edge.shape)) return gradient;
    try {
      return cast(sumTo(gradient, edge.shape), edge.dtype);
    } catch (error) {
      throw new AutogradError(
        `backward of ${node.name}: its gradient has shape ${showShape(gradient.shape)}, its input ${showShape(edge.shape)}`,
        { op: node.name, cause: error },
      );
    }
  }

  private accumulate(leaf: Tensor, gradient: Tensor): void {
    const { grad } = leaf;
    if (grad === null) {
      leaf.grad = this.createGraph || isSole(gradient) ? gradient : clone(gradient);
      leaf.grad.shown = true;
    } else if (this.createGraph) {
      leaf.grad = add(grad, gradient);
      leaf.grad.shown = true;
    } else {
      addInPlace(grad, gradient);
    }
    this.pending.drop(gradient);
  }
}

function refuseNaN(node: Node, gradient: Tensor, index: number): void {
  const { backend } = gradient.entry;
  if (backend.readSync === undefined || !isDifferentiable(gradient.dtype)) return;
  const total = sumTo(cast(gradient, 'float32'), []);
  const bytes = backend.readSync(total.storage.allocation, total.offset * 4, 4);
  if (Number.isNaN(new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true))) {
    throw new AutogradError(`backward of ${node.name}: the gradient of input ${index} holds NaN`, {
      op: node.name,
    });
  }
}

function rootOf(op: string, output: Tensor, gradient: Tensor | null | undefined): Root {
  const edge = edgeTo(output);
  if (edge === null) {
    throw new AutogradError(
      `${op}: the tensor needs no gradient and was not made from one that does; set requiresGrad on what it is computed from`,
      { op },
    );
  }
  if (gradient === null || gradient === undefined) {
    if (output.size !== 1) {
      throw new AutogradError(
        `${op}: a gradient can be made up only for a tensor of one element, and this one has shape ${showShape(output.shape)}; reduce it first, e.g. y.sum().backward(), or give the gradient`,
        { op, data: { shape: output.shape } },
      );
    }
    return { edge, gradient: onesOf(output) };
  }
  if (!sameShape(gradient.shape, output.shape)) {
    throw new ShapeError(
      `${op}: the gradient has shape ${showShape(gradient.shape)}, the tensor ${showShape(output.shape)}`,
      { op },
    );
  }
  gradient.shown = true;
  return { edge, gradient: cast(gradient, output.dtype) };
}

/**
 * Adds the gradient of `output` to the `grad` of every leaf that it was computed from.
 *
 * @throws {AutogradError} nothing needs a gradient, the graph was used before, or a saved value was changed.
 */
export function backward(output: Tensor, gradient?: Tensor | null, options: BackwardOptions = {}): void {
  unscoped(() => new Pass(options, null).run([rootOf('backward', output, gradient)]));
}

export interface GradOptions extends BackwardOptions {
  /** The gradients of the outputs; ones for outputs of one element. */
  readonly gradOutputs?: Tensor | readonly (Tensor | null)[];
  /** Gives null for inputs that the outputs do not depend on, instead of an error. */
  readonly allowUnused?: boolean;
}

/**
 * The gradients of `outputs` with respect to `inputs`, without touching any `grad`.
 *
 * @throws {AutogradError} an input needs no gradient, or is not part of the graph and `allowUnused` is not set.
 * @example
 * const x = tensor(3, { requiresGrad: true });
 * grad(x.pow(2), [x]); // [tensor(6.)]
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options?: GradOptions & { allowUnused?: false },
): Tensor[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions,
): (Tensor | null)[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const outs = Array.isArray(outputs) ? (outputs as readonly Tensor[]) : [outputs as Tensor];
  const given = options.gradOutputs;
  const gradOutputs = given === undefined ? [] : Array.isArray(given) ? given : [given];
  return unscoped(() => {
    const places = inputs.map((x, i) => {
      const edge = edgeTo(x);
      if (edge === null)
        throw new AutogradError(
          `grad: input ${i} needs no gradient; call requiresGrad_() before it is used`,
          { op: 'grad' },
        );
      return edge;
    });
    const captures = new Map<Node, number[]>();
    for (const { node, outputIndex } of places)
      captures.set(node, [...(captures.get(node) ?? []), outputIndex]);
    const pass = new Pass(options, captures);
    pass.run(outs.map((output, i) => rootOf('grad', output, gradOutputs[i])));
    return places.map(({ node, outputIndex }, i) => {
      const found = pass.captured?.get(node)?.[captures.get(node)!.indexOf(outputIndex)] ?? null;
      if (found === null && !options.allowUnused) {
        throw new AutogradError(
          `grad: the outputs do not depend on input ${i}; pass { allowUnused: true } to get null for it`,
          { op: 'grad' },
        );
      }
      return found;
    });
  });
}

/** Keeps the gradient of a tensor that is no leaf in its `grad`. */
export function retainGrad(tensor: Tensor): void {
  if (tensor.retainsGrad || tensor.isLeaf) return;
  tensor.retainsGrad = true;
  addHook(tensor, (gradient) => {
    tensor.grad = tensor.grad === null ? gradient : add(tensor.grad, gradient);
    tensor.grad.shown = true;
  });
}

/**
 * Lets a function see, and by its result replace, the gradient of a tensor in every backward. Returns the way to
 * take it off.
 */
export const registerHook = (tensor: Tensor, hook: TensorHook): (() => void) => addHook(tensor, hook);
