import type { DType } from '../dtype.ts';
import { AutogradError } from '../errors.ts';
import { anomalyMode } from './mode.ts';
import type { Tensor, TensorHook } from './tensor.ts';

let nextId = 0;
const NONE: (Tensor | null)[] = [];

/** Gradients, one for each output or input; null where nothing flows. */
export type Gradients = readonly (Tensor | null | undefined)[];
/** The same, made by one who hands it over. */
export type GradientList = (Tensor | null | undefined)[];

/** Where a gradient goes next: a node's output, and the form that it must have there. */
export interface Edge {
  readonly node: Node;
  readonly outputIndex: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Deep enough to leave core's own frames behind. */
const STACK_DEPTH = 50;

function callStack(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = STACK_DEPTH;
  const { stack } = new Error('forward');
  Error.stackTraceLimit = limit;
  return stack;
}

/**
 * A recorded operator. Every edge leads to a node with a smaller `id`, so that going through nodes by falling `id`
 * meets each one after all its users.
 */
export abstract class Node {
  readonly name: string;
  readonly edges: readonly (Edge | null)[];
  readonly id: number;
  /** Functions that see, and may replace, the gradient of an output before `apply`: by output index. */
  hooks: Map<number, TensorHook[]> | null = null;
  /** The backward pass that is going to visit this node, and the gradients of the outputs that have come so far. */
  visitor: object | null = null;
  received: (Tensor | null)[] = NONE;
  /** Where the operator was called; set in anomaly mode. */
  readonly calledAt: string | undefined;

  constructor(name: string, edges: readonly (Edge | null)[]) {
    this.name = name;
    this.edges = edges;
    this.id = nextId++;
    this.calledAt = anomalyMode ? callStack() : undefined;
  }

  /** From the gradients of the outputs to those of the inputs, in the order of `edges`: a list that the caller may change. */
  abstract apply(dys: Gradients): GradientList;

  /** Whether all that the node does is to put its output's gradient into a place of its only input's. */
  get hasPlace(): boolean {
    return false;
  }

  /** That place in what has come together at the input so far, for a node that `hasPlace`. */
  placeIn(whole: Tensor): Tensor {
    return whole;
  }

  /** Lets go of what was saved for `apply`. */
  release(): void {}
}

/** The end of the graph at a leaf: what arrives is added to the leaf's `grad`. */
export class LeafNode extends Node {
  readonly leaf: Tensor;
  private cached: Edge | null = null;

  constructor(leaf: Tensor) {
    super('leaf', []);
    this.leaf = leaf;
  }

  apply(): GradientList {
    return [];
  }

  /** The way to the leaf, the same for all that use it. */
  edge(): Edge {
    return (this.cached ??= { node: this, outputIndex: 0, shape: this.leaf.shape, dtype: this.leaf.dtype });
  }
}

const leafNode = (leaf: Tensor): LeafNode => (leaf.leaf ??= new LeafNode(leaf));

/**
 * The node whose output a tensor is. A view whose base was changed in place since derives its node anew.
 */
export function nodeOf(tensor: Tensor): Node | null {
  tensor.viewLink?.refresh(tensor);
  return tensor.node;
}

/** Where the gradient of an input goes; null where none is wanted. */
export function edgeTo(tensor: Tensor): Edge | null {
  const node = nodeOf(tensor);
  if (node === null) return tensor.leafRequiresGrad ? leafNode(tensor).edge() : null;
  return { node, outputIndex: tensor.outputIndex, shape: tensor.shape, dtype: tensor.dtype };
}

/** Whether a gradient is wanted for a tensor. */
export const wantsGrad = (tensor: Tensor): boolean =>
  tensor.leafRequiresGrad || tensor.node !== null || (tensor.viewLink !== null && nodeOf(tensor) !== null);

/**
 * Adds a function that sees the gradient of a tensor in `backward`. Returns the way to take it off again.
 */
export function addHook(tensor: Tensor, hook: TensorHook): () => void {
  const edge = edgeTo(tensor);
  if (edge === null)
    throw new AutogradError('registerHook: the tensor needs no gradient; call requiresGrad_() first', {
      op: 'registerHook',
    });
  const { node, outputIndex } = edge;
  node.hooks ??= new Map();
  const hooks = node.hooks.get(outputIndex) ?? [];
  node.hooks.set(outputIndex, hooks);
  hooks.push(hook);
  return () => {
    const at = hooks.indexOf(hook);
    if (at >= 0) hooks.splice(at, 1);
  };
}
