import type { Parameters, Update, UpdateKernel, UpdateRow } from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import type { Queue } from '../queue/types.ts';
import { GROUP, spread } from '../wgsl/launch.ts';
import { putParameters } from '../wgsl/parameters.ts';
import { RowWord, type UpdateShader, updateShader } from './source.ts';

/** Loads and stores in one shader at most, as it takes the longer to compile the more there are. */
const MOST_ACCESSES = 128;

/**
 * Updates: as many rows in one launch as buffers can be bound, in powers of two, so that few shaders serve. The compiler of
 * a software adapter writes each access out for every lane, four rows of Adam take it 1.2 s and one 0.3 s; launches cost
 * little there, and each has one row.
 */
export function updateKernel(queue: Queue): UpdateKernel {
  const { maxStorageBuffers } = queue;
  const table: (UpdateShader | undefined)[][] = [];
  const roomFor = ({ operands, written }: Update): number =>
    queue.software
      ? 1
      : Math.min(
          maxStorageBuffers / operands.length,
          Math.max(1, MOST_ACCESSES / (operands.length + written.length)),
        );
  return {
    // A buffer of somebody else's may stand behind several allocations, of which no launch may write two.
    when: (_, { operands }) =>
      operands.length <= maxStorageBuffers &&
      operands.every((operand) => operand.offset % 4 === 0 && !own(operand).block.foreign),
    run(update, rows, parameters) {
      const shaders = (table[update.id] ??= []);
      const room = roomFor(update);
      for (let from = 0; from < rows.length; ) {
        const exponent = Math.floor(Math.log2(Math.min(room, rows.length - from)));
        const count = 2 ** exponent;
        const shader = (shaders[exponent] ??= updateShader(update, count));
        launch(queue, shader, rows.slice(from, from + count), parameters);
        from += count;
      }
    },
  };
}

function launch(
  queue: Queue,
  shader: UpdateShader,
  rows: readonly UpdateRow[],
  parameters: Parameters,
): void {
  const words = new Uint32Array(shader.words);
  let end = 0;
  for (const [r, { length, operands }] of rows.entries()) {
    const at = shader.rowsAt[r]!;
    end += Math.ceil(length / (4 * GROUP)) * GROUP;
    words[at + RowWord.end] = end;
    words[at + RowWord.length] = length;
    for (const [k, { offset }] of operands.entries()) words[at + RowWord.operands + k] = offset / 4;
  }
  putParameters(shader.parameters, parameters, words, shader.parametersAt);
  const buffers = rows.flatMap(({ operands }) => operands.map(own));
  queue.dispatch(shader, buffers, words, spread(end));
}
