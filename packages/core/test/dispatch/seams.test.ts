import { cpu } from '@flambeau/backend-cpu';
import {
  type KernelCall,
  ones,
  pointwise,
  registerBackend,
  registerKernels,
  setKernelInterceptor,
  setOperatorInterceptor,
  type Tensor,
  tensor,
  withoutOperatorInterceptor,
} from '@flambeau/core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => {
  registerBackend(cpu());
});

afterEach(() => {
  setOperatorInterceptor(null);
  setKernelInterceptor(null);
});

describe('the seam at the operator', () => {
  it('sees every call and may change its arguments', () => {
    const seen: string[] = [];
    setOperatorInterceptor((op, args, proceed) => {
      seen.push(op);
      return op === 'add' ? proceed([args[0], 10]) : proceed(args);
    });
    const y = tensor([1, 2]).add(1).softmax(0).sum();
    setOperatorInterceptor(null);
    expect(seen.slice(0, 2)).toEqual(['add', 'softmax']);
    expect(seen).toContain('sum');
    expect(y.itemSync()).toBeCloseTo(1, 6);
  });

  it('can call operators itself, as autocast does', () => {
    setOperatorInterceptor((op, args, proceed) => {
      if (op !== 'matmul') return proceed(args);
      const halves = withoutOperatorInterceptor(() =>
        args.map((x) => (x as Tensor).to({ dtype: 'float16' })),
      );
      return proceed(halves);
    });
    expect(ones([2, 2]).matmul(ones([2, 2])).dtype).toBe('float16');
  });
});

describe('the seam at the kernel', () => {
  it('sees launches with their operands, and launches nothing by itself', () => {
    const calls: KernelCall[] = [];
    setKernelInterceptor((call, launch) => {
      calls.push(call);
      launch();
    });
    const y = tensor([
      [1, 2],
      [3, 4],
    ])
      .mul(2)
      .sum(0);
    setKernelInterceptor(null);
    expect(calls.map(({ kernel }) => kernel)).toEqual(['pointwise', 'reduce']);
    expect(calls[0]!.operands.map(({ dtype }) => dtype)).toEqual(['float32', 'float32']);
    expect(y.toArraySync()).toEqual([8, 12]);
  });
});

describe('fused kernels laid over a device', () => {
  it('take the cases that they accept, until they are taken off', () => {
    let runs = 0;
    const undo = registerKernels('cpu', {
      softmax: {
        when: ({ x }) => x!.shape.length === 1,
        run: () => {
          runs += 1;
        },
      },
    });
    ones([3]).softmax(0);
    ones([3, 3]).softmax(0);
    expect(runs).toBe(1);
    undo();
    expect(ones([2]).softmax(0).toArraySync()).toEqual([0.5, 0.5]);
    expect(runs).toBe(1);
  });
});

describe('an operator of a user', () => {
  it('is one expression: in place, with parameters, promoted and differentiated twice', () => {
    const scaled = pointwise('scaled', (x, { factor }) => x.mul(factor).sin(), {
      promote: 'float',
      params: { factor: 2 },
    });
    const x = tensor([0.5], { dtype: 'float64', requiresGrad: true });
    const y = scaled(x, { factor: 3 });
    y.sum().backward(null, { createGraph: true });
    expect(x.grad!.itemSync()).toBeCloseTo(3 * Math.cos(1.5), 12);
    const first = x.grad!;
    x.grad = null;
    first.sum().backward();
    expect(x.grad!.itemSync()).toBeCloseTo(-9 * Math.sin(1.5), 12);
    expect(scaled(tensor([1n])).dtype).toBe('float32');
    expect(() => scaled(x, { factr: 1 } as never)).toThrow(
      'scaled: unknown option factr; did you mean factor?',
    );
  });
});
