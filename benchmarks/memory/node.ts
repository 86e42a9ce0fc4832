import { type Loop, type MemoryDevice, makeTraining } from './training.ts';

/** One loop in a Node of its own: `node memory-node.js DEVICE LOOP STEPS` prints its figures and its memory. */

const WARM_STEPS = 100;

// `main.ts` gives them.
const [device, loop, steps] = process.argv.slice(2) as [MemoryDevice, Loop, string];
const run = await makeTraining(device);
await run(loop, WARM_STEPS);
const live = process.memoryUsage.rss();
const figures = await run(loop, Number(steps));
const peak = process.resourceUsage().maxRSS * 1024;
const result = JSON.stringify({ ...figures, aboveByteLength: peak - live });
process.stdout.write(`${result}\n`, () => process.exit(0));
