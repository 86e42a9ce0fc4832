import { cuda } from '@flambeau/backend-cuda';
import {
  add,
  type KernelCall,
  matmul,
  noGrad,
  randn,
  registerBackend,
  setKernelInterceptor,
  softmax,
  sum,
  type Tensor,
} from 'flambeau';
import { nanosecondsOf } from '../compare/peer.ts';

// Measures the host's part of launches, in a process whose driver throws launches away.

const MILLISECONDS = 1000;

registerBackend(cuda());
const [x, y] = [randn([32, 32]).to('cuda'), randn([32, 32]).to('cuda')];

const calls: Readonly<Record<string, () => Tensor>> = {
  'add, a pointwise kernel': () => add(x, y),
  'sum over rows, a reduction': () => sum(x, 1),
  'softmax, a fused kernel': () => softmax(x, 1),
  'product through cuBLAS': () => matmul(x, y),
};

/** The last launch of a call, to be made again. */
function launchOf(call: () => Tensor): () => void {
  let last: (() => void) | undefined;
  const before = setKernelInterceptor((_: KernelCall, launch: () => void) => {
    last = launch;
    launch();
  });
  call();
  setKernelInterceptor(before);
  if (last === undefined) throw new Error('the call launched nothing');
  return last;
}

const nanoseconds: Record<string, { launch: number; operator: number }> = {};
for (const [name, call] of Object.entries(calls)) {
  const launch = noGrad(() => launchOf(call));
  nanoseconds[name] = {
    launch: await nanosecondsOf(launch, MILLISECONDS),
    operator: await nanosecondsOf(() => noGrad(() => call().dispose()), MILLISECONDS),
  };
}
process.stdout.write(`${JSON.stringify(nanoseconds)}\n`, () => process.exit(0));
