import { describe, expect, it } from 'vitest';
import {
  type FunctionBuilder,
  f32,
  f32x4,
  f64,
  f64x2,
  hasRelaxedSimd,
  hasSimd,
  i8x16,
  i16x8,
  i32,
  i32x4,
  i64,
  i64x2,
  ModuleBuilder,
  type Opcode,
  Type,
  v128,
} from '../../src/wasm/assembler/index.ts';

type Exported = (...args: (number | bigint)[]) => number | bigint | undefined;

function assemble(
  params: readonly Type[],
  results: readonly Type[],
  body: (f: FunctionBuilder) => void,
  memory: WebAssembly.Memory | null = null,
): Exported {
  const module = new ModuleBuilder(memory && { shared: !(memory.buffer instanceof ArrayBuffer) });
  module.export('run', params, results, body);
  const compiled = new WebAssembly.Module(module.toBytes());
  const instance = new WebAssembly.Instance(compiled, memory === null ? {} : { env: { memory } });
  return instance.exports.run as Exported;
}

describe('the assembler', () => {
  it('writes constants of every size', () => {
    for (const value of [0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 2 ** 31 - 1, -(2 ** 31)])
      expect(assemble([], [Type.i32], (f) => f.i32(value))()).toBe(value);
    for (const value of [0n, -1n, 63n, 64n, 2n ** 40n, 2n ** 63n - 1n, -(2n ** 63n)])
      expect(assemble([], [Type.i64], (f) => f.i64(value))()).toBe(value);
    for (const value of [0, -0, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** -149])
      expect(assemble([], [Type.f32], (f) => f.f32(value))()).toBe(value);
    expect(assemble([], [Type.f64], (f) => f.f64(Math.PI))()).toBe(Math.PI);
  });

  it('splats, and picks lanes', () => {
    const lane = (as: 'f32' | 'f64' | 'i32', value: number, type: Type, code: Opcode, at: number) =>
      assemble([], [type], (f) => f.splat(as, value).lane(code, at))();
    for (const at of [0, 3]) expect(lane('f32', 0.5, Type.f32, f32x4.extract, at)).toBe(0.5);
    for (const at of [0, 1]) expect(lane('f64', 0.1, Type.f64, f64x2.extract, at)).toBe(0.1);
    for (const at of [0, 3]) expect(lane('i32', -5, Type.i32, i32x4.extract, at)).toBe(-5);
    expect(assemble([], [Type.i64], (f) => f.splat64(-(2n ** 62n)).lane(i64x2.extract, 1))()).toBe(
      -(2n ** 62n),
    );
    expect(assemble([], [Type.i32], (f) => f.i32x4([9, 8, 7, 6]).lane(i32x4.extract, 2))()).toBe(7);
  });

  it('loops, branches and chooses by labels', () => {
    // The sum of the odd numbers below n, by way of a block around a loop.
    const run = assemble([Type.i32], [Type.i32], (f) => {
      const [i, sum] = [f.local(Type.i32), f.local(Type.i32)];
      f.block((end) =>
        f.loop((again) => {
          f.get(i).get(0).op(i32.geS).brIf(end);
          f.get(i).i32(1).op(i32.and);
          f.if(() => f.get(sum).get(i).op(i32.add).set(sum));
          f.increase(i, 1).br(again);
        }),
      );
      f.get(sum).i32(10).op(i32.gtS);
      f.if(
        () => f.get(sum),
        () => f.i32(-1),
        Type.i32,
      );
    });
    expect(run(8)).toBe(16);
    expect(run(4)).toBe(-1);
  });

  it('calls functions of the module and of the host', () => {
    const module = new ModuleBuilder(null);
    const host = module.import('host', [Type.f64], [Type.f64]);
    const twice = module.function([Type.f64], [Type.f64], (f) => f.get(0).get(0).op(f64.add));
    module.export('run', [Type.f64], [Type.f64], (f) => f.get(0).call(twice).call(host));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.toBytes()), {
      env: { host: (x: number) => x + 1 },
    });
    expect((exports.run as Exported)(3)).toBe(7);
  });

  it.each([false, true])('reads and writes an imported memory; shared: %s', (shared) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared });
    const x = new Float32Array(memory.buffer);
    x.set([1, 2, 3, 4, 5]);
    assemble(
      [Type.i32, Type.i32],
      [],
      (f) => {
        f.get(0)
          .get(1)
          .load(4)
          .splat('f32', 10)
          .op(f32x4.mul)
          .store(300 * 4);
        f.get(0)
          .get(1)
          .load()
          .memoryLane(v128.store32Lane, 2, 320 * 4);
      },
      memory,
    )(0, 0);
    expect([...x.subarray(300, 304)]).toEqual([20, 30, 40, 50]);
    expect(x[320]).toBe(3);
    assemble(
      [],
      [],
      (f) => f.i32(64).i32(0).i32(8).copyMemory().i32(72).i32(255).i32(4).fillMemory(),
      memory,
    )();
    expect([x[16], x[17], new Uint8Array(memory.buffer)[75]]).toEqual([1, 2, 255]);
    const add = assemble(
      [Type.i32, Type.i32],
      [Type.i32],
      (f) => f.get(0).get(1).memory(i32.atomicAdd, 8),
      memory,
    );
    const words = new Int32Array(memory.buffer);
    words[102] = 40;
    expect(add(400, 2)).toBe(40);
    expect(words[102]).toBe(42);
  });

  it('shuffles', () => {
    const bytes = [12, 13, 14, 15, 16, 17, 18, 19, 0, 1, 2, 3, 4, 5, 6, 7];
    const run = assemble([], [Type.i32], (f) =>
      f.i32x4([1, 2, 3, 4]).i32x4([5, 6, 7, 8]).shuffle(bytes).lane(i32x4.extract, 1),
    );
    expect(run()).toBe(5);
  });

  it('knows what the host has', () => {
    expect(hasSimd()).toBe(true);
    const major = Number(process.versions.node.split('.')[0]);
    if (!process.execArgv.some((flag) => flag.includes('relaxed')))
      expect(hasRelaxedSimd()).toBe(major >= 22);
  });

  // A wrong number would stand for another instruction, mostly one of other types: the host's validation tells.
  const V = Type.v128;
  const vectorShapes: [string, Readonly<Record<string, Opcode>>, Type][] = [
    ['i8x16', i8x16, Type.i32],
    ['i16x8', i16x8, Type.i32],
    ['i32x4', i32x4, Type.i32],
    ['i64x2', i64x2, Type.i64],
    ['f32x4', f32x4, Type.f32],
    ['f64x2', f64x2, Type.f64],
  ];
  it.each(vectorShapes)('has the types of %s right', (_name, table, scalar) => {
    for (const [name, code] of Object.entries(table)) {
      if (name.startsWith('relaxed') && !hasRelaxedSimd()) continue;
      const unary = /^(abs|neg|sqrt|ceil|floor|trunc|nearest|extend|convert|demote|promote)/.test(name);
      const [params, results]: [Type[], Type[]] = /^relaxed/.test(name)
        ? [[V, V, V], [V]]
        : name === 'splat'
          ? [[scalar], [V]]
          : /^extract/.test(name)
            ? [[V], [scalar]]
            : name === 'replace'
              ? [[V, scalar], [V]]
              : name === 'allTrue' || name === 'bitmask'
                ? [[V], [Type.i32]]
                : /^sh[lr]/.test(name)
                  ? [[V, Type.i32], [V]]
                  : unary
                    ? [[V], [V]]
                    : [[V, V], [V]];
      expect(
        () =>
          assemble(params, results, (f) => {
            for (const k of params.keys()) f.get(k);
            if (/^(extract|replace)/.test(name)) f.lane(code, 0);
            else f.op(code);
          }),
        name,
      ).not.toThrow();
    }
  });

  it('computes what the names say', () => {
    const two = (type: Type, code: Opcode, result = type) =>
      assemble([type, type], [result], (f) => f.get(0).get(1).op(code));
    expect(two(Type.i32, i32.divS)(-7, 2)).toBe(-3);
    expect(two(Type.i32, i32.remU)(-1, 10)).toBe(5);
    expect(two(Type.i32, i32.shrU)(-1, 28)).toBe(15);
    expect(two(Type.i64, i64.shrS)(-8n, 1n)).toBe(-4n);
    expect(two(Type.i64, i64.ltU, Type.i32)(1n, -1n)).toBe(1);
    expect(two(Type.f32, f32.copysign)(2, -0)).toBe(-2);
    expect(two(Type.f64, f64.div)(1, 4)).toBe(0.25);
    const lanes = (code: Opcode, a: number, b: number): unknown =>
      assemble([], [Type.f32], (f) => f.splat('f32', a).splat('f32', b).op(code).lane(f32x4.extract, 1))();
    expect(lanes(f32x4.sub, 5, 3)).toBe(2);
    expect(lanes(f32x4.div, 1, 8)).toBe(0.125);
    expect(lanes(f32x4.pmax, 1, Number.NaN)).toBe(1);
    expect(lanes(f32x4.max, 1, Number.NaN)).toBe(Number.NaN);
    const floats = (code: Opcode): unknown =>
      assemble([], [Type.f32], (f) => f.splat('f32', -2.5).op(code).lane(f32x4.extract, 0))();
    expect([f32x4.floor, f32x4.ceil, f32x4.trunc, f32x4.nearest, f32x4.abs].map(floats)).toEqual([
      -3, -2, -2, -2, 2.5,
    ]);
  });
});
