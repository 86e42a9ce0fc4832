import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as wasm from '@tensorflow/tfjs-backend-wasm';
import { classes, uniform } from '../compare/data.ts';
import { firstLosses, servePeer } from '../compare/peer.ts';
import { device, provideGpu } from './gpu.mjs';

/**
 * TensorFlow.js on its WebAssembly backend, which has one thread in Node, or on WebGPU. JavaScript, as its package is not installed
 * with the project.
 */

const size = (shape) => shape.reduce((a, b) => a * b, 1);
const tensor = (seed, shape, bound, base) => tf.tensor(uniform(seed, size(shape), bound, base), shape);
const nhwc = (x) => tf.transpose(x, [0, 2, 3, 1]);
const hwio = (x) => tf.transpose(x, [2, 3, 1, 0]);

function operator({ operator: name, shapes }) {
  let [x, y] = shapes.map((shape, i) =>
    i === 1 && (name === 'embedding' || name === 'gather')
      ? tf.tensor(classes(2, size(shape), shapes[0].at(name === 'gather' ? -1 : 0)), shape, 'int32')
      : tensor(i + 1, shape),
  );
  const root = Math.sqrt(2 / Math.PI);
  switch (name) {
    case 'add':
      return () => tf.add(x, y);
    case 'relu':
      return () => tf.relu(x);
    case 'exp':
      return () => tf.exp(x);
    case 'gelu-tanh':
      return () => tf.tidy(() => gelu(x, root));
    case 'sum':
      return () => tf.sum(x);
    case 'matmul':
      return () => tf.matMul(x, y);
    case 'conv3x3':
      [x, y] = [nhwc(x), hwio(y)];
      return () => tf.conv2d(x, y, 1, 'same');
    case 'argmax':
      return () => tf.argMax(x, -1);
    case 'embedding':
      return () => tf.gather(x, y);
    case 'cumsum':
      return () => tf.cumsum(x, shapes[0].length - 1);
    case 'gather':
      return () => tf.gather(x, y, 1, 1);
    case 'softmax':
      return () => tf.softmax(x);
    case 'softplus':
      return () => tf.softplus(x);
    case 'amax':
      return () => tf.max(x, -1);
    case 'sort':
      // It has no sort.
      return () => tf.tidy(() => tf.reverse(tf.topk(x, shapes[0].at(-1), true).values, -1));
    case 'tiny-backward': {
      const both = tf.grads((a, b) => tf.sum(tf.mul(tf.add(tf.mul(a, b), b), a)));
      return () => both([x, y]);
    }
  }
}

const gelu = (x, root = Math.sqrt(2 / Math.PI)) =>
  tf.mul(
    tf.mul(x, 0.5),
    tf.add(tf.tanh(tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715)), root)), 1),
  );

const linear = (p, name, x) => tf.add(tf.matMul(x, p[`${name}.weight`], false, true), p[`${name}.bias`]);

function layerNorm(p, name, x) {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(
    tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), p[`${name}.weight`]),
    p[`${name}.bias`],
  );
}

function lstm(p, x) {
  const [batch, steps, features] = x.shape;
  const name = 'lstm.';
  const width = p['head.weight'].shape[1];
  const flat = tf.matMul(tf.reshape(x, [-1, features]), p[`${name}weight_ih_l0`], false, true);
  const inputs = tf.unstack(
    tf.reshape(tf.add(tf.add(flat, p[`${name}bias_ih_l0`]), p[`${name}bias_hh_l0`]), [
      batch,
      steps,
      4 * width,
    ]),
    1,
  );
  let h = tf.zeros([batch, width]);
  let c = tf.zeros([batch, width]);
  for (const input of inputs) {
    const [i, f, g, o] = tf.split(tf.add(input, tf.matMul(h, p[`${name}weight_hh_l0`], false, true)), 4, 1);
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));
  }
  return linear(p, 'head', h);
}

function leNet(p, x) {
  const conv = (name, y, pad) =>
    tf.relu(tf.add(tf.conv2d(y, p[`${name}.weight`], 1, pad), p[`${name}.bias`]));
  let y = tf.maxPool(conv('0', x, 'same'), 2, 2, 'valid');
  y = tf.maxPool(conv('3', y, 'valid'), 2, 2, 'valid');
  y = tf.reshape(tf.transpose(y, [0, 3, 1, 2]), [x.shape[0], -1]);
  return linear(p, '11', tf.relu(linear(p, '9', tf.relu(linear(p, '7', y)))));
}

/** Its gather has no gradient on this backend, so tokens are looked up by a product with their one-hot form. */
function transformer(p, tokens) {
  const [batch, length] = tokens.shape;
  const [width, heads] = [128, 4];
  let x = tf.matMul(tf.oneHot(tf.reshape(tokens, [-1]), 256).toFloat(), p['tokens.weight']);
  x = tf.reshape(tf.add(tf.reshape(x, [batch, length, width]), p.positions), [-1, width]);
  const mask = tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([length, length]), -1, 0)), -1e9);
  for (let i = 0; i < 4; i++) {
    const name = `blocks.${i}`;
    const qkv = tf.reshape(linear(p, `${name}.qkv`, layerNorm(p, `${name}.norm1`, x)), [
      batch,
      length,
      3,
      heads,
      width / heads,
    ]);
    const [q, k, v] = tf.unstack(tf.transpose(qkv, [2, 0, 3, 1, 4]));
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads)), mask);
    const joined = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [-1, width]);
    x = tf.add(x, linear(p, `${name}.out`, joined));
    x = tf.add(x, linear(p, `${name}.down`, gelu(linear(p, `${name}.up`, layerNorm(p, `${name}.norm2`, x)))));
  }
  return linear(p, 'head', layerNorm(p, 'norm', x));
}

const MODELS = {
  mlp: (p, x) => linear(p, '2', tf.relu(linear(p, '0', x))),
  lenet: leNet,
  lstm,
  transformer,
};

function training({ model: name, optimizer: kind, lr, input, target, parameters }) {
  const model = MODELS[name];
  const p = {};
  for (const [i, spec] of parameters.entries()) {
    const value = tensor(101 + i, spec.shape, spec.bound, spec.base);
    p[spec.name] = tf.variable(spec.shape.length === 4 ? hwio(value) : value);
  }
  const values =
    input.classes === undefined
      ? tensor(1, input.shape)
      : tf.tensor(classes(1, size(input.shape), input.classes), input.shape, 'int32');
  const x = input.shape.length === 4 ? nhwc(values) : values;
  const labels = tf
    .oneHot(tf.tensor1d(classes(2, target.length, target.classes), 'int32'), target.classes)
    .toFloat();
  const optimizer = kind === 'sgd' ? tf.train.sgd(lr) : tf.train.adam(lr, 0.9, 0.999, 1e-8);
  return () =>
    optimizer.minimize(() => tf.neg(tf.mean(tf.sum(tf.mul(labels, tf.logSoftmax(model(p, x))), -1))), true);
}

/** On WebGPU a call ends when all of its work is done. */
const waiting = (run) =>
  device === 'webgpu'
    ? async () => {
        run();
        const backend = tf.backend();
        // Its own limit of dispatches may just have submitted all.
        if (backend.commandEncoder !== null) {
          backend.endComputePassEncoder();
          backend.submitQueue();
        }
        await backend.queue.onSubmittedWorkDone();
      }
    : run;

async function prepare(one) {
  if (device !== 'cpu' && device !== 'webgpu') return `is not set up for ${device}`;
  if (one.kind === 'training') {
    if (one.model === 'resnet' && device === 'cpu')
      return 'Conv2DBackpropFilter is not in its WebAssembly backend';
    const step = training(one);
    return {
      run: waiting(() => step().dispose()),
      check: (steps) =>
        firstLosses(async () => {
          const loss = step();
          const [value] = await loss.data();
          loss.dispose();
          return value;
        }, steps),
    };
  }
  const run = operator(one);
  if (run === undefined) return `has no ${one.operator}`;
  return {
    run: waiting(() => tf.dispose(run())),
    check: async () => {
      let results = [run()].flat();
      if (one.operator === 'conv3x3') results = results.map((y) => tf.transpose(y, [0, 3, 1, 2]));
      const data = await Promise.all(results.map((y) => y.data()));
      return data.flatMap((values) => Array.from(values));
    },
  };
}

// Loading the library is no part of the first step.
if (device === 'webgpu') {
  provideGpu();
  await import('@tensorflow/tfjs-backend-webgpu');
}

async function start() {
  if (device === 'webgpu') {
    await tf.setBackend('webgpu');
    // What the device refuses is not computed, and would be timed as if it were.
    tf.backend().device.addEventListener('uncapturederror', ({ error }) => {
      console.error(error.message);
      process.exit(1);
    });
    return 'webgpu';
  }
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(main)}/`);
  await tf.setBackend('wasm');
  return 'wasm';
}

await servePeer(async () => {
  const backend = await start();
  await tf.ready();
  return { environment: `TensorFlow.js ${tf.version.tfjs} ${backend}, Node ${process.version}`, prepare };
});
