import { describe, expect, it } from 'vitest';
import { CASES, selectCases } from '../compare/cases.ts';
import { classes, mix, uniform } from '../compare/data.ts';
import { operatorModel } from '../compare/onnx-model.ts';
import { parseOptions } from '../compare/options.ts';
import { nanosecondsOf, sampled } from '../compare/peer.ts';

describe('the data', () => {
  it('follows MurmurHash3’s finaliser', () => expect([mix(0), mix(1)]).toEqual([0, 0x514e28b7]));

  it('is spread over its range, exactly representable, and differs by seed', () => {
    const values = uniform(1, 10_000, 0.5, 2);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(1.5);
    expect(Math.max(...values)).toBeLessThan(2.5);
    expect(values.reduce((a, b) => a + b, 0) / 10_000).toBeCloseTo(2, 1);
    expect(uniform(2, 4)).not.toEqual(uniform(1, 4));
    // What `peer_torch.py` makes of the same seed.
    expect(Array.from(uniform(1, 3))).toEqual([
      -0.8594663143157959, 0.2991710901260376, -0.01409447193145752,
    ]);
    expect(Array.from(classes(2, 6, 10))).toEqual([9, 9, 6, 6, 0, 1]);
  });
});

describe('the cases', () => {
  it('have names of their own', () => {
    const names = CASES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are chosen by group or by a part of the name', () => {
    expect(selectCases(['tiny']).map(({ name }) => name)).toEqual(['add 4', 'forward+backward 4']);
    expect(selectCases(['lenet', 'convolution']).map(({ name }) => name)).toEqual([
      'conv3x3 32x64x28x28',
      'LeNet',
    ]);
    expect(selectCases(['lenet,']).map(({ name }) => name)).toEqual(['LeNet, first step']);
    expect(() => selectCases(['lenet', 'gpt'])).toThrow('--cases: nothing is called gpt; there are add 4, ');
  });
});

describe('the options', () => {
  it('have their defaults', () => {
    const { rounds, threads, peers } = parseOptions([]);
    expect({ rounds, threads, peers }).toEqual({
      rounds: 5,
      threads: [1, 2],
      peers: ['torch', 'tfjs', 'jax', 'onnx-node', 'onnx-web'],
    });
  });

  it('compare with one thread on other devices', () =>
    expect(parseOptions(['--device', 'webgpu']).threads).toEqual([1]));

  it.each([
    [['--peers', 'numpy'], '--peers: there is no numpy; there are torch, tfjs, jax, onnx-node, onnx-web'],
    [['--rounds', '0'], '--rounds: a positive integer is needed, got 0'],
    [['--threads', '1,x'], '--threads: a positive integer is needed, got x'],
    [['--round', '1'], "Unknown option '--round'"],
  ])('refuse %j', (args, text) => expect(() => parseOptions(args)).toThrow(text));
});

describe('the clock', () => {
  it('finds how long a call takes, also one that is waited for', async () => {
    const spin = (): void => {
      const until = performance.now() + 2;
      while (performance.now() < until);
    };
    const waited = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
    expect(await nanosecondsOf(spin, 20)).toBeGreaterThanOrEqual(2e6);
    expect(await nanosecondsOf(waited, 20)).toBeGreaterThan(4e6);
  });

  it('samples what it compares, with means of all', () => {
    expect(sampled([1, -3])).toEqual([1, -3, -1, 2]);
    const many = sampled(Float32Array.from({ length: 1024 }, (_, i) => i));
    expect(many.length).toBe(258);
    expect(many.slice(0, 3)).toEqual([0, 4, 8]);
  });
});

describe('ONNX models', () => {
  it('are the bytes of the format', () => {
    const bytes = operatorModel('relu', [[300]]);
    const text = new TextDecoder('latin1').decode(bytes);
    expect(text.startsWith('\x08\x09\x42\x02\x10\x14\x3a')).toBe(true);
    // Node: input x0, output y, type Relu; the size 300 as two groups of seven bits.
    expect(text).toContain('\x0a\x0d\x0a\x02x0\x12\x01y\x22\x04Relu');
    expect(text).toContain('\x0a\x03\x08\xac\x02');
  });

  it('say the types of what is no float32', () => {
    const text = new TextDecoder('latin1').decode(operatorModel('embedding', [[8, 2], [3]]));
    // Type 1 for the table, 7 (int64) for the indices.
    expect(text).toContain('x0\x12\x0e\x0a\x0c\x08\x01');
    expect(text).toContain('x1\x12\x0a\x0a\x08\x08\x07');
  });

  it('refuse what ONNX has no node for', () =>
    expect(() => operatorModel('tiny-backward', [[4], [4]])).toThrow('no ONNX node for tiny-backward'));
});
