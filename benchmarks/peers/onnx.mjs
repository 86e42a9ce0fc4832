import { uniform } from '../compare/data.ts';
import { operatorModel } from '../compare/onnx-model.ts';

/** What both builds of ONNX Runtime share: it runs graphs and trains none. */

const size = (shape) => shape.reduce((a, b) => a * b, 1);

/** `ort` is the package; `options` go to every session. */
export function onnxPeer(ort, environment, options) {
  return {
    environment,
    async prepare(one, { device }) {
      if (device !== 'cpu') return `is not set up for ${device}`;
      if (one.kind === 'training' || one.operator === 'tiny-backward') return 'it computes no gradients';
      const session = await ort.InferenceSession.create(operatorModel(one.operator, one.shapes), options);
      const feeds = Object.fromEntries(
        one.shapes.map((shape, i) => [
          `x${i}`,
          new ort.Tensor('float32', uniform(i + 1, size(shape)), shape),
        ]),
      );
      return {
        run: () => session.run(feeds),
        check: async () => (await session.run(feeds)).y.data,
      };
    },
  };
}
