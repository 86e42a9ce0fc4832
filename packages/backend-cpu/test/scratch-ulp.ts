import { writeFileSync } from 'node:fs';
import { cpu } from '../src/index.ts';
import { apply, program } from './support.ts';

const relaxedSimd = process.argv[2] === 'off' ? 'off' : 'auto';
const backend = cpu({ wasmFrom: 1, relaxedSimd });
let seed = 12345;
const rnd = () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32 + (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 64;
};
const lin = (a: number, b: number) => Array.from({ length: 1500 }, () => a + (b - a) * rnd());
const logs = (a: number, b: number, neg = true) =>
  Array.from({ length: 1500 }, () => (neg && rnd() < 0.5 ? -1 : 1) * 2 ** (a + (b - a) * rnd()));
const f64: Record<string, number[]> = {
  exp: [...lin(-745, 710), ...lin(-2, 2), ...logs(-60, 9)],
  exp2: [...lin(-1074, 1024), ...lin(-2, 2)],
  expm1: [...lin(-40, 709), ...lin(-2, 2), ...logs(-1070, 9)],
  log: [...logs(-1074, 1023, false), ...lin(0.5, 2), ...lin(0.99, 1.01)],
  log2: [...logs(-1074, 1023, false), ...lin(0.5, 2), ...lin(0.99, 1.01)],
  log10: [...logs(-1074, 1023, false), ...lin(0.5, 2), ...lin(0.99, 1.01)],
  log1p: [...logs(-1074, 1023, false), ...lin(-0.999, 2), ...lin(-0.01, 0.01)],
  sin: [...lin(-10, 10), ...lin(-8e5, 8e5), ...logs(-60, 20)],
  cos: [...lin(-10, 10), ...lin(-8e5, 8e5), ...logs(-60, 20)],
  tan: [...lin(-10, 10), ...lin(-8e5, 8e5), ...logs(-60, 20)],
  asin: [...lin(-1, 1), ...logs(-60, 0)],
  acos: [...lin(-1, 1), ...logs(-60, 0)],
  atan: [...lin(-4, 4), ...logs(-60, 60)],
  sinh: [...lin(-710, 710), ...lin(-25, 25), ...logs(-60, 1)],
  cosh: [...lin(-710, 710), ...lin(-25, 25), ...logs(-60, 1)],
  tanh: [...lin(-20, 20), ...lin(-1, 1), ...logs(-60, 5)],
};
const out: any = { f64: {}, f32: {} };
for (const [op, xs] of Object.entries(f64))
  for (const type of ['float64', 'float32'] as const) {
    let x = xs;
    if (type === 'float32') {
      x = xs.map((v, i) =>
        Math.fround(
          Math.abs(v) > 1e38 || (Math.abs(v) < 1e-45 && v)
            ? Math.sign(v) * 2 ** ((i % 250) - 125) * 1.234
            : v,
        ),
      );
      if (op === 'exp' || op === 'sinh' || op === 'cosh' || op === 'expm1')
        x = x.map((v) => Math.fround(v / 7));
      if (op === 'exp2') x = x.map((v) => Math.fround(v / 7.5));
    }
    const p = program([type], type, (s) => s.unary(op as any, s.input(0, type)));
    const y = apply(backend, p, [x]) as number[];
    out[type === 'float64' ? 'f64' : 'f32'][op] = [x, y.map((v) => (Number.isFinite(v) ? v : String(v)))];
  }
for (const type of ['float64', 'float32'] as const) {
  let a = [...logs(-10, 10, false), ...lin(0.5, 2), ...logs(-1000, 1000, false)];
  let b = [...lin(-20, 20), ...lin(-900, 900), ...lin(-1, 1)];
  if (type === 'float32') {
    a = a.map((v, i) => Math.fround(i >= 3000 ? v ** 0.1 : v));
    b = b.map((v) => Math.fround(v / 8));
  }
  out[type === 'float64' ? 'f64' : 'f32'].pow = [
    [a, b],
    (
      apply(
        backend,
        program([type, type], type, (s) => s.binary('pow', s.input(0, type), s.input(1, type))),
        [a, b],
      ) as number[]
    ).map((v) => (Number.isFinite(v) ? v : String(v))),
  ];
  const u = [...lin(-10, 10), ...logs(-30, 30)].map((v) => (type === 'float32' ? Math.fround(v) : v)),
    w = [...lin(-10, 10), ...logs(-30, 30)].map((v) => (type === 'float32' ? Math.fround(v) : v));
  out[type === 'float64' ? 'f64' : 'f32'].atan2 = [
    [u, w],
    apply(
      backend,
      program([type, type], type, (s) => s.binary('atan2', s.input(0, type), s.input(1, type))),
      [u, w],
    ),
  ];
}
writeFileSync('/tmp/w/scratch-wasm-ulp.json', JSON.stringify(out));
