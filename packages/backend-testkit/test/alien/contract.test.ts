import {
  add,
  clone,
  type KernelCall,
  noGrad,
  pointwise,
  registerBackend,
  setKernelInterceptor,
  sum,
  type Tensor,
  tensor,
  update,
} from '@flambeau/core';
import {
  type Allocation,
  BackendError,
  type Operand,
  OutOfMemoryError,
  type Program,
  type Reduction,
  type Update,
} from '@flambeau/core/backend';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AlienBackend, alien } from './index.ts';

const shared = alien();
registerBackend(shared);

/** The first kernel call that `body` makes, which is not launched. */
function callOf(body: () => unknown): KernelCall {
  const calls: KernelCall[] = [];
  setKernelInterceptor((call) => calls.push(call));
  try {
    body();
  } finally {
    setKernelInterceptor(null);
  }
  return calls[0]!;
}

const descend = update('descend', {
  operands: ['x', 'g'],
  numbers: [],
  steps: { x: ({ x, g }) => x.sub(g) },
});

const x = tensor([1, 2, 3, 4], { device: 'alien' });
const adding = callOf(() => add(x, x)).args[0] as Program;
const summing = callOf(() => sum(x)).args[0] as Reduction;
const flags = tensor([true, false], { device: 'alien' });
const truths = callOf(() => clone(flags)).args[0] as Program;

let device: AlienBackend;
let memory: Allocation;

const operand = (fields: Partial<Operand> = {}): Operand => ({
  allocation: memory,
  dtype: 'float32',
  offset: 0,
  strides: [1],
  ...fields,
});
const apart = (fields: Partial<Operand> = {}): Operand =>
  operand({ allocation: device.allocate(64, fields.dtype ?? 'float32'), ...fields });

beforeEach(() => {
  device = alien();
  memory = device.allocate(64, 'float32');
});

describe('memory of the alien', () => {
  it('is not to be seen: a handle has no content', () => {
    expect(Object.keys(memory)).toEqual(['byteLength']);
    expect(Reflect.ownKeys(memory)).toEqual(['byteLength']);
    expect(Object.isFrozen(memory)).toBe(true);
    expect(device.readSync).toBeUndefined();
    expect(device.limits).toMatchObject({ synchronousReads: false });
  });

  it('is poisoned when it is new', async () => {
    const bytes = (await device.read(memory, 0, 64)).slice();
    expect([...new Float32Array(bytes.buffer)].every(Number.isNaN)).toBe(true);
    expect([...new Float64Array(bytes.buffer)].every(Number.isNaN)).toBe(true);
  });

  it('comes in multiples of 16 bytes', () => {
    for (const byteLength of [0, -16, 4, 17, 16.5])
      expect(() => device.allocate(byteLength, 'float32')).toThrow(BackendError);
    expect(() => device.allocate(16, 'complex64')).toThrow('alien: allocate: dtype is complex64');
  });

  it('runs out', () => {
    const small = alien({ capacity: 64 });
    const first = small.allocate(48, 'float32');
    expect(() => small.allocate(32, 'float32')).toThrow(OutOfMemoryError);
    small.free(first);
    expect(small.allocate(64, 'float32').byteLength).toBe(64);
  });

  it('counts what lives', () => {
    expect(device.memory).toEqual({ allocations: 1, byteLength: 64 });
    device.free(memory);
    expect(device.memory).toEqual({ allocations: 0, byteLength: 0 });
  });

  it('is not used after it was freed, nor freed twice, nor taken from another device', async () => {
    device.free(memory);
    expect(() => device.free(memory)).toThrow('alien: free: an allocation after it was freed was used');
    expect(() => device.write(memory, 0, new Uint8Array(4))).toThrow(BackendError);
    await expect(device.read(memory, 0, 4)).rejects.toThrow('after it was freed');
    expect(() => device.kernels.pointwise(adding, [4], apart(), [operand(), apart()], [])).toThrow(
      'after it was freed',
    );
    const other = alien().allocate(16, 'float32');
    expect(() => device.write(other, 0, new Uint8Array(4))).toThrow("that is not this device's");
  });

  it('has ends', async () => {
    expect(() => device.write(memory, 62, new Uint8Array(4))).toThrow(
      '4 bytes from 62 lie outside of an allocation of 64',
    );
    expect(() => device.write(memory, -1, new Uint8Array(4))).toThrow(BackendError);
    await expect(device.read(memory, 0.5, 4)).rejects.toThrow(BackendError);
    expect(() => device.copy(memory, 0, memory, 8, 16)).toThrow('source and target overlap');
  });
});

describe('work on the alien', () => {
  it('never runs at the call', async () => {
    device.write(memory, 0, new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer));
    const output = apart();
    device.kernels.pointwise(adding, [4], output, [operand(), operand()], []);
    expect(device.pending).toBe(2);
    const bytes = await device.read(output.allocation, 0, 16);
    expect([...new Float32Array(bytes.buffer)]).toEqual([2, 4, 6, 8]);
    expect(device.pending).toBe(0);
  });

  it('runs by itself, unless the device is lazy', async () => {
    for (const [schedule, left] of [
      ['macrotask', 0],
      ['microtask', 0],
      ['lazy', 1],
    ] as const) {
      const own = alien({ schedule });
      own.write(own.allocate(16, 'float32'), 0, new Uint8Array(4));
      expect(own.pending).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(own.pending).toBe(left);
    }
  });

  it('reports the first fault to the next one who waits, once, and goes on', async () => {
    const index = apart({ dtype: 'int32' });
    device.write(index.allocation, 0, new Uint8Array(new Int32Array([0, 9, 7, 1]).buffer));
    device.kernels.gather([4], 4, apart(), operand(), index);
    device.write(memory, 0, new Uint8Array([1, 2]));
    await expect(device.synchronize()).rejects.toThrow('gather: index 9 is out of range for size 4');
    expect([...(await device.read(memory, 0, 2))]).toEqual([1, 2]);
  });

  it('is refused once the device is lost', async () => {
    device.lose('unplugged');
    expect((await device.lost).message).toBe('alien was lost: unplugged');
    expect(() => device.write(memory, 0, new Uint8Array(4))).toThrow('alien was lost: unplugged');
    await expect(device.synchronize()).rejects.toThrow('unplugged');
  });
});

describe('what core must never do', () => {
  const refused = (
    what: RegExp | string,
    ...[program, shape, output, inputs, parameters]: Parameters<AlienBackend['kernels']['pointwise']>
  ): void => {
    expect(() => device.kernels.pointwise(program, shape, output, inputs, parameters)).toThrow(what);
  };
  const pair = (fields: Partial<Operand> = {}): Operand[] => [operand(fields), apart()];

  it('give shapes of no elements, of rank 9, or with other strides', () => {
    refused('sizes must be 1 or more, got [0]', adding, [0], apart(), pair(), []);
    refused('rank 9', adding, new Array<number>(9).fill(1), apart(), pair(), []);
    refused('1 strides for shape [2, 2]', adding, [2, 2], apart(), pair(), []);
    refused('input 0 has strides [-1]', adding, [4], apart(), pair({ strides: [-1], offset: 3 }), []);
    refused('input 0 is not aligned: offset 0.5', adding, [4], apart(), pair({ offset: 0.5 }), []);
  });

  it('reach beyond an allocation', () => {
    refused('input 0 reaches byte 68 of an allocation of 64', adding, [4], apart(), pair({ offset: 13 }), []);
    refused('input 0 reaches byte', adding, [4], apart(), pair({ strides: [6] }), []);
  });

  it('let an output overlap an input in part, or itself', () => {
    const output = operand({ offset: 1 });
    refused('shares memory with an input (in part)', adding, [4], output, pair(), []);
    refused('shares memory with an input (in part)', adding, [4], operand({ strides: [2] }), pair(), []);
    refused('output writes one place twice', adding, [4], apart({ strides: [0] }), pair(), []);
    expect(() => device.kernels.pointwise(adding, [4], operand(), pair(), [])).not.toThrow();
    expect(() => device.kernels.pointwise(adding, [4], operand({ offset: 4 }), pair(), [])).not.toThrow();
    expect(() => device.kernels.scan('sum', [4], operand(), operand(), false)).toThrow('(the same elements)');
  });

  it('give operands of other dtypes than a kernel takes', () => {
    refused('input 0 is int32, and must be float32', adding, [4], apart(), pair({ dtype: 'int32' }), []);
    refused('output is int32, and must be float32', adding, [4], apart({ dtype: 'int32' }), pair(), []);
    refused('input 0 is float32, and must be bool', truths, [4], apart({ dtype: 'bool' }), [operand()], []);
    const { kernels } = device;
    expect(() => kernels.gather([4], 4, apart(), operand(), apart())).toThrow(
      'index is float32, and must be int32 or int64',
    );
    expect(() => kernels.argReduce('max', [4], apart({ strides: [] }), operand())).toThrow(
      'output is float32, and must be int32',
    );
    expect(() => kernels.sort([4], apart(), apart(), operand(), false)).toThrow(
      'indices is float32, and must be int32',
    );
    expect(() => kernels.scan('sum', [4], apart({ dtype: 'int32' }), operand(), false)).toThrow(
      'output is int32',
    );
    const few = alien({ dtypes: ['float32', 'int32', 'bool'] });
    expect(() => few.allocate(16, 'float64')).toThrow('dtype is float64');
  });

  it('give a program other operands or parameters than it names', () => {
    refused('1 inputs for a program of 2', adding, [4], apart(), [operand()], []);
    refused('1 parameters for a program of 0', adding, [4], apart(), pair(), [1]);
    const broken: Program = {
      ...adding,
      key: 'broken',
      steps: [...adding.steps.slice(0, 2), { op: 'add', a: 0, b: 5, type: 'float32' }],
    };
    refused('program broken: step 2: names step 5', broken, [4], apart(), pair(), []);
    const mistyped: Program = {
      ...adding,
      key: 'mistyped',
      steps: [...adding.steps.slice(0, 2), { op: 'lt', a: 0, b: 1, type: 'float32' }],
    };
    refused('lt of float32 cannot be float32', mistyped, [4], apart(), pair(), []);
  });

  it('give an update memory twice, or rows of other operands than it names', () => {
    const [y, g] = [tensor([1], { device: 'alien' }), tensor([1], { device: 'alien' })];
    const known = callOf(() => noGrad(() => descend([[y, g]], {}))).args[0] as Update;
    const run = (...operands: Operand[]) => device.kernels.update!.run(known, [{ length: 2, operands }], []);
    expect(() => run(operand(), apart())).not.toThrow();
    expect(() => run(operand(), operand({ offset: 4 }))).toThrow('alien: update: an allocation comes twice');
    expect(() => run(operand())).toThrow('alien: update: a row of 1 operands, and not 2');
    expect(() => run(operand(), apart({ dtype: 'float64' }))).toThrow('alien: update: operand 1 is float64');
    expect(() => run(operand(), apart({ strides: [2] }))).toThrow(
      'alien: update: operand 1 must be contiguous',
    );
  });

  it('give outputs with gaps to kernels that write contiguously', () => {
    const { kernels } = device;
    const strides = [4, 1];
    const wide = { ...apart(), strides: [1] };
    expect(() => kernels.scan('sum', [2, 2], apart({ strides }), operand({ strides }), false)).toThrow(
      'output must be contiguous, got strides [4, 1]',
    );
    expect(() =>
      kernels.reduce(summing, [2, 2], 1, { ...wide, strides: [2] }, [operand({ strides })], [2]),
    ).toThrow('output must be contiguous');
    expect(() => kernels.reduce(summing, [2, 2], 1, wide, [operand({ strides })], [2])).not.toThrow();
    expect(() => kernels.reduce(summing, [2, 2], 2, wide, [operand({ strides })], [2])).toThrow(
      'keeps 2 of 2 dimensions',
    );
  });
});

describe('core on the alien', () => {
  it('computes, waits, and names the asynchronous form where it cannot', async () => {
    const own: Tensor = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { device: 'alien', requiresGrad: true },
    );
    const loss = own.matmul(own).sum();
    loss.backward();
    expect(await own.grad!.toArray()).toEqual([
      [7, 11],
      [9, 13],
    ]);
    expect(() => own.dataSync()).toThrow(/await/);
    expect(String(own)).toContain('alien');
    const cubic = pointwise('testCubic', (v) => v.mul(v).mul(v));
    expect(await cubic(own).toArray()).toEqual([
      [1, 8],
      [27, 64],
    ]);
  });

  it('throws a late fault where it is waited for', async () => {
    const values = tensor([1, 2, 3], { device: 'alien' });
    const taken = values.gather(0, tensor([0, 5], { dtype: 'int32', device: 'alien' }));
    await expect(taken.data()).rejects.toThrow('gather: index 5 is out of range for size 3');
    expect(await values.toArray()).toEqual([1, 2, 3]);
  });
});
