import type { Heap } from '../../heap/heap.ts';
import { type V8, withFlags } from '../../host/flags.ts';
import { builtin, nodeProcess } from '../../host/process.ts';
import { Code } from '../../threads/code.ts';
import { productModule } from './code.ts';
import { ELEMENTS } from './lane.ts';
import { differingProduct, productTimes } from './self-check.ts';
import type { Tile } from './tile.ts';

/** V8's experiment that compiles pairs of neighbouring 128-bit operations as one of 256 bits. */
const FLAG = 'experimental-wasm-revectorize';
/** Older ones have it for too few operations: products became slower. */
const FIRST_V8 = 13;
/** Products are 1.7 to 2.5 times as fast where pairs are joined, and as fast as before where they are not. */
const LEAST_GAIN = 1.3;
const CHECKED = ['float32', 'float64', 'int32', 'int64'] as const;
/** A section that says nothing: V8 hands out the code it has for a module of the same bytes. */
const REMARK = [0, 2, 1, 0x72];

/** The optimising compiler alone, and at once; without calls made inline, for which it wants counts from the other one. */
const AT_ONCE = { liftoff: false, 'wasm-lazy-compilation': false, 'wasm-inlining': false };

/**
 * The tile of products whose vectors V8 joins, once products compiled so were found to equal those compiled without.
 * The experiment is on only while such modules are compiled: other loops can become slower by it. Threads get the same code,
 * as V8 has one for all modules of the same bytes.
 *
 * @param heap null where there is no WebAssembly with SIMD.
 * @returns null where there is none; a warning has said why.
 */
export function revectorizedTile(heap: Heap | null, relaxed: boolean): Tile | null {
  const v8 = builtin('v8') as V8 | undefined;
  const tile: Tile = { relaxed, vectors: 4, compile: (bytes) => compiled(v8!, bytes, true) };
  const refusal =
    v8 === undefined || !isRecent() ? NEEDS : heap === null ? NEEDS_VECTORS : check(heap, v8, tile);
  if (refusal === null) return tile;
  // biome-ignore lint/suspicious/noConsole: an option that was asked for and has no effect is told of.
  console.warn(`flambeau: cpu({ revectorize: true }) has no effect: ${refusal}`);
  return null;
}

const NEEDS = `it needs Node 24 or later, with V8 ${FIRST_V8}, on x64`;
const NEEDS_VECTORS = 'it needs WebAssembly with SIMD';

const isRecent = (): boolean =>
  nodeProcess?.arch === 'x64' && Number.parseInt(nodeProcess.versions?.v8 ?? '', 10) >= FIRST_V8;

/** A module, all of it by V8's optimising compiler, with or without the experiment. */
function compiled(v8: V8, bytes: Uint8Array<ArrayBuffer>, joined: boolean): WebAssembly.Module {
  return withFlags(v8, joined ? { ...AT_ONCE, [FLAG]: true } : AT_ONCE, () => new WebAssembly.Module(bytes));
}

/** Why products are not to be compiled with the experiment; null where nothing speaks against it. */
function check(heap: Heap, v8: V8, tile: Tile): string | null {
  for (const dtype of CHECKED) {
    const element = ELEMENTS[dtype]!;
    const bytes = productModule(element, tile, heap.shared);
    const plain = new Code(heap, Uint8Array.of(...bytes, ...REMARK), (all) => compiled(v8, all, false));
    const joined = new Code(heap, bytes, tile.compile);
    const differing = differingProduct(heap, element, plain, joined);
    if (differing !== null) return `V8 compiles products to others: ${differing}`;
    if (dtype !== 'float32') continue;
    const [before, after] = productTimes(heap, element, plain, joined);
    if (after * LEAST_GAIN > before) return 'products are not faster, as on processors without AVX2';
  }
  return null;
}
