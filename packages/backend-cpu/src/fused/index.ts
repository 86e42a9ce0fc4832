import type { OptionalKernels } from '@flambeau/core/backend';
import type { ThreadPool } from '../threads/pool.ts';
import type { Tile } from '../wasm/matmul/tile.ts';
import { attentionKernels } from './attention.ts';
import { convolutionKernels } from './convolution.ts';
import { crossEntropyKernel } from './cross-entropy.ts';
import { cumulativeExtremumKernels } from './cumulative-extrema.ts';
import { linearKernel } from './linear.ts';
import { maskPlacesKernel } from './mask-places.ts';
import { planeNormKernels } from './planes.ts';
import { poolingKernels } from './pooling.ts';
import { normKernels, RowKernels, softmaxKernels } from './rows.ts';

/** Kernels for whole operators. Each takes the cases that it is good at; core decomposes the others. */
export function fusedKernels(pool: ThreadPool, tile: Tile): OptionalKernels {
  const { relaxed } = tile;
  const rows = new RowKernels(pool, relaxed);
  return {
    linear: linearKernel(pool, tile),
    ...attentionKernels(pool, tile),
    ...convolutionKernels(pool, tile),
    ...poolingKernels(pool),
    ...softmaxKernels(rows),
    ...normKernels(rows),
    ...planeNormKernels(rows),
    ...cumulativeExtremumKernels(pool, relaxed),
    crossEntropy: crossEntropyKernel(rows),
    maskPlaces: maskPlacesKernel(pool.heap),
  };
}
