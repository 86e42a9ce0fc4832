import { cpu } from '@flambeau/backend-cpu';
import { add, type Device, DTypeError, isin, mul, registerBackend, tensor, where } from '@flambeau/core';
import { describe, expect, it } from 'vitest';

const wide = registerBackend(cpu());
const device = 'narrow' as Device;
registerBackend({
  ...wide,
  device,
  limits: { ...wide.limits, dtypes: ['float32', 'int32', 'int16', 'bool'] },
});

describe('whole numbers on a device without int64', () => {
  const truths = tensor([true, false], { device });

  it('are int32, alone and with truths', () => {
    expect(where(truths, 1, 0).dtype).toBe('int32');
    expect(add(truths, 2).dtype).toBe('int32');
    expect(mul(truths, -3).dtype).toBe('int32');
    expect(isin(tensor([1, 2], { device, dtype: 'int32' }), 2).toArraySync()).toEqual([false, true]);
  });

  it('follow tensors of integers and floats as ever', () => {
    expect(add(tensor([1], { device, dtype: 'int16' }), 2).dtype).toBe('int16');
    expect(add(tensor([1], { device }), 2).dtype).toBe('float32');
    expect(where(truths, 1, 0.5).dtype).toBe('float32');
  });

  it('are int64 elsewhere', () => {
    expect(where(tensor([true], { device: 'cpu' }), 1, 0).dtype).toBe('int64');
  });

  it('are refused as bigints, which ask for int64', () => {
    expect(() => add(truths, 2n)).toThrow(DTypeError);
  });
});
