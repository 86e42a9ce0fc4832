import type { Operand, RequiredKernels } from '@flambeau/core/backend';
import { arrayOf, bigintsOf, numbersOf } from '../allocation.ts';
import { Odometer } from '../walk.ts';
import { isHalf, narrowInto, widened, wideWorkspace } from '../widen.ts';

/** The `matmul` kernel. */
export function matmulKernel(_bySource: boolean): RequiredKernels['matmul'] {
  const run: RequiredKernels['matmul'] = (size, output, a, b) => {
    const { batch, m, k, n } = size;
    if (isHalf(output.dtype)) {
      const wide = wideWorkspace([...batch, m, n]);
      run(size, wide, widened([...batch, m, k], a), widened([...batch, k, n], b));
      narrowInto([...batch, m, n], output, wide);
      return;
    }
    const rank = batch.length;
    const strides = (operand: Operand): [number, number] => [
      operand.strides[rank]!,
      operand.strides[rank + 1]!,
    ];
    const [ar, ac] = strides(a);
    const [br, bc] = strides(b);
    const [yr, yc] = strides(output);
    const walk = new Odometer(batch, rank, [output, a, b]);
    do {
      const [yo, ao, bo] = walk.offsets as [number, number, number];
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          if (output.dtype === 'int64') {
            let sum = 0n;
            for (let l = 0; l < k; l++)
              sum = BigInt.asIntN(
                64,
                sum + bigintsOf(a)[ao + i * ar + l * ac]! * bigintsOf(b)[bo + l * br + j * bc]!,
              );
            arrayOf(output)[yo + i * yr + j * yc] = sum;
            continue;
          }
          const x = numbersOf(a);
          const z = numbersOf(b);
          let sum = 0;
          if (x instanceof Float32Array || x instanceof Float64Array) {
            for (let l = 0; l < k; l++) sum += x[ao + i * ar + l * ac]! * z[bo + l * br + j * bc]!;
          } else {
            for (let l = 0; l < k; l++)
              sum = (sum + Math.imul(x[ao + i * ar + l * ac]!, z[bo + l * br + j * bc]!)) | 0;
          }
          arrayOf(output)[yo + i * yr + j * yc] = output.dtype === 'bool' ? (sum !== 0 ? 1 : 0) : sum;
        }
      }
    } while (walk.next());
  };
  return run;
}
