import {
  add,
  amax,
  argmax,
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
  hasDevice,
  layerNorm,
  lgamma,
  logcumsumexp,
  logSoftmax,
  matmul,
  maxPool2d,
  noGrad,
  permute,
  registerBackend,
  remainder,
  rmsNorm,
  scaledDotProductAttention,
  scatterAdd,
  sigmoid,
  softmax,
  sort,
  sum,
  type Tensor,
  tanh,
  transpose,
} from '@flambeau/core';
import type { KernelSource } from '../src/launch.ts';
import { type RecordedLaunch, Recorder, recordingBackend } from './recorder.ts';

const DEVICE = 'cuda:1000';

const FLOATING: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16'];
const INTEGERS: readonly DType[] = ['int64', 'int32', 'int16', 'int8', 'uint8'];

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
  conv2d(image, weight, tensor([64], dtype), { padding: 1 })
    .sum()
    .backward();
  maxPool2d(image, 2).sum().backward();
  if (dtype === 'float64') return;
  for (const features of [32, 64, 128]) {
    const query = tensor([4, 8, 256, features], dtype);
    const mask = tensor([256, 256], 'bool');
    noGrad(() => scaledDotProductAttention(query, query, query, { isCausal: true }));
    noGrad(() => scaledDotProductAttention(query, query, query, { attnMask: mask }));
  }
}

/**
 * The kernels of ordinary use, of every kind and dtype, with how they would be launched on a device of 132
 * multiprocessors. Nothing is computed.
 */
export function recordKernels(): {
  readonly sources: readonly KernelSource[];
  readonly launches: readonly RecordedLaunch[];
} {
  if (hasDevice(DEVICE)) throw new RangeError(`recordKernels: ${DEVICE} is in use; call it once`);
  const recorder = new Recorder();
  registerBackend(recordingBackend(recorder, DEVICE));
  for (const dtype of [...FLOATING, ...INTEGERS, 'bool' as const]) basics(dtype);
  for (const dtype of [...FLOATING, ...INTEGERS]) numeric(dtype);
  for (const dtype of FLOATING) floating(dtype);
  return { sources: [...recorder.sources.values()], launches: recorder.launches };
}
