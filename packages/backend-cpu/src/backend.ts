import {
  type Allocation,
  BACKEND_DTYPES,
  type Backend,
  type BackendError,
  type Kernels,
} from '@flambeau/core/backend';
import { revectorizedTile } from '#host';
import {
  allocate,
  type CpuAllocation,
  copyBytes,
  HeapAllocation,
  readBytes,
  writeBytes,
} from './allocation.ts';
import { argReduceKernel } from './arg-reduce.ts';
import { flipKernel } from './fused/flip.ts';
import { fusedKernels } from './fused/index.ts';
import { selectionKernels } from './fused/selection.ts';
import { gatherKernel } from './gather.ts';
import { createHeap, type Heap } from './heap/heap.ts';
import { matmulKernel } from './matmul/matmul.ts';
import { pointwiseKernel } from './pointwise/pointwise.ts';
import { type Compiler, mayCompile, mayCompileWasm } from './policy.ts';
import { reduceKernel } from './reduce/reduce.ts';
import { scanKernel } from './scan.ts';
import { scatterKernel } from './scatter.ts';
import { sortKernel } from './sort/sort.ts';
import { ThreadPool } from './threads/pool.ts';
import { wasmArgReduce } from './wasm/arg-reduce.ts';
import { hasRelaxedSimd, hasSimd } from './wasm/assembler/index.ts';
import { Engine } from './wasm/engine.ts';
import { IndexedLines } from './wasm/indexed.ts';
import { wasmMatmul } from './wasm/matmul/kernel.ts';
import type { Tile } from './wasm/matmul/tile.ts';
import { wasmPointwise } from './wasm/pointwise.ts';
import { wasmReduce } from './wasm/reduce.ts';
import { wasmScan } from './wasm/scan.ts';
import { WasmSelection } from './wasm/select.ts';
import { wasmUpdate } from './wasm/update.ts';

export interface CpuOptions {
  /**
   * How scalar programs become loops. `function` compiles JavaScript source and is the fast way; `closures` needs
   * no permission to do so; `auto`, the default, asks what the page's content security policy allows.
   */
  readonly compiler?: Compiler;
  /**
   * Whether tensors live in one WebAssembly memory, which compiled kernels and threads reach. `off` keeps every
   * tensor a typed array of its own. Default: `auto`, where the host has WebAssembly.
   */
  readonly wasm?: 'auto' | 'off';
  /** Whether that memory may be shared between threads. Default: `auto`, where the host allows it. */
  readonly sharedMemory?: 'auto' | 'off';
  /**
   * Whether multiplications and additions may be fused where the machine does so: faster, and rounded once instead of
   * twice. Default: `auto`, where the host has relaxed SIMD.
   */
  readonly relaxedSimd?: 'auto' | 'off';
  /**
   * Whether V8 may join pairs of 128-bit operations into such of 256 bits, an experiment of it: products, convolutions and
   * attention take half the time. It is used only if products compiled with it equal those compiled without, bit for
   * bit, and are faster; otherwise a warning says why not, and everything is as without the option. It needs Node 24 or later on x64
   * with AVX2. Checking takes most of a second, and each of these kernels a tenth when it is first used. Default: false.
   */
  readonly revectorize?: boolean;
  /** How many threads compute, the caller among them. Default: `auto`, as many as the machine runs at once. */
  readonly threads?: number | 'auto';
  /** The address of this package's `worker.js`, for pages whose policy forbids workers made of text. */
  readonly workerUrl?: string | URL;
  /** Tensors of fewer elements are computed in JavaScript, where a call costs less. Default: 64. */
  readonly wasmFrom?: number;
  /** The most that the memory may grow to, in bytes. Default: 4 GiB, or what the host grants. */
  readonly maxByteLength?: number;
}

/**
 * The CPU backend: kernels in plain JavaScript on typed arrays. It runs wherever JavaScript does.
 *
 * @example registerBackend(cpu());
 */
export function cpu(options: CpuOptions = {}): Backend {
  const heap = heapFor(options);
  const relaxed = options.relaxedSimd !== 'off' && hasRelaxedSimd();
  const wide = options.revectorize === true ? revectorizedTile(hasSimd() ? heap : null, relaxed) : null;
  return backendOn(heap, wide ?? { relaxed, vectors: 2 }, options);
}

/** The backend on a heap, with the tile of its products. */
export function backendOn(heap: Heap | null, tile: Tile, options: CpuOptions): Backend {
  const compiler = options.compiler ?? 'auto';
  const bySource = compiler === 'auto' ? mayCompile() : compiler === 'function';
  const pool = heap !== null && hasSimd() ? new ThreadPool(heap, options) : null;
  return {
    apiVersion: 1,
    device: 'cpu',
    name: `${bySource ? 'JavaScript' : 'JavaScript, without compiling'}${tile.vectors === 4 ? ', revectorized' : ''}`,
    limits: {
      dtypes: BACKEND_DTYPES,
      maxByteLength: 2 ** 32,
      synchronousReads: true,
      ...(heap === null ? {} : { roomByteLength: heap.tensorByteLength }),
    },
    lost: new Promise<BackendError>(() => {}),
    kernels: kernels(bySource, pool, tile, options.wasmFrom),
    allocate: (byteLength, dtype) => allocate(heap, byteLength, dtype),
    free: (allocation) => {
      if (allocation instanceof HeapAllocation)
        allocation.heap.free(allocation.address, allocation.byteLength);
    },
    write: (target, byteOffset, bytes) => writeBytes(own(target), byteOffset, bytes),
    copy: (source, sourceOffset, target, targetOffset, byteLength) =>
      copyBytes(own(source), sourceOffset, own(target), targetOffset, byteLength),
    read: async (source, byteOffset, byteLength) => readBytes(own(source), byteOffset, byteLength),
    readSync: (source, byteOffset, byteLength) => readBytes(own(source), byteOffset, byteLength),
    synchronize: async () => {},
  };
}

/** The heap that the options ask for; null where tensors are typed arrays. */
function heapFor({ wasm, sharedMemory, maxByteLength }: CpuOptions): Heap | null {
  if (wasm === 'off' || !mayCompileWasm()) return null;
  return createHeap({
    ...(sharedMemory === 'off' ? { shared: false } : {}),
    ...(maxByteLength === undefined ? {} : { maxByteLength }),
  });
}

/** Core hands back what `allocate` made. */
const own = (allocation: Allocation): CpuAllocation => allocation as CpuAllocation;

/** The JavaScript kernels, and before them those in WebAssembly where there is a heap for them. */
function kernels(
  bySource: boolean,
  pool: ThreadPool | null,
  tile: Tile,
  wasmFrom: number | undefined,
): Kernels {
  const matmul = matmulKernel(bySource);
  const pointwise = pointwiseKernel(bySource);
  const reduce = reduceKernel(bySource);
  const argReduce = argReduceKernel(bySource);
  const scan = scanKernel(bySource);
  const engine = pool === null ? null : new Engine(pool, tile.relaxed, wasmFrom);
  const lines = engine === null ? null : new IndexedLines(engine);
  const selection = pool === null ? null : new WasmSelection(pool.heap);
  const elements = engine === null ? pointwise : wasmPointwise(engine, pointwise);
  return {
    pointwise: elements,
    reduce: engine === null ? reduce : wasmReduce(engine, reduce),
    argReduce: engine === null ? argReduce : wasmArgReduce(engine, argReduce),
    scan: engine === null ? scan : wasmScan(engine, scan),
    matmul: pool === null ? matmul : wasmMatmul(pool, tile, matmul),
    gather: gatherKernel(bySource, lines),
    scatter: scatterKernel(bySource, lines),
    sort: sortKernel(bySource, pool?.heap ?? null, selection),
    fused: {
      flip: flipKernel(elements),
      ...selectionKernels(bySource, pool?.heap ?? null, selection),
      ...(pool === null ? {} : fusedKernels(pool, tile)),
    },
    ...(engine === null ? {} : { update: wasmUpdate(engine) }),
  };
}
