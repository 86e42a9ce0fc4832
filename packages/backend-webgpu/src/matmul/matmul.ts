import { DTYPES, sizeOf } from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { padded, shaderRank, wordsOf } from '../elements/operands.ts';
import { shadersBy } from '../elements/shaders.ts';
import { packWords } from '../elements/uniforms.ts';
import type { GpuAllocation } from '../memory/allocation.ts';
import type { Queue } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { type Choice, type Form, formOf, lanesOf, partLength, partsOf } from './plan.ts';
import { type Product, turned } from './product.ts';
import { rowsShader } from './rows.ts';
import { type SumForm, sumPartsShader } from './sum-parts.ts';
import { TILE, tilesShader } from './tiles.ts';

const MOST_MATRICES = 65_535;

const READINGS = ['single', 'along', 'across'];

/** A form as a number, digit by digit. */
function codeOf({ dtype, rank, a, b, biased, vectorStore, partial, rows, columns }: Form): number {
  let code = DTYPES[dtype].index;
  const put = (digit: number, base: number): void => {
    code = code * base + digit;
  };
  put(rank, 8);
  put(READINGS.indexOf(a), 3);
  put(READINGS.indexOf(b), 3);
  put(Number(biased), 2);
  put(Number(vectorStore), 2);
  put(Number(partial), 2);
  put(rows / 4, 3);
  put(columns >> 2, 3);
  return code;
}

/** Launches a product. */
export type Multiply = (product: Product) => void;

/**
 * Products of matrices: float32 and halves accumulate in float32, integers wrap, truths give whether any pair is true.
 * GPUs take tiles in workgroup memory; software adapters, and products too thin for a tile, rows in registers.
 */
export function productsOn(queue: Queue): Multiply {
  const { software } = queue;
  const shaders = shadersBy(codeOf, (form) =>
    form.rows === 0 ? tilesShader(form) : rowsShader(form, software),
  );
  const sums = shadersBy(
    ({ dtype, rank, biased }: SumForm) => (DTYPES[dtype].index * 16 + rank) * 2 + Number(biased),
    sumPartsShader,
  );

  const launch = (product: Product, choice: Choice, target: GpuAllocation): void => {
    const { size, output, a, b, bias } = product;
    const { batch, m, k, n } = size;
    const { parts } = choice;
    const form = formOf(product, choice);
    const { rank } = form;
    const shader = shaders(form);
    const matrices = sizeOf(batch);
    const words = [
      m,
      k,
      n,
      matrices,
      parts,
      partLength(k, parts),
      ...padded(batch, rank, 1),
      ...wordsOf(output, rank + 2),
      ...wordsOf(a, rank + 2),
      ...wordsOf(b, rank + 2),
    ];
    const buffers = [own(a), own(b), target];
    if (bias !== undefined && form.biased) {
      words.push(...wordsOf(bias, 2));
      buffers.push(own(bias));
    }
    const [x, y] = choice.tiled
      ? spread(Math.ceil(m / TILE) * Math.ceil(n / TILE), 1)
      : spread(Math.ceil(m / form.rows) * Math.ceil(n / (lanesOf(software) * form.columns)), 1);
    const groups = [x, y, Math.min(matrices * parts, MOST_MATRICES)] as const;
    queue.dispatch(shader, buffers, packWords(shader.words, words), groups);
  };

  const launchSum = ({ size, output, bias }: Product, parts: number, workspace: GpuAllocation): void => {
    // The sums lie as the product was computed.
    const { batch, m, n } = size;
    const shape = [...batch, m, n];
    const rank = shaderRank(shape.length);
    const shader = sums({ dtype: output.dtype, rank, biased: bias !== undefined });
    const area = m * n;
    const count = sizeOf(shape);
    const words = [count, parts, area, ...padded(shape, rank, 1), ...wordsOf(output, rank)];
    const buffers = [workspace, own(output)];
    if (bias !== undefined) {
      words.push(...wordsOf(bias, rank));
      buffers.push(own(bias));
    }
    queue.dispatch(shader, buffers, packWords(shader.words, words), spread(count));
  };

  return (given) => {
    const { batch, m, k, n } = given.size;
    const tiled = !software && m > TILE / 4 && n > TILE / 4;
    // Invocations go along `n`, so that a product with few columns is computed the other way round.
    const product = !tiled && n < 64 && m > n ? turned(given) : given;
    const matrices = sizeOf(batch);
    const parts = Math.ceil(k / partLength(k, partsOf(given.size, matrices, software)));
    const choice = { tiled, parts, software };
    if (parts === 1) {
      launch(product, choice, own(product.output));
      return;
    }
    const workspace = queue.workspace(matrices * parts * m * n * 4);
    launch(product, choice, workspace);
    launchSum(product, parts, workspace);
    queue.release(workspace);
  };
}
