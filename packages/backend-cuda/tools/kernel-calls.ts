import {
  add,
  amax,
  argmax,
  avgPool2d,
  col2im,
  conv2d,
  crossEntropy,
  cumsum,
  type Device,
  type DType,
  digamma,
  dropout,
  empty,
  erf,
  exp,
  floorDivide,
  gather,
  gelu,
  groupNorm,
  hasDevice,
  instanceNorm,
  isFloating,
  layerNorm,
  lgamma,
  logcumsumexp,
  logSoftmax,
  matmul,
  maxPool2d,
  noGrad,
  permute,
  registerBackend,
  relu,
  remainder,
  rmsNorm,
  scaledDotProductAttention,
  scatterAdd,
  setKernelInterceptor,
  sigmoid,
  softmax,
  sort,
  sum,
  type Tensor,
  tanh,
  transpose,
} from '@flambeau/core';
import { BACKEND_DTYPES } from '@flambeau/core/backend';
import { Adam, AdamW, RMSprop, SGD } from '@flambeau/optim';
import type { KernelSource } from '../src/launch.ts';
import { type RecordedLaunch, Recorder, recordingBackend } from './recorder.ts';

const DEVICE = 'cuda:1000';

const tensor = (shape: readonly number[], dtype: DType = 'float32'): Tensor =>
  // Plugins extend the type of devices; this one is a tool's own.
  empty(shape, { dtype, device: DEVICE as Device });

/** Kernels of every kind over one dtype. */
function basics(dtype: DType): void {
  const x = tensor([64, 128], dtype);
  add(x, x);
  add(x, tensor([128], dtype));
  add(transpose(x, 0, 1), tensor([128, 64], dtype));
  add(tensor([2, 3, 5, 7, 9], dtype), permute(tensor([9, 7, 5, 3, 2], dtype), [4, 3, 2, 1, 0]));
  sum(x, 0);
  sum(x, 1);
  sum(tensor([2_000_000], dtype));
  amax(x, 1);
  sort(x, 1);
  sort(tensor([2, 5000], dtype), 1);
  for (const index of ['int32', 'int64'] as const) gather(x, 1, tensor([64, 5], index));
  scatterAdd(x, 1, tensor([64, 5], 'int64'), x);
}

/** What numbers have and truths do not. */
function numeric(dtype: DType): void {
  const x = tensor([64, 128], dtype);
  argmax(x, 1);
  cumsum(x, 1);
  cumsum(tensor([4096, 8], dtype), 1);
  cumsum(tensor([1_000_000], dtype), 0);
  floorDivide(x, x);
  remainder(x, x);
  matmul(x, tensor([128, 64], dtype));
  matmul(tensor([1, 512], dtype), tensor([512, 64], dtype));
  matmul(tensor([768, 512], dtype), tensor([512, 1024], dtype));
  matmul(tensor([2048, 512], dtype), tensor([512, 2048], dtype));
  matmul(tensor([64, 51_200], dtype), tensor([51_200, 64], dtype));
}

/** Long programs, and the fused kernels with their gradients. */
function floating(dtype: DType): void {
  const x = tensor([64, 128], dtype).requiresGrad_();
  for (const f of [gelu, sigmoid, tanh, exp, erf, lgamma, digamma]) f(x);
  dropout(x, { p: 0.5 });
  logcumsumexp(x, 1);
  for (const row of [x, tensor([8, 10_000], dtype).requiresGrad_()]) {
    softmax(row, -1).sum().backward();
    logSoftmax(row, -1).sum().backward();
    crossEntropy(row, tensor([row.shape[0]!], 'int64')).backward();
    const width = row.shape[1]!;
    layerNorm(row, [width], tensor([width], dtype), tensor([width], dtype));
    rmsNorm(row, [width], tensor([width], dtype));
  }
  const image = tensor([8, 32, 56, 56], dtype).requiresGrad_();
  const weight = tensor([64, 32, 3, 3], dtype).requiresGrad_();
  // The sum's gradient repeats one element; behind relu it lies side by side, as the kernels of convolutions take it.
  relu(conv2d(image, weight, tensor([64], dtype), { padding: 1 }))
    .sum()
    .backward();
  for (const pool of [maxPool2d, avgPool2d]) pool(image, 2).sum().backward();
  col2im(tensor([8, 32 * 9, 56 * 56], dtype), [56, 56], 3, { padding: 1 });
  groupNorm(image, 8, tensor([32], dtype), tensor([32], dtype));
  instanceNorm(image, null, null, tensor([32], dtype), tensor([32], dtype));
  if (dtype === 'float64') return;
  for (const features of [32, 64, 128]) {
    const query = tensor([4, 8, 256, features], dtype);
    const mask = tensor([256, 256], 'bool');
    noGrad(() => scaledDotProductAttention(query, query, query, { isCausal: true }));
    noGrad(() => scaledDotProductAttention(query, query, query, { attnMask: mask }));
  }
}

/** Steps of optimisers over so many parameters that a launch takes its most rows, and one is left for another. */
function steps(dtype: DType): void {
  const parameters = Array.from({ length: 17 }, () => tensor([64, 10], dtype).requiresGrad_());
  for (const x of parameters) x.grad = tensor([64, 10], dtype);
  for (const optimizer of [
    new SGD(parameters),
    new SGD(parameters, { momentum: 0.9, weightDecay: 1e-4 }),
    new Adam(parameters),
    new AdamW(parameters),
    new RMSprop(parameters),
  ])
    optimizer.step();
}

/** Runs `body` and says which of the device's kernels it reached, by their names in the backend's table. */
function kernelsReached(body: () => void): ReadonlySet<string> {
  const reached = new Set<string>();
  const before = setKernelInterceptor(({ device, kernel }, launch) => {
    if (device === DEVICE) reached.add(kernel);
    launch();
  });
  try {
    body();
  } finally {
    setKernelInterceptor(before);
  }
  return reached;
}

/**
 * The kernels of ordinary use, of every kind and dtype, with how they would be launched on a device of 132
 * multiprocessors. Nothing is computed. `unreached` names the kernels of the backend's table that no call above reaches.
 */
export function recordKernels(): {
  readonly sources: readonly KernelSource[];
  readonly launches: readonly RecordedLaunch[];
  readonly unreached: readonly string[];
} {
  if (hasDevice(DEVICE)) throw new RangeError(`recordKernels: ${DEVICE} is in use; call it once`);
  const recorder = new Recorder();
  const { kernels } = registerBackend(recordingBackend(recorder, DEVICE));
  const reached = kernelsReached(() => {
    for (const dtype of BACKEND_DTYPES) basics(dtype);
    for (const dtype of BACKEND_DTYPES.filter((dtype) => dtype !== 'bool')) numeric(dtype);
    for (const dtype of BACKEND_DTYPES.filter(isFloating)) {
      floating(dtype);
      steps(dtype);
    }
  });
  const { fused = {}, ...others } = kernels;
  const unreached = [...Object.keys(others), ...Object.keys(fused)].filter((name) => !reached.has(name));
  return { sources: [...recorder.sources.values()], launches: recorder.launches, unreached };
}
