import {
  type DType,
  type FusedKernel,
  isContiguous,
  sizeOf,
  type TensorOperand,
} from '@flambeau/core/backend';
import { Code } from '../threads/code.ts';
import { PARTS_PER_THREAD, type ThreadPool } from '../threads/pool.ts';
import { ModuleBuilder } from '../wasm/assembler/index.ts';
import { ELEMENTS } from '../wasm/matmul/lane.ts';
import { addPoolGradients } from '../wasm/pooling/gradient.ts';
import { addPool } from '../wasm/pooling/kernel.ts';
import { POOL_WORDS } from '../wasm/pooling/window.ts';
import { type Triple, three } from './geometry.ts';
import { type Attrs, address, heapKernel, uniform, withWorkspace } from './operands.ts';

const MOST_CHUNKS = 256;
/** What an element of a window costs, about. */
const NANOSECONDS = 0.7;

/** Windows that meet in an element, beyond which launches that add whole planes do better than one that adds elements. */
const MOST_WINDOWS = 4;

/** Up to three spatial dimensions seen as three. */
interface Windows {
  readonly kernel: Triple;
  readonly stride: Triple;
  readonly padding: Triple;
  readonly dilation: Triple;
  readonly output: Triple;
  readonly size: Triple;
}

function windowsOf(attrs: Attrs): Windows {
  const list = (name: string, fill: number): Triple => three(attrs[name] as readonly number[], fill);
  return {
    kernel: list('kernel', 1),
    stride: list('stride', 1),
    padding: list('padding', 0),
    dilation: list('dilation', 1),
    output: list('output', 1),
    size: list('size', 1),
  };
}

/** For each place of the output along a dimension: where its window begins inside, how many elements lie inside, what they count for. */
function tableOf(windows: Windows, dim: 0 | 1 | 2, include: boolean): Int32Array {
  const [kernel, stride, padding, dilation, output, size] = (
    ['kernel', 'stride', 'padding', 'dilation', 'output', 'size'] as const
  ).map((name) => windows[name][dim]) as [number, number, number, number, number, number];
  const table = new Int32Array(output * 3);
  for (let o = 0; o < output; o++) {
    const begin = o * stride - padding;
    const skipped = Math.max(0, Math.ceil(-begin / dilation));
    const inside = Math.min(kernel, Math.ceil((size - begin) / dilation)) - skipped;
    table[o * 3] = begin + skipped * dilation;
    table[o * 3 + 1] = Math.max(0, inside);
    table[o * 3 + 2] = include ? Math.min(begin + kernel, size + padding) - begin : Math.max(0, inside);
  }
  return table;
}

/** The places, side by side, whose windows lie inside whole. */
function wholeOf(table: Int32Array, kernel: number): [from: number, to: number] {
  const count = table.length / 3;
  let from = 0;
  while (from < count && table[from * 3 + 1] !== kernel) from++;
  let to = from;
  while (to < count && table[to * 3 + 1] === kernel) to++;
  return [from, to];
}

/** The operands of a pool, or of its gradient: `x` and `y` stand for the gradients there. */
interface Planes {
  readonly x: TensorOperand;
  readonly y: TensorOperand;
  readonly indices?: TensorOperand | undefined;
}

/** The words of a pool; `tables` are the addresses of the dimensions' tables. */
function wordsOf(
  { x, y, indices }: Planes,
  windows: Windows,
  tables: readonly number[],
  [wholeFrom, wholeTo]: readonly [number, number],
  divisor: number,
): number[] {
  const { bytes } = ELEMENTS[x.dtype]!;
  const strides = x.strides.map((stride) => stride * bytes);
  const [xDepth, xHeight, xWidth] = three(strides.slice(2), 0);
  const words: Record<(typeof POOL_WORDS)[number], number> = {
    channels: x.shape[1]!,
    x: address(x),
    xImage: strides[0]!,
    xChannel: strides[1]!,
    xDepth,
    xHeight,
    xWidth,
    y: address(y),
    indices: indices === undefined ? 0 : address(indices),
    depthTable: tables[0]!,
    heightTable: tables[1]!,
    widthTable: tables[2]!,
    depthOutputs: windows.output[0],
    heightOutputs: windows.output[1],
    widthOutputs: windows.output[2],
    depthDilation: windows.dilation[0],
    heightDilation: windows.dilation[1],
    widthDilation: windows.dilation[2],
    height: windows.size[1],
    width: windows.size[2],
    wholeFrom,
    wholeTo,
    widthStride: windows.stride[2],
    divisor,
  };
  return POOL_WORDS.map((word) => words[word]);
}

type KernelName = 'max' | 'mean' | 'maxGradient' | 'meanGradient';

/** Fused kernels for pools of maxima, with their places, and of means, and their gradients. */
export function poolingKernels(pool: ThreadPool): Record<string, FusedKernel> {
  const { heap } = pool;
  const codes = new Map<DType, Code>();
  const codeFor = (dtype: DType): Code => {
    let code = codes.get(dtype);
    if (code === undefined) {
      const module = new ModuleBuilder({ shared: heap.shared });
      const { lane } = ELEMENTS[dtype]!;
      addPool(module, 'max', lane, 'max');
      addPool(module, 'mean', lane, 'mean');
      addPoolGradients(module, lane);
      code = new Code(heap, module.toBytes());
      codes.set(dtype, code);
    }
    return code;
  };

  const run = (name: KernelName, planes: Planes, attrs: Attrs): void => {
    const { x, y } = planes;
    const windows = windowsOf(attrs);
    const tables = ([0, 1, 2] as const).map((dim) => tableOf(windows, dim, attrs.include === true));
    const whole = x.strides.at(-1) === 1 ? wholeOf(tables[2]!, windows.kernel[2]) : ([0, 0] as const);
    const header = POOL_WORDS.length * 4;
    const byteLength = header + tables.reduce((sum, table) => sum + table.byteLength, 0);
    withWorkspace(heap, name, byteLength, (block) => {
      let next = block + header;
      const places = tables.map((table) => {
        const place = next;
        new Int32Array(heap.memory.buffer, place, table.length).set(table);
        next += table.byteLength;
        return place;
      });
      const words = wordsOf(planes, windows, places, whole, (attrs.divisor as number | undefined) ?? 0);
      new Int32Array(heap.memory.buffer, block, POOL_WORDS.length).set(words);
      const count = x.shape[0]! * x.shape[1]!;
      const taps = name === 'maxGradient' ? 1 : sizeOf(windows.kernel);
      const threads = pool.width(sizeOf(y.shape) * taps * NANOSECONDS);
      const code = codeFor(x.dtype);
      if (threads === 1) {
        code.functions[name]!(0, count, block);
        return;
      }
      const per = Math.max(1, Math.ceil(count / Math.min(MOST_CHUNKS, threads * PARTS_PER_THREAD)));
      pool.run({
        code,
        name,
        args: [0, per, block],
        steps: [per],
        chunks: Math.ceil(count / per),
        count: { at: 1, per, total: count },
      });
    });
  };

  /** Gradients are added to zeros. */
  const runGradient = (name: KernelName, planes: Planes, attrs: Attrs): void => {
    const byteLength = sizeOf(planes.x.shape) * ELEMENTS[planes.x.dtype]!.bytes;
    new Uint8Array(heap.memory.buffer, address(planes.x), byteLength).fill(0);
    run(name, planes, attrs);
  };

  const takes = (x: TensorOperand, attrs: Attrs): boolean =>
    uniform([x], ['float32', 'float64']) && (attrs.kernel as readonly number[]).length <= 3;
  const takesGradient = (dy: TensorOperand, attrs: Attrs): boolean =>
    takes(dy, attrs) && isContiguous(dy.shape, dy.strides);
  return {
    maxPool: heapKernel(
      heap,
      'maxPool',
      ({ x }, attrs) => takes(x!, attrs),
      ({ values, indices }, { x }, attrs) => run('max', { x: x!, y: values!, indices }, attrs),
    ),
    avgPool: heapKernel(
      heap,
      'avgPool',
      ({ x }, attrs) => takes(x!, attrs),
      ({ y }, { x }, attrs) => run('mean', { x: x!, y: y! }, attrs),
    ),
    maxPoolBackward: heapKernel(
      heap,
      'maxPoolBackward',
      ({ dy, indices }, attrs) => takesGradient(dy!, attrs) && isContiguous(indices!.shape, indices!.strides),
      ({ dx }, { dy, indices }, attrs) => runGradient('maxGradient', { x: dx!, y: dy!, indices }, attrs),
    ),
    avgPoolBackward: heapKernel(
      heap,
      'avgPoolBackward',
      ({ dy }, attrs) => {
        const { kernel, stride } = windowsOf(attrs);
        return takesGradient(dy!, attrs) && sizeOf(kernel) <= MOST_WINDOWS * sizeOf(stride);
      },
      ({ dx }, { dy }, attrs) => runGradient('meanGradient', { x: dx!, y: dy! }, attrs),
    ),
  };
}
