import ort from 'onnxruntime-node';
import { servePeer } from '../compare/peer.ts';
import { onnxPeer } from './onnx.mjs';

await servePeer(({ threads }) =>
  onnxPeer(ort, `onnxruntime-node ${ort.env.versions.node}`, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  }),
);
