import type { Backend, Kernels } from '@flambeau/core/backend';
import { describe, expect, it } from 'vitest';
import { conformanceSummary, runConformance } from '../../src/index.ts';
import { alien } from '../alien/index.ts';

type Change = (good: Backend) => Partial<Omit<Backend, 'kernels'>> & { readonly kernels?: Partial<Kernels> };

interface Mutant {
  /** The area of the suite that must notice. */
  readonly area: string;
  readonly change: Change;
}

const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Backends with one fault each, as they happen. */
const mutants: Readonly<Record<string, Mutant>> = {
  'forgets the offsets of inputs': {
    area: 'pointwise: float32',
    change: ({ kernels }) => ({
      kernels: {
        pointwise: (program, shape, output, inputs, parameters) =>
          kernels.pointwise(
            program,
            shape,
            output,
            inputs.map((input) => ({ ...input, offset: 0 })),
            parameters,
          ),
      },
    }),
  },
  'keeps the parameters of the first call': {
    area: 'pointwise: parameters',
    change: ({ kernels }) => {
      let first: readonly (number | bigint)[] | undefined;
      return {
        kernels: {
          pointwise: (program, shape, output, inputs, parameters) =>
            kernels.pointwise(
              program,
              shape,
              output,
              inputs,
              program.parameterCount === 1 ? (first ??= parameters) : parameters,
            ),
        },
      };
    },
  },
  'adds where it should multiply': {
    area: 'reduce: every combiner over float32',
    change: ({ kernels }) => ({
      kernels: {
        reduce: (reduction, shape, kept, output, inputs, parameters) =>
          kernels.reduce(
            { ...reduction, combiner: reduction.combiner === 'prod' ? 'sum' : reduction.combiner },
            shape,
            kept,
            output,
            inputs,
            parameters,
          ),
      },
    }),
  },
  'takes the least for the greatest': {
    area: 'argReduce: a long row',
    change: ({ kernels }) => ({
      kernels: {
        argReduce: (mode, shape, output, input) =>
          kernels.argReduce(mode === 'max' ? 'min' : 'max', shape, output, input),
      },
    }),
  },
  'scans one way only': {
    area: 'scan: int32',
    change: ({ kernels }) => ({
      kernels: {
        scan: (combiner, shape, output, input) => kernels.scan(combiner, shape, output, input, false),
      },
    }),
  },
  'reads matrices as if they were contiguous': {
    area: 'matmul: sizes',
    change: ({ kernels }) => ({
      kernels: {
        matmul: (size, output, a, b) =>
          kernels.matmul(size, output, a, { ...b, strides: [...size.batch.map(() => 0), size.n, 1] }),
      },
    }),
  },
  'adds as if it assigned': {
    area: 'scatter: repeated indices are all added',
    change: ({ kernels }) => ({
      kernels: {
        scatter: (mode, shape, length, output, source, index) =>
          kernels.scatter(mode === 'add' ? 'assign' : mode, shape, length, output, source, index),
      },
    }),
  },
  'sorts one way only': {
    area: 'sort: float32',
    change: ({ kernels }) => ({
      kernels: {
        sort: (shape, values, indices, input) => kernels.sort(shape, values, indices, input, false),
      },
    }),
  },
  'says nothing of indices out of range': {
    area: 'gather: an index out of range',
    change: (good) => ({ synchronize: () => good.synchronize().catch(() => {}) }),
  },
  'throws a fault again and again': {
    area: 'gather: an index out of range',
    change: (good) => {
      let fault: unknown;
      return {
        synchronize: async () => {
          await good.synchronize().catch((error: unknown) => {
            fault ??= error;
          });
          if (fault !== undefined) throw fault;
        },
      };
    },
  },
  'reads when it comes to it': {
    area: 'order: a read is a snapshot',
    change: (good) => ({
      read: async (source, offset, byteLength) => {
        await nextTask();
        return good.read(source, offset, byteLength);
      },
    }),
  },
  'writes when it comes to it': {
    area: 'memory: what is written later',
    change: (good) => ({
      write: (target, offset, bytes) => queueMicrotask(() => good.write(target, offset, bytes)),
    }),
  },
  'writes whole words': {
    area: 'memory: bytes of any length are written',
    change: (good) => ({
      write: (target, offset, bytes) => {
        const whole = new Uint8Array(
          Math.min(Math.ceil(bytes.byteLength / 4) * 4, target.byteLength - offset),
        );
        whole.set(bytes);
        good.write(target, offset, whole);
      },
    }),
  },
};

function mutantOf({ change }: Mutant): Backend {
  const good = alien({ device: 'mutant' });
  const { kernels, ...others } = change(good);
  return { ...good, ...others, kernels: { ...good.kernels, ...kernels } };
}

describe('the conformance suite notices a backend that', () => {
  it.each(Object.entries(mutants))('%s', async (_, mutant) => {
    const report = await runConformance(mutantOf(mutant), { filter: mutant.area });
    expect(report.results.length, 'there are such cases').toBeGreaterThan(0);
    expect(report.passed, conformanceSummary(report)).toBe(false);
  });
});
