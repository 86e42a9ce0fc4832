import { inspect } from 'node:util';
import { ones } from '@flambeau/core';
import { describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';
import './setup.ts';

/** What PyTorch 2.13 prints for the same modules. */
const table: readonly [module: nn.AnyModule, text: string][] = [
  [new nn.Linear(10, 8), 'Linear(in_features=10, out_features=8, bias=True)'],
  [new nn.Linear(10, 8, { bias: false }), 'Linear(in_features=10, out_features=8, bias=False)'],
  [new nn.Bilinear(2, 3, 4), 'Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)'],
  [new nn.Identity(), 'Identity()'],
  [new nn.Conv1d(4, 5, 3), 'Conv1d(4, 5, kernel_size=(3,), stride=(1,))'],
  [
    new nn.Conv2d(4, 5, 3, { stride: 2, padding: 1, dilation: 2, bias: false, paddingMode: 'reflect' }),
    'Conv2d(4, 5, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), bias=False, padding_mode=reflect)',
  ],
  [
    new nn.Conv2d(4, 5, [3, 2], { padding: 'same' }),
    'Conv2d(4, 5, kernel_size=(3, 2), stride=(1, 1), padding=same)',
  ],
  [new nn.Conv3d(4, 4, 3, { groups: 2 }), 'Conv3d(4, 4, kernel_size=(3, 3, 3), stride=(1, 1, 1), groups=2)'],
  [
    new nn.ConvTranspose1d(4, 5, 3, { stride: 2, outputPadding: 1 }),
    'ConvTranspose1d(4, 5, kernel_size=(3,), stride=(2,), output_padding=(1,))',
  ],
  [new nn.MaxPool1d(2), 'MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)'],
  [
    new nn.MaxPool2d([2, 3], { stride: 2, padding: 1, ceilMode: true }),
    'MaxPool2d(kernel_size=(2, 3), stride=2, padding=1, dilation=1, ceil_mode=True)',
  ],
  [new nn.AvgPool1d(2), 'AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))'],
  [new nn.AvgPool2d(2, { stride: [1, 2] }), 'AvgPool2d(kernel_size=2, stride=(1, 2), padding=0)'],
  [new nn.AdaptiveAvgPool2d([3, null]), 'AdaptiveAvgPool2d(output_size=(3, None))'],
  [new nn.AdaptiveMaxPool1d(3), 'AdaptiveMaxPool1d(output_size=3)'],
  [new nn.LPPool1d(1.5, 2), 'LPPool1d(norm_type=1.5, kernel_size=2, stride=None, ceil_mode=False)'],
  [
    new nn.BatchNorm1d(3),
    'BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)',
  ],
  [
    new nn.BatchNorm2d(3, { eps: 0.1, momentum: null, affine: false, trackRunningStats: false }),
    'BatchNorm2d(3, eps=0.1, momentum=None, affine=False, bias=False, track_running_stats=False)',
  ],
  [
    new nn.InstanceNorm2d(3, { affine: true, bias: false }),
    'InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=False, track_running_stats=False)',
  ],
  [new nn.LayerNorm(5), 'LayerNorm((5,), eps=1e-05, elementwise_affine=True, bias=True)'],
  [
    new nn.LayerNorm([2, 5], { elementwiseAffine: false }),
    'LayerNorm((2, 5), eps=1e-05, elementwise_affine=False, bias=False)',
  ],
  [new nn.GroupNorm(2, 4, { bias: false }), 'GroupNorm(2, 4, eps=1e-05, affine=True, bias=False)'],
  [new nn.RMSNorm(5), 'RMSNorm((5,), eps=None, elementwise_affine=True)'],
  [new nn.LocalResponseNorm(2), 'LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)'],
  [new nn.Embedding(10, 3), 'Embedding(10, 3)'],
  [
    new nn.Embedding(10, 3, { paddingIdx: 0, maxNorm: 1, normType: 1, scaleGradByFreq: true }),
    'Embedding(10, 3, padding_idx=0, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True)',
  ],
  [new nn.Dropout(), 'Dropout(p=0.5, inplace=False)'],
  [new nn.Dropout({ p: 0.1, inplace: true }), 'Dropout(p=0.1, inplace=True)'],
  [new nn.Dropout2d(), 'Dropout2d(p=0.5, inplace=False)'],
  [new nn.Flatten(), 'Flatten(start_dim=1, end_dim=-1)'],
  [new nn.Unflatten(1, [2, 5]), 'Unflatten(dim=1, unflattened_size=(2, 5))'],
  [new nn.ReLU(), 'ReLU()'],
  [new nn.ReLU({ inplace: true }), 'ReLU(inplace=True)'],
  [new nn.GELU({ approximate: 'tanh' }), "GELU(approximate='tanh')"],
  [new nn.SiLU(), 'SiLU()'],
  [new nn.Softmax(1), 'Softmax(dim=1)'],
  [new nn.Softmax(), 'Softmax(dim=None)'],
  [new nn.LogSoftmax(-1), 'LogSoftmax(dim=-1)'],
  [new nn.LeakyReLU({ negativeSlope: 0.5, inplace: true }), 'LeakyReLU(negative_slope=0.5, inplace=True)'],
  [new nn.ELU(), 'ELU(alpha=1.0)'],
  [new nn.Softplus(), 'Softplus(beta=1.0, threshold=20.0)'],
  [new nn.Hardtanh(), 'Hardtanh(min_val=-1.0, max_val=1.0)'],
  [new nn.PReLU({ numParameters: 3 }), 'PReLU(num_parameters=3)'],
  [new nn.Threshold(2, 1), 'Threshold(threshold=2, value=1)'],
  [new nn.GLU(), 'GLU(dim=-1)'],
  [new nn.Softmin(), 'Softmin(dim=None)'],
  [new nn.Softshrink(), 'Softshrink(0.5)'],
  [new nn.Hardshrink(), 'Hardshrink(0.5)'],
  [new nn.CrossEntropyLoss({ weight: ones([3]) }), 'CrossEntropyLoss()'],
  [new nn.ZeroPad1d(1), 'ZeroPad1d((1, 1))'],
  [new nn.ZeroPad2d([1, 2, 3, 4]), 'ZeroPad2d((1, 2, 3, 4))'],
  [new nn.ConstantPad2d(1, 3), 'ConstantPad2d(padding=(1, 1, 1, 1), value=3)'],
  [new nn.ReflectionPad1d(1), 'ReflectionPad1d((1, 1))'],
  [
    new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU()),
    'Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): ReLU()\n)',
  ],
  [new nn.Sequential(), 'Sequential()'],
  [new nn.ModuleList(), 'ModuleList()'],
  [
    new nn.ModuleList<nn.Linear | nn.ReLU>([
      new nn.Linear(2, 3),
      new nn.Linear(2, 3),
      new nn.ReLU(),
      new nn.Linear(2, 3),
    ]),
    'ModuleList(\n  (0-1): 2 x Linear(in_features=2, out_features=3, bias=True)\n  (2): ReLU()\n  (3): Linear(in_features=2, out_features=3, bias=True)\n)',
  ],
  [
    new nn.ModuleDict({ a: new nn.ReLU(), b: new nn.Linear(1, 2) }),
    'ModuleDict(\n  (a): ReLU()\n  (b): Linear(in_features=1, out_features=2, bias=True)\n)',
  ],
  [
    new nn.ParameterList([ones([2]), ones([2, 3])]),
    'ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2]\n    (1): Parameter containing: [torch.float32 of size 2x3]\n)',
  ],
  [
    new nn.ParameterDict({ a: ones([2]) }),
    'ParameterDict(  (a): Parameter containing: [torch.FloatTensor of size 2])',
  ],
];

describe('toString', () => {
  it.each(table.map(([module, text]) => [text.split('\n')[0]!, module, text] as const))(
    '%s',
    (_title, module, text) => {
      expect(module.toString()).toBe(text);
      expect(String(module)).toBe(text);
      expect(inspect(module)).toBe(text);
    },
  );

  it('nests, and joins equal blocks of a list', () => {
    const block = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU());
    class Net extends nn.Module {
      blocks = new nn.ModuleList([block(), block(), block()]);
      attention = new nn.MultiheadAttention(4, 2);
      forward(): never {
        throw new Error('not run');
      }
    }
    expect(new Net().toString()).toBe(
      `Net(
  (blocks): ModuleList(
    (0-2): 3 x Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
  )
  (attention): MultiheadAttention(
    (out_proj): Linear(in_features=4, out_features=4, bias=True)
  )
)`,
    );
  });
});
