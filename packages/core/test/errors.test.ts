import { cpu } from '@flambeau/backend-cpu';
import {
  ArgumentError,
  arange,
  DeviceError,
  DTypeError,
  FlambeauError,
  full,
  getDefaultDevice,
  hasDevice,
  ones,
  pickDevice,
  rand,
  randint,
  registerBackend,
  ShapeError,
  setDefaultDevice,
  setDefaultDtype,
  tensor,
  unregisterBackend,
  zeros,
} from '@flambeau/core';
import { beforeAll, describe, expect, it } from 'vitest';

/** Runs first: afterwards a backend is there. */
describe('without a backend', () => {
  it('a tensor cannot be made, and the text says what to do', () => {
    expect(() => zeros([2])).toThrow(DeviceError);
    expect(() => zeros([2])).toThrow(
      "no backend is registered; import from 'flambeau', or registerBackend(cpu()) with cpu from '@flambeau/backend-cpu'",
    );
  });
});

describe('with the CPU backend', () => {
  beforeAll(() => {
    registerBackend(cpu());
  });

  describe('devices', () => {
    it('the first registered is the default, and registering again gives the first', () => {
      const first = registerBackend(cpu());
      expect(registerBackend(cpu())).toBe(first);
      expect(getDefaultDevice()).toBe('cpu');
      expect(pickDevice(['webgpu', 'cpu'])).toBe('cpu');
    });

    it('an unknown one is named with those that are there', () => {
      expect(() => zeros([2], { device: 'webgpu' })).toThrow(
        'device webgpu has no backend; registered devices: meta, cpu. Register one: registerBackend(…)',
      );
      expect(() => setDefaultDevice('cuda:1')).toThrow(DeviceError);
      expect(() => pickDevice(['webgpu', 'cuda'])).toThrow('pickDevice: none of webgpu, cuda has a backend');
    });

    it('a backend for another contract is refused', () => {
      expect(() => registerBackend({ ...cpu(), device: 'odd', apiVersion: 2 as never })).toThrow(
        'registerBackend: odd implements version 2 of the contract, core has version 1; update one of them',
      );
      expect(hasDevice('odd')).toBe(false);
      expect(unregisterBackend('odd')).toBe(false);
    });

    it('do not mix in silence', () => {
      expect(() => zeros([2]).add(zeros([2], { device: 'meta' }))).toThrow(
        "add: operands are on cpu and meta; nothing moves between devices in silence: move one with .to('cpu')",
      );
      expect(() => zeros([2], { device: 'meta' }).dataSync()).toThrow(
        'meta: tensors of the meta device have a shape and a dtype but no data',
      );
    });

    it('meta computes shapes and dtypes alone', () => {
      const x = zeros([2, 3], { device: 'meta', requiresGrad: true });
      const y = x
        .matmul(zeros([3, 4], { device: 'meta' }))
        .add(1)
        .sum(0);
      expect([y.shape, y.dtype, y.device, y.requiresGrad]).toEqual([[4], 'float32', 'meta', true]);
      y.sum().backward();
      expect(x.grad!.shape).toEqual([2, 3]);
    });
  });

  describe('shapes', () => {
    it.each([
      [
        'broadcasting',
        () => zeros([2, 3]).add(zeros([4])),
        'add: shapes [2, 3] and [4] do not broadcast: dim 1 has 3 against 4',
      ],
      [
        'matmul',
        () => zeros([32, 784]).matmul(zeros([512, 10])),
        'matmul: inner sizes differ, 784 against 512; a is [32, 784], b is [512, 10]',
      ],
      [
        'a dim',
        () => zeros([2, 3]).sum(2),
        'sum: dim 2 is out of range for shape [2, 3]; it must lie in -2..1',
      ],
      [
        'a dim twice',
        () => zeros([2, 3]).sum([0, -2]),
        'sum: dims [0, -2] name a dimension twice; the shape is [2, 3]',
      ],
      [
        'reshape',
        () => zeros([2, 3]).reshape([4, -1]),
        'reshape: [2, 3] has 6 elements, which do not fit [4, -1]',
      ],
      ['two holes', () => zeros([2, 3]).reshape([-1, -1]), 'reshape: only one size may be -1, got [-1, -1]'],
      ['view', () => zeros([2, 3]).transpose(0, 1).view([6]), 'use reshape, which copies where it must'],
      ['expand', () => zeros([2, 3]).expand([2, 4]), 'expand: [2, 3] does not expand to [2, 4]'],
      [
        'permute',
        () => zeros([2, 3]).permute([0]),
        'permute: [0] must name each of the 2 dimensions of [2, 3] once',
      ],
      [
        'narrow',
        () => zeros([2, 3]).narrow(1, 2, 2),
        'narrow: 2 elements from 2 lie outside dim 1 of size 3',
      ],
      ['select', () => zeros([2, 3]).select(0, 2), 'select: index 2 is out of range for dim 0 of size 2'],
      ['a negative size', () => zeros([-1]), 'zeros: sizes must be integers of 0 or more, got [-1]'],
      [
        'a shape that is a number',
        () => zeros(3 as never),
        'zeros: a shape is an array of sizes, e.g. [2, 3]; got 3',
      ],
      ['too many dimensions', () => zeros([1, 1, 1, 1, 1, 1, 1, 1, 1]), 'has 9 dimensions; 8 is the most'],
      [
        'nothing to reduce',
        () => zeros([0, 3]).amax(0),
        'amax: nothing to reduce: [0, 3] has no elements along dims [0], and there is no neutral value',
      ],
      [
        'ragged arrays',
        () => tensor([[1, 2], [3]]),
        'tensor: the nested arrays are ragged: dim 1 has 1 elements where the first has 2',
      ],
      [
        'item of many',
        () => zeros([2]).itemSync(),
        'itemSync: a tensor of shape [2] has 2 values, not one; use toArray() or data()',
      ],
      [
        'a pattern',
        () => zeros([2, 3]).expectShape('b 4'),
        "expectShape: [2, 3] does not match 'b 4': dim 1 (4) is 3",
      ],
    ])('%s', (_name, wrong, text) => {
      expect(wrong).toThrow(ShapeError);
      expect(wrong).toThrow(text);
    });
  });

  describe('dtypes', () => {
    it.each([
      [
        'unknown',
        () => zeros([2], { dtype: 'flaot32' as never }),
        'zeros: unknown dtype "flaot32"; the dtypes are bool, uint8,',
      ],
      [
        'a mean of integers',
        () => arange(3).mean(),
        "mean: int32 has no exact result; give a floating dtype: mean({ dtype: 'float32' })",
      ],
      [
        'a gradient of integers',
        () => zeros([2], { dtype: 'int32', requiresGrad: true }),
        'zeros: only floating and complex tensors can require gradients, this one is int32',
      ],
      ['requiresGrad_ of integers', () => arange(3).requiresGrad_(), "convert it: to({ dtype: 'float32' })"],
      [
        'sub of bools',
        () => tensor([true]).sub(tensor([true])),
        'sub: bool is not supported; use logicalXor',
      ],
      [
        'mixed values',
        () => tensor([1, 2n]),
        'tensor: numbers and big integers are mixed; give { dtype } or use one kind',
      ],
      [
        'random integers as floats',
        () => rand([2], { dtype: 'int32' }),
        'rand: random values are floating, not int32; use randint for integers',
      ],
      [
        'a default that is no float',
        () => setDefaultDtype('int32'),
        'setDefaultDtype: int32 is not a floating dtype',
      ],
      ['a dtype that the device lacks', () => zeros([2], { dtype: 'complex64' }), 'cpu has no complex64'],
    ])('%s', (_name, wrong, text) => {
      expect(wrong).toThrow(DTypeError);
      expect(wrong).toThrow(text);
    });
  });

  describe('arguments', () => {
    it.each([
      [
        'an unknown option',
        () => zeros([2]).sum({ keepDims: true } as never),
        'sum: unknown option keepDims; did you mean keepdim?',
      ],
      [
        'an option of a pointwise operator',
        () => zeros([2]).add(1, { alhpa: 2 } as never),
        'add: unknown option alhpa; did you mean alpha?',
      ],
      [
        'an option that is no number',
        () => zeros([2]).add(1, { alpha: 'x' } as never),
        'add: option alpha must be a number, got "x"',
      ],
      [
        'an operand that is an array',
        () => zeros([2]).add([1, 2] as never),
        'add: an operand must be a tensor or a number, got [1, 2]; make a tensor of it: tensor([…])',
      ],
      [
        'an operand that is missing',
        () => zeros([2]).add(undefined as never),
        'add: an operand must be a tensor or a number, got undefined',
      ],
      [
        'a dtype given as a device',
        () => zeros([2]).to('float32' as never),
        "to: 'float32' is a dtype; write to({ dtype: 'float32' })",
      ],
      [
        'a progression that leads nowhere',
        () => arange(0, 5, -1),
        'arange: no progression leads from 0 to 5 by steps of -1',
      ],
      [
        'an empty range',
        () => randint(3, 3, [2]),
        'randint: [3, 3) must be a range of 32-bit integers that is not empty',
      ],
      ['a value that is no number', () => full([2], {} as never), 'full: the value must be a number'],
    ])('%s', (_name, wrong, text) => {
      expect(wrong).toThrow(ArgumentError);
      expect(wrong).toThrow(text);
    });
  });

  it('arithmetic on tensors by JavaScript operators throws and shows the method', () => {
    // @ts-expect-error: the types refuse it too
    expect(() => ones([1]) + 1).toThrow('a tensor is no number: write a.add(b)');
    expect(`${ones([2])}`).toBe('tensor([1., 1.])');
  });

  it('errors carry code, operator and data, and their stack begins at the caller', () => {
    let caught: unknown;
    try {
      zeros([2, 3]).add(zeros([4]));
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(FlambeauError);
    const error = caught as FlambeauError;
    expect([error.name, error.code, error.op, error.data.shapes]).toEqual([
      'ShapeError',
      'SHAPE',
      'add',
      [[2, 3], [4]],
    ]);
    expect(error.stack!.split('\n')[1]).toContain('errors.test.ts');
  });
});
