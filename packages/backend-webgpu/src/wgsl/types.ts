import { BackendError, type DType, type ScalarType } from '@flambeau/core/backend';

/** The types in which a shader computes. Narrow integers are i32 that are wrapped after every step; halves are f32. */
export type ValueType = 'f32' | 'i32' | 'u32' | 'bool';

/** @throws {BackendError} shaders have no such type; `limits.dtypes` lets none through. */
export function valueTypeOf(type: ScalarType): ValueType {
  switch (type) {
    case 'float32':
    case 'float16':
    case 'bfloat16':
      return 'f32';
    case 'int32':
    case 'int16':
    case 'int8':
    case 'uint8':
      return 'i32';
    case 'uint32':
      return 'u32';
    case 'bool':
      return 'bool';
    case 'float64':
    case 'int64':
    case 'complex64':
      throw new BackendError(
        `webgpu: shaders have no ${type}; use ${type === 'int64' ? 'int32' : 'float32'}`,
      );
  }
}

export const isHalf = (type: ScalarType): type is 'float16' | 'bfloat16' =>
  type === 'float16' || type === 'bfloat16';

/** Bits of an element in memory. */
export type Width = 8 | 16 | 32;

export function widthOf(dtype: DType): Width {
  switch (dtype) {
    case 'bool':
    case 'int8':
    case 'uint8':
      return 8;
    case 'float16':
    case 'bfloat16':
    case 'int16':
      return 16;
    default:
      return 32;
  }
}
