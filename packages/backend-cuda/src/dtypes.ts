import type { DType } from '@flambeau/core/backend';

/** The dtypes of tensors on CUDA. */
export const CUDA_DTYPES: readonly DType[] = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
];
