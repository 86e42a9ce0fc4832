import { nn, type Tensor, zeros } from 'flambeau';
import type { ModelName } from './parameters.ts';

/** The models of the training cases. Their parameters carry the names that `cases.ts` lists. */

const F = nn.functional;

const mlp = (): nn.Module =>
  new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));

const leNet = (): nn.Module =>
  new nn.Sequential(
    new nn.Conv2d(1, 6, 5, { padding: 2 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(6, 16, 5),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(400, 120),
    new nn.ReLU(),
    new nn.Linear(120, 84),
    new nn.ReLU(),
    new nn.Linear(84, 10),
  );

class Residual extends nn.Module {
  conv1: nn.Conv2d;
  norm1: nn.BatchNorm2d;
  conv2: nn.Conv2d;
  norm2: nn.BatchNorm2d;
  shortcut: nn.Sequential | null;

  constructor(inputs: number, outputs: number, stride: number) {
    super();
    this.conv1 = new nn.Conv2d(inputs, outputs, 3, { stride, padding: 1, bias: false });
    this.norm1 = new nn.BatchNorm2d(outputs);
    this.conv2 = new nn.Conv2d(outputs, outputs, 3, { padding: 1, bias: false });
    this.norm2 = new nn.BatchNorm2d(outputs);
    this.shortcut =
      inputs === outputs
        ? null
        : new nn.Sequential(
            new nn.Conv2d(inputs, outputs, 1, { stride, bias: false }),
            new nn.BatchNorm2d(outputs),
          );
  }

  forward(x: Tensor): Tensor {
    const inner = this.norm1.forward(this.conv1.forward(x)).relu();
    const y = this.norm2.forward(this.conv2.forward(inner));
    return y.add(this.shortcut === null ? x : this.shortcut.forward(x)).relu();
  }
}

class ResNet extends nn.Module {
  stem = new nn.Conv2d(3, 16, 3, { padding: 1, bias: false });
  norm = new nn.BatchNorm2d(16);
  blocks = new nn.Sequential(new Residual(16, 16, 1), new Residual(16, 32, 2), new Residual(32, 64, 2));
  head = new nn.Linear(64, 10);

  forward(x: Tensor): Tensor {
    const features = this.blocks.forward(this.norm.forward(this.stem.forward(x)).relu());
    return this.head.forward(features.mean([2, 3]));
  }
}

/** One layer of long short-term memory from plain tensor operators, batch first; gives the last state. */
class Lstm extends nn.Module {
  static override readonly keys = {
    weightIh: 'weight_ih_l0',
    weightHh: 'weight_hh_l0',
    biasIh: 'bias_ih_l0',
    biasHh: 'bias_hh_l0',
  };

  readonly hiddenSize: number;
  weightIh: Tensor;
  weightHh: Tensor;
  biasIh: Tensor;
  biasHh: Tensor;

  constructor(inputSize: number, hiddenSize: number) {
    super();
    this.hiddenSize = hiddenSize;
    this.weightIh = nn.parameter(zeros([4 * hiddenSize, inputSize]));
    this.weightHh = nn.parameter(zeros([4 * hiddenSize, hiddenSize]));
    this.biasIh = nn.parameter(zeros([4 * hiddenSize]));
    this.biasHh = nn.parameter(zeros([4 * hiddenSize]));
  }

  forward(x: Tensor): Tensor {
    const [batch, steps] = x.shape as [number, number];
    // What does not depend on the state is one product for all steps.
    const inputs = F.linear(x, this.weightIh, this.biasIh).unbind(1);
    let h = zeros([batch, this.hiddenSize], { device: x.device });
    let c = zeros([batch, this.hiddenSize], { device: x.device });
    for (let step = 0; step < steps; step++) {
      const gates = inputs[step]!.add(F.linear(h, this.weightHh, this.biasHh));
      const [i, f, g, o] = gates.chunk(4, 1) as [Tensor, Tensor, Tensor, Tensor];
      c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
      h = o.sigmoid().mul(c.tanh());
    }
    return h;
  }
}

class SequenceClassifier extends nn.Module {
  lstm = new Lstm(64, 128);
  head = new nn.Linear(128, 10);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(x));
  }
}

const HEADS = 4;

class Block extends nn.Module {
  norm1 = new nn.LayerNorm([128]);
  qkv = new nn.Linear(128, 384);
  out = new nn.Linear(128, 128);
  norm2 = new nn.LayerNorm([128]);
  up = new nn.Linear(128, 512);
  down = new nn.Linear(512, 128);

  forward(x: Tensor): Tensor {
    const [batch, length, width] = x.shape as [number, number, number];
    const [q, k, v] = this.qkv
      .forward(this.norm1.forward(x))
      .reshape([batch, length, 3, HEADS, width / HEADS])
      .permute([2, 0, 3, 1, 4])
      .unbind(0) as [Tensor, Tensor, Tensor];
    const heads = F.scaledDotProductAttention(q, k, v, { isCausal: true });
    const joined = heads.transpose(1, 2).reshape([batch, length, width]);
    const y = x.add(this.out.forward(joined));
    const inner = F.gelu(this.up.forward(this.norm2.forward(y)), { approximate: 'tanh' });
    return y.add(this.down.forward(inner));
  }
}

class Transformer extends nn.Module {
  tokens = new nn.Embedding(256, 128);
  positions = nn.parameter(zeros([64, 128]));
  blocks = new nn.Sequential(new Block(), new Block(), new Block(), new Block());
  norm = new nn.LayerNorm([128]);
  head = new nn.Linear(128, 256);

  /** `[batch, 64]` tokens to `[batch * 64, 256]` scores. */
  forward(x: Tensor): Tensor {
    const states = this.blocks.forward(this.tokens.forward(x).add(this.positions));
    return this.head.forward(this.norm.forward(states)).reshape([-1, 256]);
  }
}

export const models: Readonly<Record<ModelName, () => nn.Module>> = {
  mlp,
  lenet: leNet,
  resnet: () => new ResNet(),
  lstm: () => new SequenceClassifier(),
  transformer: () => new Transformer(),
};
