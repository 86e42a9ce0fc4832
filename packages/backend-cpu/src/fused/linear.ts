import { type FusedKernel, sizeOf } from '@flambeau/core/backend';
import type { ThreadPool } from '../threads/pool.ts';
import { MatmulCodes } from '../wasm/matmul/code.ts';
import { ELEMENTS } from '../wasm/matmul/lane.ts';
import { Products } from '../wasm/matmul/products.ts';
import type { Tile } from '../wasm/matmul/tile.ts';
import { address, heapKernel, joinedStride, uniform } from './operands.ts';

/** `linear` with its bias in one pass: products are added to it as they are stored. */
export function linearKernel(pool: ThreadPool, tile: Tile): FusedKernel {
  const products = new Products(pool, new MatmulCodes(pool.heap, tile));
  return heapKernel(
    pool.heap,
    'linear',
    ({ x, weight, bias }) =>
      bias !== undefined &&
      bias.shape.length === 1 &&
      (bias.strides[0] === 1 || bias.shape[0] === 1) &&
      bias.shape[0] === weight!.shape[0] &&
      uniform([x, weight, bias], ['float32', 'float64', 'int32', 'int64']) &&
      joinedStride(x!, 0, x!.shape.length - 1) !== null,
    ({ y }, { x, weight, bias }) => {
      const rank = x!.shape.length - 1;
      const [columns, depth] = weight!.shape as [number, number];
      const factors = {
        rows: sizeOf(x!.shape.slice(0, rank)),
        columns,
        depth,
        aRow: joinedStride(x!, 0, rank)!,
        aStep: x!.strides[rank]!,
        bStep: weight!.strides[1]!,
        bColumn: weight!.strides[0]!,
        ld: columns,
      };
      products.run(
        ELEMENTS[x!.dtype]!,
        factors,
        address(x!),
        address(weight!),
        address(y!),
        1,
        { a: 0, b: 0, out: 0 },
        { address: address(bias!), ld: 0 },
      );
    },
  );
}
