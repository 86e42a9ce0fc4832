import * as ort from 'onnxruntime-web';
import { servePeer } from '../compare/peer.ts';
import { onnxPeer } from './onnx.mjs';

await servePeer(({ threads }) => {
  ort.env.wasm.numThreads = threads;
  return onnxPeer(ort, `onnxruntime-web ${ort.env.versions.web} wasm, Node ${process.version}`, {
    executionProviders: ['wasm'],
  });
});
