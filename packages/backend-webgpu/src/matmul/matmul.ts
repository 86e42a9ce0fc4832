import {
  DTYPE_COUNT,
  DTYPES,
  type MatmulSize,
  type Operand,
  type RequiredKernels,
  sizeOf,
} from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { padded, shaderRank, wordsOf } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import { packWords } from '../elements/uniforms.ts';
import type { GpuAllocation } from '../memory/allocation.ts';
import type { Queue } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { type Choice, type Form, formOf, partLength, partsOf, READINGS } from './plan.ts';
import { lanesOf, rowsShader } from './rows.ts';
import { sumPartsShader } from './sum-parts.ts';
import { TILE, tilesShader } from './tiles.ts';

const MOST_MATRICES = 65_535;

const ROWS = [0, 4, 8];

/** A form as a number, digit by digit. */
const codeOf = ({ dtype, rank, a, b, vectorStore, partial, rows, columns }: Form): number =>
  ((((((rank * DTYPE_COUNT + DTYPES[dtype].index) * 3 + READINGS.indexOf(a)) * 3 + READINGS.indexOf(b)) * 2 +
    Number(vectorStore)) *
    2 +
    Number(partial)) *
    ROWS.length +
    ROWS.indexOf(rows)) *
    2 +
  Number(columns === 4);

function formOfCode(code: number): Form {
  let rest = code;
  const digit = (base: number): number => {
    const value = rest % base;
    rest = Math.floor(rest / base);
    return value;
  };
  const columns = digit(2) === 1 ? 4 : 1;
  const rows = ROWS[digit(ROWS.length)]!;
  const partial = digit(2) === 1;
  const vectorStore = digit(2) === 1;
  const b = READINGS[digit(3)]!;
  const a = READINGS[digit(3)]!;
  return { dtype: dtypeAt(digit(DTYPE_COUNT)), a, b, vectorStore, partial, rows, columns, rank: rest };
}

/** The operand with its last two dimensions exchanged. */
function transposed(operand: Operand): Operand {
  const { strides } = operand;
  const rank = strides.length - 2;
  return { ...operand, strides: [...strides.slice(0, rank), strides[rank + 1]!, strides[rank]!] };
}

interface Product {
  readonly size: MatmulSize;
  readonly output: Operand;
  readonly a: Operand;
  readonly b: Operand;
}

/** Invocations go along `n`, so that a product with few columns is that of the transposes, the other way round. */
const turned = ({ size, output, a, b }: Product): Product => ({
  size: { ...size, m: size.n, n: size.m },
  output: transposed(output),
  a: transposed(b),
  b: transposed(a),
});

/**
 * The `matmul` kernel: float32 and halves accumulate in float32, integers wrap, truths give whether any pair is true.
 * GPUs take tiles in workgroup memory; software adapters, and products too thin for a tile, rows in registers.
 */
export function matmulKernel(queue: Queue): RequiredKernels['matmul'] {
  const { software } = queue;
  const shaders = shaderTable((code) => {
    const form = formOfCode(code);
    return form.rows === 0 ? tilesShader(form) : rowsShader(form, software);
  });
  const sums = shaderTable((code) =>
    sumPartsShader(dtypeAt(code % DTYPE_COUNT), Math.floor(code / DTYPE_COUNT)),
  );

  const launch = ({ size, output, a, b }: Product, choice: Choice, target: GpuAllocation): void => {
    const { batch, m, k, n } = size;
    const { parts } = choice;
    const form = formOf(size, output, a, b, choice);
    const { rank } = form;
    const shader = shaders(codeOf(form));
    const matrices = sizeOf(batch);
    const words = packWords(shader.words, [
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
    ]);
    const [x, y] = choice.tiled
      ? spread(Math.ceil(m / TILE) * Math.ceil(n / TILE), 1)
      : spread(Math.ceil(m / form.rows) * Math.ceil(n / (lanesOf(software) * form.columns)), 1);
    const groups = [x, y, Math.min(matrices * parts, MOST_MATRICES)] as const;
    queue.dispatch(shader, [own(a), own(b), target], words, groups);
  };

  return (size, output, a, b) => {
    const { batch, m, k, n } = size;
    const tiled = !software && m > TILE / 4 && n > TILE / 4;
    const given = { size, output, a, b };
    const product = !tiled && n < 64 && m > n ? turned(given) : given;
    const matrices = sizeOf(batch);
    const parts = Math.ceil(k / partLength(k, partsOf(size, matrices, software)));
    if (parts === 1) {
      launch(product, { tiled, parts }, own(output));
      return;
    }
    const area = m * n;
    const workspace = queue.workspace(matrices * parts * area * 4);
    launch(product, { tiled, parts }, workspace);
    const rank = shaderRank(batch.length + 2);
    const sum = sums(rank * DTYPE_COUNT + DTYPES[output.dtype].index);
    // The sums lie as the product was computed.
    const inOrder = [...batch, product.size.m, product.size.n];
    const words = packWords(sum.words, [
      matrices * area,
      parts,
      area,
      ...padded(inOrder, rank, 1),
      ...wordsOf(product.output, rank),
    ]);
    queue.dispatch(sum, [workspace, own(output)], words, spread(matrices * area));
    queue.release(workspace);
  };
}
