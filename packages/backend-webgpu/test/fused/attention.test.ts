import { cpu } from '@flambeau/backend-cpu';
import {
  type AttentionOptions,
  type Device,
  registerBackend,
  scaledDotProductAttention,
  setKernelInterceptor,
  type Tensor,
  tensor,
  where,
} from '@flambeau/core';
import { beforeAll, expect, it } from 'vitest';
import { anyDriver, describeOn, webgpuAsOnGpu, webgpuOn } from '../support/device.ts';

function filled(shape: readonly number[], seed: number, device: Device): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from(
    { length },
    (_, i) => (((i * 37 + (i >> 4) * 11 + seed * 13) % 101) - 50) / 32,
  );
  return tensor(values, { device }).reshape(shape);
}

interface Sample {
  readonly query: readonly number[];
  /** By default those of `query`. */
  readonly key?: readonly number[];
  readonly value?: readonly number[];
  readonly dtype?: 'float32' | 'float16' | 'bfloat16';
  readonly options?: Omit<AttentionOptions, 'attnMask'>;
  /** The mask's shape. */
  readonly truths?: readonly number[];
  readonly scores?: readonly number[];
  /** Whether heads lie behind the rows in memory, as layers have them. */
  readonly turned?: boolean;
}

/** The output, and the gradients of query, key and value. */
async function results(sample: Sample, device: Device): Promise<ArrayLike<number>[]> {
  const { query, key = query, value = key, dtype = 'float32', options, truths, scores, turned } = sample;
  const made = (shape: readonly number[], seed: number): Tensor => {
    if (turned !== true) return filled(shape, seed, device).to({ dtype });
    const [b, h, n, f] = shape as [number, number, number, number];
    return filled([b, n, h, f], seed, device).to({ dtype }).transpose(1, 2);
  };
  const leaves = [query, key, value].map((shape, i) =>
    made(shape, 1 + i)
      .detach()
      .requiresGrad_(),
  );
  const [q, k, v] = leaves as [Tensor, Tensor, Tensor];
  const attnMask = truths
    ? filled(truths, 4, device).gt(-1)
    : scores
      ? filled(scores, 5, device).to({ dtype })
      : null;
  const y = scaledDotProductAttention(q, k, v, { ...options, attnMask });
  y.backward(made(y.shape, 6));
  const all = [y, ...leaves.map((leaf) => leaf.grad!)];
  return Promise.all(all.map((x) => x.to({ dtype: 'float32' }).data())) as Promise<ArrayLike<number>[]>;
}

const TOLERANCE = { float32: 5e-6, float16: 4e-3, bfloat16: 3e-2 } as const;

const SAMPLES: Readonly<Record<string, Sample>> = {
  'one matrix': { query: [20, 4] },
  'causal, rows past a workgroup and a tile': { query: [2, 3, 70, 4], options: { isCausal: true } },
  'causal, more keys than queries': { query: [20, 4], key: [75, 4], options: { isCausal: true } },
  'causal, more queries than keys': { query: [75, 4], key: [20, 4], options: { isCausal: true } },
  'widths that are no multiple of four': { query: [17, 5], key: [30, 5], value: [30, 3] },
  'heads behind rows': { query: [2, 3, 20, 4], turned: true, options: { isCausal: true, scale: 0.2 } },
  'a mask of truths': { query: [2, 3, 20, 4], key: [2, 3, 9, 4], truths: [20, 9] },
  'a mask of truths for keys': { query: [2, 3, 20, 4], key: [2, 3, 9, 4], truths: [2, 1, 1, 9] },
  'a mask of scores': { query: [2, 3, 20, 4], key: [2, 3, 9, 4], scores: [3, 20, 9] },
  'shared heads': {
    query: [2, 6, 20, 4],
    key: [2, 2, 9, 4],
    options: { enableGqa: true },
    scores: [6, 20, 9],
  },
  'keys for all of a batch': { query: [2, 3, 20, 4], key: [20, 4], options: { isCausal: true } },
  'queries for all of a batch': { query: [20, 4], key: [2, 3, 9, 4] },
  'wide rows, whose gradients go apart': { query: [20, 4], key: [18, 4], value: [18, 64] },
  'few queries, causal': { query: [2, 3, 7, 4], options: { isCausal: true } },
  'few queries of many keys, a mask of truths': {
    query: [2, 3, 7, 4],
    key: [2, 3, 300, 4],
    truths: [7, 300],
  },
  'few queries, float16, a mask of scores': { query: [2, 7, 4], dtype: 'float16', scores: [7, 7] },
  float16: { query: [20, 4], dtype: 'float16' },
  'float16 with a mask': { query: [20, 4], dtype: 'float16', scores: [20, 20] },
  bfloat16: { query: [20, 4], dtype: 'bfloat16' },
};

/** What kernels run meanwhile. */
function kernelsOf(body: () => void): string[] {
  const kernels: string[] = [];
  const before = setKernelInterceptor(({ kernel }, launch) => {
    kernels.push(kernel);
    launch();
  });
  try {
    body();
  } finally {
    setKernelInterceptor(before);
  }
  return kernels;
}

/** As GPUs compute it, and as software adapters do. */
const DEVICES = ['webgpu', 'webgpu:1'] as const;

describeOn(anyDriver, 'attention', () => {
  beforeAll(async () => {
    registerBackend(cpu());
    registerBackend(await webgpuAsOnGpu(anyDriver));
    registerBackend(await webgpuOn(anyDriver, { name: 'webgpu:1' }));
  });

  const cases = DEVICES.flatMap((device) =>
    Object.entries(SAMPLES).map(([name, sample]) => ({ device, name, sample })),
  );
  it.each(cases)(
    'agrees with the CPU, gradients too: $name ($device)',
    { timeout: 120_000 },
    async ({ device, sample }) => {
      const [ours, theirs] = [await results(sample, device), await results(sample, 'cpu')];
      for (const [k, expected] of theirs.entries()) {
        const scale = Math.max(1, ...Array.from(expected, Math.abs));
        for (let i = 0; i < expected.length; i++)
          expect(Math.abs(ours[k]![i]! - expected[i]!), `result ${k}, element ${i}`).toBeLessThanOrEqual(
            TOLERANCE[sample.dtype ?? 'float32'] * scale,
          );
      }
    },
  );

  it.each(DEVICES)(
    'gives zeros, and gradients of 0, to a query that may see nothing (%s)',
    { timeout: 60_000 },
    async (device) => {
      const [q, k, v] = [1, 2, 3].map((seed) => filled([16, 4], seed, device).requiresGrad_()) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const own = (device: Device): Tensor =>
        tensor(
          Array.from({ length: 16 }, (_, i) => i),
          { device },
        )
          .reshape([16, 1])
          .ne(3);
      for (const attnMask of [
        own(device).expand([16, 16]),
        where(own(device), 0, Number.NEGATIVE_INFINITY).to({ dtype: 'float32' }).expand([16, 16]),
      ]) {
        q.grad = null;
        const y = scaledDotProductAttention(q, k, v, { attnMask });
        y.sum().backward();
        expect(Array.from((await y.data()) as Float32Array).slice(12, 16)).toEqual([0, 0, 0, 0]);
        const gradients = Array.from((await q.grad!.data()) as Float32Array);
        expect(gradients.slice(12, 16)).toEqual([0, 0, 0, 0]);
        expect(gradients.every(Number.isFinite)).toBe(true);
      }
    },
  );

  it.each(DEVICES)(
    'keeps what large scores say, and NaN in its row (%s)',
    { timeout: 60_000 },
    async (own) => {
      const rows = Array.from({ length: 16 }, (_, i) => [i === 2 ? Number.NaN : i * 40, 1, 0, 0]);
      const all = ([own, 'cpu'] as const).map((device) => {
        const q = tensor(rows, { device });
        const k = filled([16, 4], 2, device).mul(20);
        return scaledDotProductAttention(q, k, filled([16, 4], 3, device)).data();
      });
      const [ours, theirs] = await Promise.all(all);
      for (const [i, value] of Array.from(theirs as Float32Array).entries())
        Number.isNaN(value) ? expect(ours![i]).toBeNaN() : expect(ours![i]).toBeCloseTo(value, 5);
    },
  );

  it('is what runs', { timeout: 60_000 }, () => {
    const ran = (queries: number, device: Device): string[] =>
      kernelsOf(() => {
        const [q, k, v] = [1, 2, 3].map((seed) => filled([queries, 4], seed, device).requiresGrad_());
        scaledDotProductAttention(q!, k!, v!).sum().backward();
      });
    expect(ran(16, 'webgpu')).toEqual(
      expect.arrayContaining(['scaledDotProductAttention', 'scaledDotProductAttentionBackward']),
    );
    for (const kernels of [ran(15, 'webgpu'), ran(16, 'webgpu:1')]) {
      expect(kernels).toEqual(expect.arrayContaining(['attentionWeights', 'softmaxBackward']));
      expect(kernels).not.toContain('scaledDotProductAttention');
    }
  });
});
