import { readFileSync } from 'node:fs';
import { classes, uniform } from '../compare/data.ts';
import { firstLosses, servePeer } from '../compare/peer.ts';
import { device, provideGpu } from './gpu.mjs';

/**
 * jax-js on its WebAssembly backend, one thread, or on WebGPU; training steps and gradients are jitted, as its users write them.
 * Every use of an array consumes it; `.ref` keeps it.
 */

// It looks for a GPU there, and for the browser's name; Node 20 has no `navigator`.
globalThis.navigator ??= { userAgent: `Node.js/${process.version}` };
if (device === 'webgpu') provideGpu();
const {
  init,
  defaultDevice,
  numpy: np,
  nn,
  lax,
  jit,
  grad,
  valueAndGrad,
  tree,
} = await import('@jax-js/jax');

const size = (shape) => shape.reduce((a, b) => a * b, 1);
const tensor = (seed, shape, bound, base) =>
  np.array(uniform(seed, size(shape), bound, base)).reshape([...shape]);

/** jax-js is lazy: a call ends when its result is there. */
async function finished(result) {
  for (const one of tree.leaves(result)) await one.blockUntilReady();
  tree.dispose(result);
}

function operator({ operator: name, shapes }) {
  const [x, y] = shapes.map((shape, i) =>
    i === 1 && (name === 'embedding' || name === 'gather')
      ? np.array(classes(2, size(shape), shapes[0].at(name === 'gather' ? -1 : 0))).reshape([...shape])
      : tensor(i + 1, shape),
  );
  switch (name) {
    case 'add':
      return () => np.add(x.ref, y.ref);
    case 'relu':
      return () => nn.relu(x.ref);
    case 'exp':
      return () => np.exp(x.ref);
    case 'gelu-tanh':
      return () => nn.gelu(x.ref, { approximate: true });
    case 'sum':
      return () => np.sum(x.ref);
    case 'matmul':
      return () => np.matmul(x.ref, y.ref);
    case 'conv3x3':
      return () => lax.conv(x.ref, y.ref, [1, 1], 'SAME');
    case 'argmax':
      return () => np.argmax(x.ref, -1);
    case 'embedding':
      return () => np.take(x.ref, y.ref, 0);
    case 'cumsum':
      return () => np.cumsum(x.ref, -1);
    case 'gather':
      return () => np.takeAlongAxis(x.ref, y.ref, -1);
    case 'fmod':
      return () => np.fmod(x.ref, y.ref);
    case 'softmax':
      return () => nn.softmax(x.ref, -1);
    case 'softplus':
      return () => nn.softplus(x.ref);
    case 'amax':
      return () => np.max(x.ref, -1);
    case 'sort':
      return () => np.sort(x.ref, -1);
    case 'tiny-backward': {
      const both = jit(grad((a, b) => np.sum(a.ref.mul(b.ref).add(b).mul(a)), { argnums: [0, 1] }));
      return () => both(x.ref, y.ref);
    }
  }
}

const linear = (p, name, x) => np.matmul(x, p[`${name}.weight`].ref.transpose()).add(p[`${name}.bias`].ref);

function layerNorm(p, name, x) {
  const centred = x.ref.sub(x.mean(-1, { keepdims: true }));
  const variance = np.square(centred.ref).mean(-1, { keepdims: true });
  const scaled = centred.mul(np.reciprocal(np.sqrt(variance.add(1e-5))));
  return scaled.mul(p[`${name}.weight`].ref).add(p[`${name}.bias`].ref);
}

function maxPool(x) {
  const [batch, channels, height, width] = x.shape;
  return x.reshape([batch, channels, height / 2, 2, width / 2, 2]).max([3, 5]);
}

function leNet(p, x) {
  const conv = (name, y, pad) =>
    nn.relu(
      lax
        .convGeneralDilated(
          y,
          p[`${name}.weight`].ref,
          [1, 1],
          [
            [pad, pad],
            [pad, pad],
          ],
        )
        .add(p[`${name}.bias`].ref.reshape([1, -1, 1, 1])),
    );
  const batch = x.shape[0];
  const y = maxPool(conv('3', maxPool(conv('0', x, 2)), 0)).reshape([batch, 400]);
  return linear(p, '11', nn.relu(linear(p, '9', nn.relu(linear(p, '7', y)))));
}

function lstm(p, x) {
  const [batch, steps] = x.shape;
  const width = p['head.weight'].shape[1];
  const inputs = np
    .matmul(x, p['lstm.weight_ih_l0'].ref.transpose())
    .add(p['lstm.bias_ih_l0'].ref)
    .add(p['lstm.bias_hh_l0'].ref);
  let h = np.zeros([batch, width]);
  let c = np.zeros([batch, width]);
  for (let step = 0; step < steps; step++) {
    const gates = inputs.ref.slice([], step).add(np.matmul(h, p['lstm.weight_hh_l0'].ref.transpose()));
    const part = (k) => gates.ref.slice([], [k * width, (k + 1) * width]);
    const [i, f, g, o] = [part(0), part(1), part(2), part(3)];
    gates.dispose();
    c = nn
      .sigmoid(f)
      .mul(c)
      .add(nn.sigmoid(i).mul(np.tanh(g)));
    h = nn.sigmoid(o).mul(np.tanh(c.ref));
  }
  c.dispose();
  inputs.dispose();
  return linear(p, 'head', h);
}

function transformer(p, tokens) {
  const [batch, length] = tokens.shape;
  const [width, heads] = [128, 4];
  let x = np.matmul(nn.oneHot(tokens, 256), p['tokens.weight'].ref).add(p.positions.ref);
  const mask = np.triu(np.full([length, length], -1e9), 1);
  for (let i = 0; i < 4; i++) {
    const name = `blocks.${i}`;
    const qkv = linear(p, `${name}.qkv`, layerNorm(p, `${name}.norm1`, x.ref))
      .reshape([batch, length, 3, heads, width / heads])
      .transpose([2, 0, 3, 1, 4]);
    const [q, k, v] = [qkv.ref.slice(0), qkv.ref.slice(1), qkv.slice(2)];
    const scores = np
      .matmul(q, k.transpose([0, 1, 3, 2]))
      .mul(1 / Math.sqrt(width / heads))
      .add(mask.ref);
    const joined = np
      .matmul(nn.softmax(scores, -1), v)
      .transpose([0, 2, 1, 3])
      .reshape([batch, length, width]);
    x = x.add(linear(p, `${name}.out`, joined));
    const inner = nn.gelu(linear(p, `${name}.up`, layerNorm(p, `${name}.norm2`, x.ref)), {
      approximate: true,
    });
    x = x.add(linear(p, `${name}.down`, inner));
  }
  mask.dispose();
  return linear(p, 'head', layerNorm(p, 'norm', x)).reshape([batch * length, 256]);
}

function resNet(p, x) {
  const conv = (name, y, stride) => {
    const kernel = p[`${name}.weight`].ref;
    const pad = (kernel.shape[2] - 1) / 2;
    return lax.convGeneralDilated(
      y,
      kernel,
      [stride, stride],
      [
        [pad, pad],
        [pad, pad],
      ],
    );
  };
  const norm = (name, y) => {
    const centred = y.ref.sub(y.mean([0, 2, 3], { keepdims: true }));
    const variance = np.square(centred.ref).mean([0, 2, 3], { keepdims: true });
    return centred
      .mul(np.reciprocal(np.sqrt(variance.add(1e-5))))
      .mul(p[`${name}.weight`].ref.reshape([1, -1, 1, 1]))
      .add(p[`${name}.bias`].ref.reshape([1, -1, 1, 1]));
  };
  let y = nn.relu(norm('norm', conv('stem', x, 1)));
  for (const [i, stride] of [1, 2, 2].entries()) {
    const name = `blocks.${i}`;
    const inner = nn.relu(norm(`${name}.norm1`, conv(`${name}.conv1`, y.ref, stride)));
    const outer = norm(`${name}.norm2`, conv(`${name}.conv2`, inner, 1));
    const shortcut = stride === 1 ? y : norm(`${name}.shortcut.1`, conv(`${name}.shortcut.0`, y, stride));
    y = nn.relu(outer.add(shortcut));
  }
  return linear(p, 'head', y.mean([2, 3]));
}

const MODELS = {
  mlp: (p, x) => linear(p, '2', nn.relu(linear(p, '0', x))),
  lenet: leNet,
  resnet: resNet,
  lstm,
  transformer,
};

const zerosLike = (p) => tree.map((x) => np.zerosLike(x.ref), p);

/** Parameters, moments and loss after a step, as one jitted function of those before. */
function stepOf(model, kind, lr) {
  const loss = (p, x, labels) => {
    const scores = nn.logSoftmax(model(p, x), -1);
    tree.dispose(p);
    return scores.mul(labels).sum(-1).mean().neg();
  };
  const gradients = valueAndGrad(loss);
  if (kind === 'sgd') {
    return jit((state, x, labels) => {
      const [value, g] = gradients(tree.ref(state.p), x, labels);
      return [value, { p: tree.map((a, b) => a.sub(b.mul(lr)), state.p, g) }];
    });
  }
  return jit(({ p, m, v, t }, x, labels) => {
    const [value, g] = gradients(tree.ref(p), x, labels);
    const m1 = tree.map((a, b) => a.mul(0.9).add(b.mul(0.1)), m, tree.ref(g));
    const v1 = tree.map((a, b) => a.mul(0.999).add(np.square(b).mul(0.001)), v, g);
    const t1 = t.add(1);
    // The corrections of the moments: 1 - beta^t.
    const c1 = np.subtract(1, np.exp(t1.ref.mul(Math.log(0.9))));
    const c2 = np.sqrt(np.subtract(1, np.exp(t1.ref.mul(Math.log(0.999)))));
    const rate = np.trueDivide(lr, c1);
    const p1 = tree.map(
      (a, b, c) => a.sub(b.mul(rate.ref).div(np.sqrt(c).div(c2.ref).add(1e-8))),
      p,
      tree.ref(m1),
      tree.ref(v1),
    );
    rate.dispose();
    c2.dispose();
    return [value, { p: p1, m: m1, v: v1, t: t1 }];
  });
}

function training({ model, optimizer, lr, input, target, parameters }) {
  const p = Object.fromEntries(
    parameters.map(({ name, shape, bound, base }, i) => [name, tensor(101 + i, shape, bound, base)]),
  );
  let state = optimizer === 'sgd' ? { p } : { p, m: zerosLike(p), v: zerosLike(p), t: np.zeros([]) };
  const x =
    input.classes === undefined
      ? tensor(1, input.shape)
      : np.array(classes(1, size(input.shape), input.classes)).reshape([...input.shape]);
  const labels = nn.oneHot(np.array(classes(2, target.length, target.classes)), target.classes);
  const step = stepOf(MODELS[model], optimizer, lr);
  return async () => {
    const [loss, next] = step(state, x.ref, labels.ref);
    state = next;
    for (const one of tree.leaves(state)) await one.blockUntilReady();
    return loss;
  };
}

async function prepare(one) {
  if (device !== 'cpu' && device !== 'webgpu') return `is not set up for ${device}`;
  if (one.kind === 'training') {
    const step = training(one);
    return {
      run: async () => finished(await step()),
      check: (steps) => firstLosses(async () => (await (await step()).data())[0], steps),
    };
  }
  const run = operator(one);
  return {
    run: () => finished(run()),
    check: async () => {
      const results = await Promise.all(tree.leaves(run()).map((result) => result.data()));
      return results.flatMap((data) => Array.from(data));
    },
  };
}

await servePeer(async () => {
  const backend = device === 'webgpu' ? 'webgpu' : 'wasm';
  await init(backend);
  defaultDevice(backend);
  const { version } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.resolve('@jax-js/jax')), 'utf8'),
  );
  return { environment: `jax-js ${version} ${backend}, Node ${process.version}`, prepare };
});
