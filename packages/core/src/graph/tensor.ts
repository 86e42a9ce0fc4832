import type { DType } from '../dtype.ts';
import { AutogradError, FlambeauError } from '../errors.ts';
import { isContiguous, sizeOf } from '../shape.ts';
import type { Operand } from '../storage/contract.ts';
import type { Device, DeviceEntry } from '../storage/registry.ts';
import { track } from '../storage/scope.ts';
import type { Storage } from '../storage/storage.ts';
import type { TensorMethods } from '../tensor/methods.generated.ts';
import { type LeafNode, type Node, nodeOf, wantsGrad } from './node.ts';

const ROW_MAJOR = 1;
const COLLECTS = 2;
const RETAINS = 4;
const SHOWN = 8;
const DISPOSED = 16;
const KEPT = 32;

const withFlag = (flags: number, flag: number, value: boolean): number =>
  value ? flags | flag : flags & ~flag;

const BRAND = Symbol.for('flambeau.Tensor');

/** How a view came about, so that in-place changes through it, or below it, reach the graph. */
export interface ViewLink {
  readonly base: Tensor;
  /** Makes the view again, of another tensor of the base's shape. */
  replay(base: Tensor): Tensor;
  /** Derives the view's node anew where its base was changed in place since. */
  refresh(view: Tensor): void;
  /** Why an in-place operator may not go through this view while a graph is recorded; null where it may. */
  readonly frozen: string | null;
}

/** A function that sees a gradient on its way and may replace it. */
export type TensorHook = (gradient: Tensor) => Tensor | undefined;

/**
 * An n-dimensional array: a view of a storage, with an optional place in the graph of gradients. Its operators are
 * installed as methods from their declarations.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are installed on the prototype from the operators' declarations
export class Tensor {
  readonly storage: Storage;
  readonly dtype: DType;
  /** Sizes; never changed, shared between tensors. */
  readonly shape: readonly number[];
  /** Distance between neighbours along each dimension, in elements. */
  readonly strides: readonly number[];
  /** Position of the first element in the storage, in elements. */
  readonly offset: number;
  /** The operator that made this value, where a gradient may flow through it. */
  node: Node | null = null;
  /** Which output of `node` this is. */
  outputIndex = 0;
  /** @internal `grad`, for code of the framework that hands it to nobody. Written by `keepGrad`. */
  ownGrad: Tensor | null = null;
  /** How this came about, if it is a view. */
  viewLink: ViewLink | null = null;
  /** The end of the graph at this leaf, once something was recorded on it. */
  leaf: LeafNode | null = null;
  /** Truths about this handle, as bits: a field each would make every handle a third larger. */
  private flags: number;
  /** @internal This, in row-major order, as kernels see it: made when first needed. */
  flat: Operand | null = null;
  /** How many places of a running backward pass hold this handle. */
  holders = 0;

  constructor(
    storage: Storage,
    dtype: DType,
    shape: readonly number[],
    strides: readonly number[],
    offset: number,
  ) {
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
    this.flags = isContiguous(shape, strides) ? ROW_MAJOR : 0;
    storage.retain();
    track(this);
  }

  /** @internal Notes how the elements lie, after the fields that say it changed. */
  layOut(): void {
    this.flags = withFlag(this.flags, ROW_MAJOR, isContiguous(this.shape, this.strides));
    this.flat = null;
  }

  /** Whether the elements lie in row-major order without gaps. */
  get rowMajor(): boolean {
    return (this.flags & ROW_MAJOR) !== 0;
  }

  /** Whether this is a leaf that collects a gradient. */
  get leafRequiresGrad(): boolean {
    return (this.flags & COLLECTS) !== 0;
  }

  set leafRequiresGrad(value: boolean) {
    this.flags = withFlag(this.flags, COLLECTS, value);
  }

  /** Set by `retainGrad()`. */
  get retainsGrad(): boolean {
    return (this.flags & RETAINS) !== 0;
  }

  set retainsGrad(value: boolean) {
    this.flags = withFlag(this.flags, RETAINS, value);
  }

  /** Whether user code has seen this handle, so that no scope may drop it. */
  get shown(): boolean {
    return (this.flags & SHOWN) !== 0;
  }

  set shown(value: boolean) {
    this.flags = withFlag(this.flags, SHOWN, value);
  }

  /** @internal Whether the framework alone holds this handle, and nowhere but on its way. */
  get droppable(): boolean {
    return (this.flags & (SHOWN | KEPT)) === 0;
  }

  get disposed(): boolean {
    return (this.flags & DISPOSED) !== 0;
  }

  /** The sum of gradients that `backward()` brought here; null before. */
  get grad(): Tensor | null {
    const { ownGrad } = this;
    if (ownGrad !== null) ownGrad.shown = true;
    return ownGrad;
  }

  set grad(gradient: Tensor | null) {
    if (gradient !== null) gradient.shown = true;
    replaceGrad(this, gradient);
  }

  /** @internal Makes a gradient that the framework made this tensor's. Unless `grad` is read, it goes when it is replaced. */
  keepGrad(gradient: Tensor): void {
    gradient.flags |= KEPT;
    replaceGrad(this, gradient);
  }

  get device(): Device {
    return this.storage.entry.device;
  }

  /** @internal */
  get entry(): DeviceEntry {
    return this.storage.entry;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Whether gradients flow through this tensor. Set it with `requiresGrad_()` or by assignment on a leaf. */
  get requiresGrad(): boolean {
    return wantsGrad(this);
  }

  set requiresGrad(value: boolean) {
    this.requiresGrad_(value);
  }

  /** A tensor that no recorded operator made. */
  get isLeaf(): boolean {
    return nodeOf(this) === null;
  }

  /**
   * Lets go of this handle's share of the memory. Views and the graph keep what they need; using the handle
   * afterwards throws.
   */
  dispose(): void {
    if (this.disposed) return;
    this.flags |= DISPOSED;
    this.storage.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** `a + b` on tensors would be text or NaN; JavaScript has no operators for objects. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString();
    throw new FlambeauError(
      'a tensor is no number: write a.add(b), a.mul(b), a.lt(b) …; the value of a one-element tensor is await a.item() or a.itemSync()',
    );
  }
}

export interface Tensor extends TensorMethods {}

function replaceGrad(tensor: Tensor, gradient: Tensor | null): void {
  const before = tensor.ownGrad;
  tensor.ownGrad = gradient;
  if (before !== null && before !== gradient && !before.shown) before.dispose();
}

Object.defineProperty(Tensor.prototype, BRAND, { value: true });

/** Whether a value is a tensor, of whichever copy of core. */
export const isTensor = (value: unknown): value is Tensor =>
  value instanceof Tensor || (typeof value === 'object' && value !== null && BRAND in value);

/** Refuses a handle that was disposed. */
export function checkAlive(op: string, tensor: Tensor): void {
  if (tensor.disposed) {
    throw new AutogradError(
      `${op}: a tensor was used after dispose(); its shape was [${tensor.shape.join(', ')}]`,
      { op },
    );
  }
}
