import { cpu } from '@flambeau/backend-cpu';
import {
  type Device,
  Generator,
  manualSeed,
  randint,
  randn,
  registerBackend,
  setDefaultDevice,
  type Tensor,
} from '@flambeau/core';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import { afterEach, describe, expect, it } from 'vitest';
import { alien } from './index.ts';

registerBackend(cpu());
const backend = alien();
registerBackend(backend);

afterEach(() => setDefaultDevice('cpu'));

interface Task {
  readonly model: () => nn.Module<[Tensor], Tensor>;
  readonly optimizer: (parameters: readonly Tensor[]) => { step(): unknown; zeroGrad(): void };
  readonly inputShape: readonly number[];
}

const STEPS = 12;
const CLASSES = 3;

interface Run {
  readonly losses: number[];
  /** How much the device holds after each step. */
  readonly allocations: number[];
}

/** Trains on one batch of random data, disposing what the loop itself is handed: the output, the loss, the gradients. */
async function train(task: Task, device: Device): Promise<Run> {
  setDefaultDevice(device);
  manualSeed(1);
  const generator = new Generator(7);
  const x = randn(task.inputShape, { generator });
  const y = randint(0, CLASSES, [task.inputShape[0]!], { generator });
  const model = task.model();
  const parameters = [...model.parameters()];
  const optimizer = task.optimizer(parameters);
  const losses: number[] = [];
  const allocations: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    for (const { grad } of parameters) grad?.dispose();
    optimizer.zeroGrad();
    const output = model.forward(x);
    const loss = nn.functional.crossEntropy(output, y);
    loss.backward();
    optimizer.step();
    losses.push(Number(await loss.item()));
    output.dispose();
    loss.dispose();
    allocations.push(backend.memory.allocations);
  }
  return { losses, allocations };
}

const tasks: Readonly<Record<string, Task>> = {
  'a perceptron with Adam': {
    model: () =>
      new nn.Sequential(
        new nn.Linear(5, 16),
        new nn.GELU(),
        new nn.LayerNorm([16]),
        new nn.Linear(16, CLASSES),
      ) as nn.Module<[Tensor], Tensor>,
    optimizer: (parameters) => new optim.Adam([...parameters], { lr: 0.02 }),
    inputShape: [16, 5],
  },
  'a convolutional network with momentum': {
    model: () =>
      new nn.Sequential(
        new nn.Conv2d(1, 4, 3, { padding: 1 }),
        new nn.BatchNorm2d(4),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Linear(4 * 3 * 3, CLASSES),
      ) as nn.Module<[Tensor], Tensor>,
    optimizer: (parameters) => new optim.SGD([...parameters], { lr: 0.05, momentum: 0.9 }),
    inputShape: [6, 1, 6, 6],
  },
};

describe('on a device that waits', () => {
  it.each(Object.keys(tasks))('%s learns as on the CPU, in flat memory', async (name) => {
    const { losses, allocations } = await train(tasks[name]!, 'alien');
    const reference = await train(tasks[name]!, 'cpu');
    expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.9);
    for (const [step, loss] of losses.entries()) {
      expect(Math.abs(loss - reference.losses[step]!), `loss of step ${step}`).toBeLessThan(1e-3);
    }
    // The first step makes the optimiser's state; from then on nothing is added.
    expect(new Set(allocations.slice(1)).size, allocations.join(', ')).toBe(1);
  });
});
