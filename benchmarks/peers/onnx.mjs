import { classes, uniform } from '../compare/data.ts';
import { hasNode, operatorModel } from '../compare/onnx-model.ts';

/** What both builds of ONNX Runtime share: it runs graphs and trains none. */

const size = (shape) => shape.reduce((a, b) => a * b, 1);

function operand(ort, { operator, shapes }, shape, i) {
  if (operator !== 'embedding' || i === 0)
    return new ort.Tensor('float32', uniform(i + 1, size(shape)), shape);
  return new ort.Tensor('int64', BigInt64Array.from(classes(2, size(shape), shapes[0][0]), BigInt), shape);
}

/** `ort` is the package; `options` go to every session. */
export function onnxPeer(ort, environment, options) {
  return {
    environment,
    async prepare(one, { device }) {
      if (device !== 'cpu') return `is not set up for ${device}`;
      if (one.kind === 'training' || one.operator === 'tiny-backward') return 'it computes no gradients';
      if (!hasNode(one.operator)) return `has no node for ${one.operator} without constants`;
      const session = await ort.InferenceSession.create(operatorModel(one.operator, one.shapes), options);
      const feeds = Object.fromEntries(one.shapes.map((shape, i) => [`x${i}`, operand(ort, one, shape, i)]));
      return {
        run: () => session.run(feeds),
        check: async () => Array.from((await session.run(feeds)).y.data, Number),
      };
    },
  };
}
