import { type DType, type FusedKernel, sizeOf, type TensorOperand } from '@flambeau/core/backend';
import { Code } from '../threads/code.ts';
import type { ThreadPool } from '../threads/pool.ts';
import { ModuleBuilder } from '../wasm/assembler/index.ts';
import { ELEMENTS } from '../wasm/matmul/lane.ts';
import { addPool, POOL_WORDS } from '../wasm/pooling/kernel.ts';
import { type Triple, three } from './geometry.ts';
import { type Attrs, address, heapKernel, uniform, withWorkspace } from './operands.ts';

const MOST_CHUNKS = 256;
/** What an element of a window costs, about. */
const NANOSECONDS = 0.7;

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

/** Fused kernels for pools of maxima, with their places, and of means. */
export function poolingKernels(pool: ThreadPool): Record<string, FusedKernel> {
  const { heap } = pool;
  const codes = new Map<DType, Code>();
  const codeFor = (dtype: DType): Code => {
    let code = codes.get(dtype);
    if (code === undefined) {
      const module = new ModuleBuilder({ shared: heap.shared });
      addPool(module, 'max', ELEMENTS[dtype]!.lane, 'max');
      addPool(module, 'mean', ELEMENTS[dtype]!.lane, 'mean');
      code = new Code(heap, module.toBytes());
      codes.set(dtype, code);
    }
    return code;
  };

  const run = (
    name: 'max' | 'mean',
    y: TensorOperand,
    indices: TensorOperand | undefined,
    x: TensorOperand,
    attrs: Attrs,
  ): void => {
    const windows = windowsOf(attrs);
    const { bytes } = ELEMENTS[x.dtype]!;
    const tables = ([0, 1, 2] as const).map((dim) => tableOf(windows, dim, attrs.include === true));
    const [channels, images] = [x.shape[1]!, x.shape[0]!];
    const strides = x.strides.map((stride) => stride * bytes);
    const [xDepth, xHeight, xWidth] = three(strides.slice(2), 0);
    const [wholeFrom, wholeTo] = xWidth === bytes ? wholeOf(tables[2]!, windows.kernel[2]) : [0, 0];
    const header = POOL_WORDS.length * 4;
    const byteLength = header + tables.reduce((sum, table) => sum + table.byteLength, 0);
    withWorkspace(heap, name === 'max' ? 'maxPool' : 'avgPool', byteLength, (block) => {
      let next = block + header;
      const places = tables.map((table) => {
        const place = next;
        new Int32Array(heap.memory.buffer, place, table.length).set(table);
        next += table.byteLength;
        return place;
      });
      const words: Record<(typeof POOL_WORDS)[number], number> = {
        channels,
        x: address(x),
        xImage: strides[0]!,
        xChannel: strides[1]!,
        xDepth,
        xHeight,
        xWidth,
        y: address(y),
        indices: indices === undefined ? 0 : address(indices),
        depthTable: places[0]!,
        heightTable: places[1]!,
        widthTable: places[2]!,
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
        divisor: (attrs.divisor as number | undefined) ?? 0,
      };
      new Int32Array(heap.memory.buffer, block, POOL_WORDS.length).set(POOL_WORDS.map((word) => words[word]));
      const planes = images * channels;
      const threads = pool.width(sizeOf(y.shape) * sizeOf(windows.kernel) * NANOSECONDS);
      const code = codeFor(x.dtype);
      if (threads === 1) {
        code.functions[name]!(0, planes, block);
        return;
      }
      const per = Math.max(1, Math.ceil(planes / Math.min(MOST_CHUNKS, threads * 4)));
      pool.run({
        code,
        name,
        args: [0, per, block],
        steps: [per],
        chunks: Math.ceil(planes / per),
        count: { at: 1, per, total: planes },
      });
    });
  };

  const takes = (x: TensorOperand, attrs: Attrs): boolean =>
    uniform([x], ['float32', 'float64']) && (attrs.kernel as readonly number[]).length <= 3;
  return {
    maxPool: heapKernel(
      heap,
      'maxPool',
      ({ x }, attrs) => takes(x!, attrs),
      ({ values, indices }, { x }, attrs) => run('max', values!, indices, x!, attrs),
    ),
    avgPool: heapKernel(
      heap,
      'avgPool',
      // A divisor that is no integer has no place in a word.
      ({ x }, attrs) => takes(x!, attrs) && Number.isInteger(attrs.divisor),
      ({ y }, { x }, attrs) => run('mean', y!, undefined, x!, attrs),
    ),
  };
}
