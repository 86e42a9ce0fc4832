import {
  DTYPE_COUNT,
  DTYPES,
  type MatmulSize,
  type Operand,
  type RequiredKernels,
} from '@flambeau/core/backend';
import { allocationOf, padded, shaderRank, sizeOf, wordsOf } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import { packWords } from '../elements/uniforms.ts';
import { spread } from '../elements/walk.ts';
import type { GpuAllocation } from '../memory/allocation.ts';
import type { Queue } from '../queue/types.ts';
import { BLOCK, blocksShader } from './blocks.ts';
import { type Form, formOf, partLength, partsOf, READINGS } from './plan.ts';
import { sumPartsShader } from './sum-parts.ts';
import { TILE, tilesShader } from './tiles.ts';

const MOST_MATRICES = 65_535;

/** A form as a number: `ranks` dtypes, readings and truths, digit by digit. */
const codeOf = ({ dtype, rank, a, b, vectorStore, partial }: Form): number =>
  ((((rank * DTYPE_COUNT + DTYPES[dtype].index) * 3 + READINGS.indexOf(a)) * 3 + READINGS.indexOf(b)) * 2 +
    Number(vectorStore)) *
    2 +
  Number(partial);

function formOfCode(code: number): Form {
  let rest = code;
  const digit = (base: number): number => {
    const value = rest % base;
    rest = Math.floor(rest / base);
    return value;
  };
  const partial = digit(2) === 1;
  const vectorStore = digit(2) === 1;
  const b = READINGS[digit(3)]!;
  const a = READINGS[digit(3)]!;
  return { dtype: dtypeAt(digit(DTYPE_COUNT)), a, b, vectorStore, partial, rank: rest };
}

/**
 * The `matmul` kernel: float32 and halves accumulate in float32, integers wrap, truths give whether any pair is true.
 * GPUs take tiles in workgroup memory; software adapters, and products too thin for a tile, blocks in registers.
 */
export function matmulKernel(queue: Queue): RequiredKernels['matmul'] {
  const blocks = shaderTable((code) => blocksShader(formOfCode(code)));
  const tiles = shaderTable((code) => tilesShader(formOfCode(code)));
  const sums = shaderTable((code) =>
    sumPartsShader(dtypeAt(code % DTYPE_COUNT), Math.floor(code / DTYPE_COUNT)),
  );

  const product = (
    size: MatmulSize,
    form: Form,
    parts: number,
    output: Operand,
    target: GpuAllocation,
    a: Operand,
    b: Operand,
  ): void => {
    const { batch, m, k, n } = size;
    const { rank } = form;
    const isTiled = !queue.software && m > TILE / 4 && n > TILE / 4;
    const shader = (isTiled ? tiles : blocks)(codeOf(form));
    const count = sizeOf(batch);
    const words = packWords(shader.words, [
      m,
      k,
      n,
      count,
      parts,
      partLength(k, parts),
      ...padded(batch, rank, 1),
      ...wordsOf(output, rank + 2),
      ...wordsOf(a, rank + 2),
      ...wordsOf(b, rank + 2),
    ]);
    const [x, y] = isTiled
      ? spread(Math.ceil(m / TILE) * Math.ceil(n / TILE), 1)
      : spread(Math.ceil(m / BLOCK) * Math.ceil(n / BLOCK));
    const groups = [x, y, Math.min(count * parts, MOST_MATRICES)] as const;
    queue.dispatch(shader, [allocationOf(a), allocationOf(b), target], words, groups);
  };

  return (size, output, a, b) => {
    const { batch, m, k, n } = size;
    const count = sizeOf(batch);
    const wanted = partsOf(size, count, queue.software);
    const parts = Math.ceil(k / partLength(k, wanted));
    const form = formOf(size, output, a, b, parts > 1);
    if (parts === 1) {
      product(size, form, 1, output, allocationOf(output), a, b);
      return;
    }
    const area = m * n;
    const workspace = queue.workspace(count * parts * area * 4);
    product(size, form, parts, output, workspace, a, b);
    const rank = shaderRank(batch.length + 2);
    const sum = sums(rank * DTYPE_COUNT + DTYPES[output.dtype].index);
    const words = packWords(sum.words, [
      count * area,
      parts,
      area,
      ...padded([...batch, m, n], rank, 1),
      ...wordsOf(output, rank),
    ]);
    queue.dispatch(sum, [workspace, allocationOf(output)], words, spread(count * area));
    queue.release(workspace);
  };
}
