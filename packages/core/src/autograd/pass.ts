import { pointwiseOf } from '../dispatch/declare.ts';
import { AutogradError, ShapeError, showShape } from '../errors.ts';
import { anomalyMode, setRecording } from '../graph/mode.ts';
import { type Edge, type GradientList, LeafNode, type Node } from '../graph/node.ts';
import type { Tensor, TensorHook } from '../graph/tensor.ts';
import { add } from '../ops/arithmetic.ts';
import { sumTo } from '../ops/broadcast.ts';
import { cast, clone } from '../ops/copying.ts';
import { sameShape } from '../shape.ts';
import { closeScope, openScope, scope } from '../storage/scope.ts';
import { applyRule } from './anomaly.ts';
import { NodeList } from './node-list.ts';

export interface BackwardOptions {
  /** Keeps the graph's saved values for another backward. Default: `createGraph`. */
  readonly retainGraph?: boolean;
  /** Records the backward pass itself, for gradients of gradients. */
  readonly createGraph?: boolean;
}

/** Where a backward pass starts: an output and the gradient that it receives. */
export interface Root {
  readonly edge: Edge;
  readonly gradient: Tensor;
}

const addInPlace = add.inPlace as (target: Tensor, source: Tensor) => Tensor;
const addition = pointwiseOf(add);

/** What a node held for the pass around this one: passes nest where a hook or a custom operator runs another. */
interface Displaced {
  readonly node: Node;
  readonly visitor: object;
  readonly received: (Tensor | null)[];
}

const NOTHING: (Tensor | null)[] = [];

/** Whether one place alone holds a gradient, in memory of its own. */
const isSole = (gradient: Tensor): boolean =>
  gradient.holders <= 1 && gradient.droppable && gradient.viewLink === null && gradient.rowMajor;

export type Captures = ReadonlyMap<Node, readonly number[]>;

/**
 * One backward pass. Gradients on their way are kept at the nodes that wait for them; a gradient's `holders` counts
 * those places, so that it goes after its last use. With `captures` it collects the gradients of those places, without
 * it those of all leaves.
 */
class Pass {
  private readonly inner = new NodeList();
  private readonly leaves = new NodeList();
  private displaced: Displaced[] | null = null;
  private retainGraph = false;
  private createGraph = false;
  private captures: Captures | null = null;
  private captured: Map<Node, (Tensor | null)[]> | null = null;

  /** What comes back is what arrived at the captured places. */
  run(
    roots: readonly Root[],
    options: BackwardOptions,
    captures: Captures | null,
  ): ReadonlyMap<Node, readonly (Tensor | null)[]> | null {
    this.createGraph = options.createGraph ?? false;
    this.retainGraph = options.retainGraph ?? this.createGraph;
    this.captures = captures;
    const captured = captures === null ? null : new Map<Node, (Tensor | null)[]>();
    this.captured = captured;
    const { inner, leaves } = this;
    const before = setRecording(this.createGraph);
    try {
      this.find(roots);
      inner.sortByFallingId();
      if (captures !== null) this.prune(captures);
      for (let i = 0; i < roots.length; i++) {
        const { edge, gradient } = roots[i]!;
        this.add(edge.node, edge.outputIndex, gradient);
      }
      for (let i = 0; i < inner.length; i++) this.visit(inner.at(i));
      for (let i = 0; i < leaves.length; i++) this.arrive(leaves.at(i));
      // Stored at the very end: a pass that throws changes no leaf.
      if (captures === null) for (let i = 0; i < leaves.length; i++) this.store(leaves.at(i) as LeafNode);
    } finally {
      setRecording(before);
      this.end();
    }
    return captured;
  }

  /** Every node below the roots. */
  private find(roots: readonly Root[]): void {
    const { inner } = this;
    for (let i = 0; i < roots.length; i++) this.expect(roots[i]!.edge.node);
    for (let i = 0; i < inner.length; i++) {
      const { edges } = inner.at(i);
      for (let k = 0; k < edges.length; k++) {
        const edge = edges[k]!;
        if (edge !== null) this.expect(edge.node);
      }
    }
  }

  /** Notes that a node will be visited. */
  private expect(node: Node): void {
    if (node.visitor === this) return;
    if (node.visitor !== null) {
      this.displaced ??= [];
      this.displaced.push({ node, visitor: node.visitor, received: node.received });
    }
    node.visitor = this;
    node.received = NOTHING;
    (node instanceof LeafNode ? this.leaves : this.inner).push(node);
  }

  /** Forgets nodes that do not lie on the way to a captured place. */
  private prune(captures: Captures): void {
    const { inner } = this;
    const wanted = new Set<Node>(captures.keys());
    for (let i = inner.length - 1; i >= 0; i--) {
      const node = inner.at(i);
      if (wanted.has(node)) continue;
      if (node.edges.some((edge) => edge !== null && wanted.has(edge.node))) wanted.add(node);
      else forget(node);
    }
  }

  /** A gradient for one output of a node; nothing where the node will not be visited. */
  private add(node: Node, outputIndex: number, gradient: Tensor): void {
    if (node.visitor !== this) return;
    // Arrays here have the size they need: an array that grows from nothing takes room for many.
    if (node.received === NOTHING)
      node.received = outputIndex === 0 ? [null] : new Array<null>(outputIndex + 1).fill(null);
    const { received } = node;
    while (received.length <= outputIndex) received.push(null);
    const present = received[outputIndex]!;
    const sum = present === null ? gradient : this.sum(present, gradient);
    if (sum === present) return;
    received[outputIndex] = sum;
    sum.holders += 1;
    if (present !== null) drop(present);
  }

  /** The sum of two gradients: in the memory of the first, where nobody else holds it. */
  private sum(present: Tensor, gradient: Tensor): Tensor {
    const taken = this.mayTake(present);
    return taken && addition.overwriteAlike(present, gradient) ? present : add(present, gradient);
  }

  private mayTake(present: Tensor): boolean {
    return !this.createGraph && isSole(present) && present.storage.isSole;
  }

  /**
   * Adds a gradient to its place in the sum that waits at the node's input, so that many parts of one tensor cost no more
   * than the tensor; false where there is no such place.
   */
  private addInPlace(node: Node, [dy]: readonly (Tensor | null)[]): boolean {
    if (!node.hasPlace || !dy || anomalyMode) return false;
    const {
      edges: [edge],
    } = node;
    if (!edge || edge.node.visitor !== this) return false;
    const present = edge.node.received[edge.outputIndex] ?? null;
    if (present === null || present.dtype !== dy.dtype || !this.mayTake(present)) return false;
    scope(() => void addInPlace(node.placeIn(present), dy));
    return true;
  }

  private visit(node: Node): void {
    this.arrive(node);
    const dys = node.received;
    if (dys.length === 0) return;
    node.received = NOTHING;
    this.pass(node, dys);
    if (!this.retainGraph) node.release();
    for (let i = 0; i < dys.length; i++) if (dys[i] !== null) drop(dys[i]!);
  }

  /** All gradients of a node are there: hooks see them, and captured places take them. */
  private arrive(node: Node): void {
    if (node.received.length === 0) return;
    if (node.hooks !== null) runHooks(node.hooks, node.received);
    const places = this.captures?.get(node);
    if (places === undefined) return;
    const dys = node.received;
    this.captured?.set(
      node,
      places.map((i) => dys[i] ?? null),
    );
    // Whoever asked for them holds them.
    for (const i of places) if (dys[i]) dys[i].holders += 1;
  }

  /** From a node to those before it. What the rule made on the way goes at once. */
  private pass(node: Node, dys: readonly (Tensor | null)[]): void {
    const { edges } = node;
    if (this.addInPlace(node, dys)) return;
    let gradients: GradientList = NOTHING;
    const mark = openScope();
    try {
      gradients = applyRule(node, dys);
      for (let i = 0; i < edges.length; i++) {
        const edge = edges[i]!;
        const gradient = gradients[i];
        gradients[i] = edge === null || !gradient ? null : fit(node, gradient, edge);
      }
    } finally {
      closeScope(mark, gradients);
    }
    for (let i = 0; i < edges.length; i++) {
      const gradient = gradients[i];
      if (gradient) this.add(edges[i]!.node, edges[i]!.outputIndex, gradient);
    }
    // What was added to another gradient, or came to a node that is not visited, is held by nobody.
    for (let i = 0; i < edges.length; i++) {
      const gradient = gradients[i];
      if (gradient && gradient.holders === 0 && gradient.droppable) gradient.dispose();
    }
  }

  private store(node: LeafNode): void {
    const gradient = node.received[0] ?? null;
    if (gradient === null) return;
    node.received = NOTHING;
    const { leaf } = node;
    const { ownGrad } = leaf;
    // Where the pass is recorded, the graph leads on from these handles, and several leaves may share one.
    if (this.createGraph) leaf.grad = ownGrad === null ? gradient : add(ownGrad, gradient);
    else if (ownGrad !== null) addInPlace(ownGrad, gradient);
    else leaf.keepGrad(isSole(gradient) ? gradient : clone(gradient));
    drop(gradient);
  }

  /** Leaves the nodes as the pass around this one had them, and drops what an exception left on its way. */
  private end(): void {
    this.release(this.inner);
    this.release(this.leaves);
    for (const { node, visitor, received } of this.displaced ?? []) {
      node.visitor = visitor;
      node.received = received;
    }
    this.displaced = null;
    this.captures = null;
    this.captured = null;
  }

  private release(nodes: NodeList): void {
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes.at(i);
      if (node.visitor !== this) continue;
      for (let k = 0; k < node.received.length; k++) if (node.received[k]) drop(node.received[k]!);
      forget(node);
    }
    nodes.clear();
  }
}

/** Passes that are not running, for use again: more than one where passes nest. */
const idle: Pass[] = [];

export function runPass(
  roots: readonly Root[],
  options: BackwardOptions,
  captures: Captures | null,
): ReadonlyMap<Node, readonly (Tensor | null)[]> | null {
  const pass = idle.pop() ?? new Pass();
  try {
    return pass.run(roots, options, captures);
  } finally {
    idle.push(pass);
  }
}

function forget(node: Node): void {
  node.visitor = null;
  node.received = NOTHING;
}

function drop(gradient: Tensor): void {
  gradient.holders -= 1;
  if (gradient.holders === 0 && gradient.droppable) gradient.dispose();
}

function runHooks(all: ReadonlyMap<number, TensorHook[]>, dys: (Tensor | null)[]): void {
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
      if (replaced === dy) continue;
      replaced.holders += 1;
      drop(dy);
      dys[i] = replaced;
    }
  }
}

/** Undoes broadcasting and conversion: the gradient as the input's shape and dtype. */
function fit(node: Node, gradient: Tensor, edge: Edge): Tensor {
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
