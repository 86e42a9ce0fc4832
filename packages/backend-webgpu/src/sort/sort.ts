import { DTYPE_COUNT, DTYPES, type RequiredKernels, sizeOf } from '@flambeau/core/backend';
import { own } from '../bound-buffers.ts';
import { padded, shaderRank, wordsOf } from '../elements/operands.ts';
import { dtypeAt, shaderTable } from '../elements/shaders.ts';
import { packWords } from '../elements/uniforms.ts';
import type { Queue } from '../queue/types.ts';
import { spread } from '../wgsl/launch.ts';
import { bitonicShader, insertionShader, MERGE, RUN, TILE, takeShader } from './shaders.ts';

/**
 * The `sort` kernel: keys with the places that they came from are sorted in runs, the runs merged in pairs, and the
 * elements taken in that order. Equal keys keep their places' order throughout.
 */
export function sortKernel(queue: Queue): RequiredKernels['sort'] {
  const runShader = queue.software ? insertionShader : bitonicShader;
  const runLength = queue.software ? RUN : TILE;
  const runShaders = shaderTable((code) =>
    runShader(dtypeAt(code % DTYPE_COUNT), Math.floor(code / DTYPE_COUNT)),
  );
  const takers = shaderTable((code) =>
    takeShader(dtypeAt(code % DTYPE_COUNT), Math.floor(code / DTYPE_COUNT)),
  );
  return (shape, values, indices, input, descending) => {
    const length = shape.at(-1)!;
    const count = sizeOf(shape);
    const rank = shaderRank(shape.length);
    const sizes = padded(shape, rank, 1);
    const rows = count / length;
    const code = rank * DTYPE_COUNT + DTYPES[input.dtype].index;
    const runs = Math.ceil(length / runLength);
    const workspace = () => [queue.workspace(count * 4), queue.workspace(count * 4)] as const;
    let [keys, places] = workspace();

    const sortRuns = runShaders(code);
    queue.dispatch(
      sortRuns,
      [own(input), keys, places],
      packWords(sortRuns.words, [
        rows,
        length,
        runs,
        descending ? 0xffffffff : 0,
        ...sizes.slice(0, -1),
        ...wordsOf(input, rank),
      ]),
      spread(rows * runs, queue.software ? undefined : 1),
    );
    if (runs > 1) {
      let [nextKeys, nextPlaces] = workspace();
      for (let width = runLength; width < length; width *= 2) {
        const words = packWords(MERGE.words, [count, length, width]);
        queue.dispatch(MERGE, [keys, places, nextKeys, nextPlaces], words, spread(count));
        [keys, nextKeys] = [nextKeys, keys];
        [places, nextPlaces] = [nextPlaces, places];
      }
      queue.release(nextKeys);
      queue.release(nextPlaces);
    }
    const take = takers(code);
    queue.dispatch(
      take,
      [own(input), places, own(values), own(indices)],
      packWords(take.words, [
        count,
        ...sizes,
        ...wordsOf(values, rank),
        ...wordsOf(indices, rank),
        ...wordsOf(input, rank),
      ]),
      spread(count),
    );
    queue.release(keys);
    queue.release(places);
  };
}
