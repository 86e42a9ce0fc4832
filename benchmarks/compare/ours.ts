import { cuda } from '@flambeau/backend-cuda';
import { webgpu } from '@flambeau/backend-webgpu';
import {
  cpu,
  type Device,
  fromArray,
  full,
  getDefaultDevice,
  hasDevice,
  nn,
  optim,
  registerBackend,
  setDefaultDevice,
  setNumThreads,
  type Tensor,
  unregisterBackend,
  version,
} from 'flambeau';
import type { Case, OperatorCase, TrainingCase } from './cases.ts';
import { classes, uniform } from './data.ts';
import { models } from './models.ts';
import { firstLosses, type Job, type Peer, type Prepared, servePeer } from './peer.ts';

/** flambeau itself, measured like every peer. */

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function operatorOf({ operator, shapes }: OperatorCase, device: Device): () => Tensor | readonly Tensor[] {
  const operand = (shape: readonly number[], i: number): Tensor => {
    const values =
      i === 1 && (operator === 'embedding' || operator === 'gather')
        ? classes(2, size(shape), shapes[0]!.at(operator === 'gather' ? -1 : 0)!)
        : uniform(i + 1, size(shape));
    return fromArray(values, shape, { device });
  };
  const [x, y] = shapes.map(operand) as [Tensor, Tensor];
  switch (operator) {
    case 'add':
      return () => x.add(y);
    case 'relu':
      return () => x.relu();
    case 'exp':
      return () => x.exp();
    case 'gelu-tanh':
      return () => x.gelu({ approximate: 'tanh' });
    case 'sum':
      return () => x.sum();
    case 'matmul':
      return () => x.matmul(y);
    case 'conv3x3':
      return () => nn.functional.conv2d(x, y, null, { padding: 1 });
    case 'argmax':
      return () => x.argmax(-1);
    case 'embedding':
      return () => nn.functional.embedding(y, x);
    case 'cumsum':
      return () => x.cumsum(-1);
    case 'sort':
      return () => x.sort(-1).values;
    case 'gather':
      return () => x.gather(-1, y);
    case 'softmax':
      return () => x.softmax(-1);
    case 'softplus':
      return () => nn.functional.softplus(x);
    case 'fmod':
      return () => x.fmod(y);
    case 'amax':
      return () => x.amax(-1);
    case 'tiny-backward':
      x.requiresGrad_();
      y.requiresGrad_();
      return () => {
        x.grad = null;
        y.grad = null;
        x.mul(y).add(y).mul(x).sum().backward();
        return [x.grad!, y.grad!];
      };
  }
}

function prepareOperator(one: OperatorCase, device: Device): Prepared {
  const run = operatorOf(one, device);
  return {
    run,
    check: async () => {
      const results = [run()].flat() as Tensor[];
      const data = await Promise.all(results.map((result) => result.data()));
      return data.flatMap((values) => Array.from(values, Number));
    },
  };
}

/** A fresh model with the parameters of the table. Nothing is initialised that they replace, as no peer does that. */
function modelOf({ model: name, parameters }: TrainingCase, device: Device): nn.Module {
  const before = getDefaultDevice();
  setDefaultDevice('meta');
  const model = models[name]();
  setDefaultDevice(before);
  const given = Object.fromEntries(
    parameters.map(({ name, shape, bound, base }, i) => [
      name,
      fromArray(uniform(101 + i, size(shape), bound, base), shape, { device }),
    ]),
  );
  const statistics = Object.entries(model.stateDict()).flatMap(([key, { shape, dtype }]) =>
    /running_|num_batches/.test(key)
      ? [[key, full(shape, key.endsWith('var') ? 1 : 0, { dtype, device })]]
      : [],
  );
  model.loadStateDict({ ...given, ...Object.fromEntries(statistics) }, { assign: true });
  return model;
}

/** A step of training, as a user writes it; gives the loss. */
export function trainingStep(one: TrainingCase, device: Device): () => Tensor {
  const model = modelOf(one, device);
  const { input, target } = one;
  const x =
    input.classes === undefined
      ? fromArray(uniform(1, size(input.shape)), input.shape, { device })
      : fromArray(classes(1, size(input.shape), input.classes), input.shape, { device });
  const labels = fromArray(classes(2, target.length, target.classes), [target.length], { device });
  const Optimizer = one.optimizer === 'sgd' ? optim.SGD : optim.Adam;
  const optimizer = new Optimizer(model.parameters(), { lr: one.lr });
  return () => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(x), labels);
    loss.backward();
    optimizer.step();
    return loss;
  };
}

function prepareTraining(one: TrainingCase, device: Device): Prepared {
  const step = trainingStep(one, device);
  return { run: step, check: (steps) => firstLosses(async () => Number(await step().item()), steps) };
}

/** On a device that computes while the program goes on, a call ends when all of its work is done. */
function waiting(prepared: Prepared, done: (() => Promise<void>) | undefined): Prepared {
  if (done === undefined) return prepared;
  return {
    ...prepared,
    run: async () => {
      prepared.run();
      await done();
    },
  };
}

/** The CPU backend with the experiment on, as a user asks for it; its name says whether it is. */
function registerRevectorized(): string {
  unregisterBackend('cpu');
  return registerBackend(cpu({ revectorize: true })).name;
}

async function makePeer({ threads, device, revectorize }: Job): Promise<Peer> {
  setNumThreads(threads);
  const joined = revectorize ? `, ${registerRevectorized()}` : '';
  const gpu = device === 'webgpu' ? await webgpu() : device === 'cuda' ? cuda() : undefined;
  if (gpu !== undefined) registerBackend(gpu);
  const refusal = !hasDevice(device) && `has no device ${device} here`;
  return {
    environment: `flambeau ${version}, Node ${process.version}${joined}${gpu === undefined ? '' : `, ${gpu.name}`}`,
    prepare: (one: Case) =>
      refusal ||
      waiting(
        one.kind === 'operator'
          ? prepareOperator(one, device as Device)
          : prepareTraining(one, device as Device),
        gpu && (() => gpu.synchronize()),
      ),
  };
}

// Loading Dawn is no part of the first step: the peers have it loaded too.
if (process.argv[2] === 'webgpu') await import('webgpu');

await servePeer(makePeer);
