import * as flambeau from 'flambeau';
import { describe, expect, it } from 'vitest';

const { getDefaultDevice, hasDevice, nn, optim, tensor } = flambeau;

describe('flambeau', () => {
  it('registers the CPU backend', () => {
    expect([hasDevice('cpu'), getDefaultDevice()]).toEqual([true, 'cpu']);
    expect(String(tensor([1, 2, 3]).add(tensor([3, 2, 1])))).toBe('tensor([4., 4., 4.])');
  });

  it('gathers the other packages, with nn and optim as namespaces', () => {
    expect(flambeau).toMatchObject({
      tensor: expect.any(Function),
      DataLoader: expect.any(Function),
      loadMnist: expect.any(Function),
      nn: { Linear: expect.any(Function) },
      optim: { SGD: expect.any(Function), lrScheduler: { StepLR: expect.any(Function) } },
    });
  });

  it('trains', () => {
    const x = tensor([[1], [2], [3], [4]]);
    const y = x.mul(2);
    const model = new nn.Linear(1, 1);
    const criterion = new nn.MSELoss();
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.05 });
    for (let i = 0; i < 200; i++) {
      optimizer.zeroGrad();
      criterion.forward(model.forward(x), y).backward();
      optimizer.step();
    }
    expect(criterion.forward(model.forward(x), y).itemSync()).toBeLessThan(0.01);
  });
});
