import { byteLengthOf, type Update, type UpdateKernel } from '@flambeau/core/backend';
import { faults, parameterSlots } from '../cuda-c/body.ts';
import { UPDATE_THREADS, updateSource } from '../cuda-c/update.ts';
import { type Context, Variants, writeParameters } from './context.ts';
import { pointerTo } from './loops.ts';

/** Rows of one launch at most: a launch has 256 arguments. */
const MOST_ROWS = 16;
const MOST_OPERANDS = 8;

/** Updates: up to 16 rows in one launch, in powers of two, so that few kernels serve. */
export function updateKernel(context: Context): UpdateKernel {
  const { launch } = context;
  const compiled: (Variants | undefined)[] = [];
  return {
    when: ({ operands, steps }: Update) =>
      operands.length <= MOST_OPERANDS && !steps.some(({ program }) => faults(program)),
    run(update, rows, parameters) {
      const variants = (compiled[update.id] ??= new Variants(launch));
      const slots = parameterSlots(update.steps.map(({ program }) => program));
      const sizes = update.operands.map(byteLengthOf);
      for (let from = 0; from < rows.length; ) {
        const exponent = Math.floor(Math.log2(Math.min(MOST_ROWS, rows.length - from)));
        const count = 2 ** exponent;
        const kernel = variants.get(exponent, () => updateSource(update, count));
        const args = launch.arguments.reset();
        let blocks = 0;
        for (const { length, operands } of rows.slice(from, from + count)) {
          for (const [k, operand] of operands.entries()) pointerTo(args, operand, sizes[k]!);
          blocks += Math.ceil(length / UPDATE_THREADS);
          args.i64(length).i32(blocks);
        }
        writeParameters(args, slots, parameters);
        launch.launch(kernel, [blocks, 1, 1], [UPDATE_THREADS, 1, 1], 0, args);
        from += count;
      }
    },
  };
}
