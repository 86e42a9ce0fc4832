import { cpu } from '../src/index.ts';
import { box, program } from './support.ts';

const backend = cpu({ relaxedSimd: process.argv[2] === 'off' ? 'off' : 'auto' });
const F = 'float32' as const;
const P = {
  add: program([F, F], F, (s) => {
    s.binary('add', s.input(0, F), s.input(1, F));
  }),
  relu: program([F], F, (s) => {
    const x = s.input(0, F);
    const z = s.literal(0, F);
    s.select(s.binary('le', x, z), z, x);
  }),
  exp: program([F], F, (s) => {
    s.unary('exp', s.input(0, F));
  }),
  log: program([F], F, (s) => {
    s.unary('log', s.input(0, F));
  }),
  tanh: program([F], F, (s) => {
    s.unary('tanh', s.input(0, F));
  }),
  sin: program([F], F, (s) => {
    s.unary('sin', s.input(0, F));
  }),
  sigmoid: program([F], F, (s) => {
    const x = s.input(0, F);
    s.binary('div', s.literal(1, F), s.binary('add', s.unary('exp', s.unary('neg', x)), s.literal(1, F)));
  }),
  gelu: program([F], F, (s) => {
    const x = s.input(0, F);
    const x3 = s.binary('mul', s.binary('mul', x, x), x);
    const u = s.binary(
      'mul',
      s.binary('add', s.binary('mul', x3, s.literal(0.044715, F)), x),
      s.literal(0.7978845608, F),
    );
    s.binary(
      'mul',
      s.binary('mul', x, s.literal(0.5, F)),
      s.binary('add', s.unary('tanh', u), s.literal(1, F)),
    );
  }),
};
for (const n of [1024, 65536, 1 << 20]) {
  const v = Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i) * 3));
  const x = box(backend, F, [n], v),
    z = box(backend, F, [n], v),
    y = box(backend, F, [n], null);
  const row: string[] = [];
  for (const [name, p] of Object.entries(P)) {
    const ins = p.inputs.length === 2 ? [x, z] : [x];
    const go = () => backend.kernels.pointwise(p, [n], y, ins, []);
    const reps = Math.ceil(3e6 / n);
    for (let i = 0; i < 200 && i < reps; i++) go();
    let best = Infinity;
    for (let r = 0; r < 12; r++) {
      const t = performance.now();
      for (let i = 0; i < reps; i++) go();
      best = Math.min(best, ((performance.now() - t) * 1e3) / reps);
    }
    row.push(`${name} ${best.toFixed(n < 5000 ? 3 : 1)}`);
  }
  console.log(n, row.join('  '));
}
