import { type Loop, makeTraining } from './training.ts';

/** One loop in a Node of its own: `node memory-node.js LOOP STEPS` prints its figures and its memory. */

const WARM_STEPS = 100;

const [loop, steps] = process.argv.slice(2) as [Loop, string];
const run = makeTraining();
await run(loop, WARM_STEPS);
const live = process.memoryUsage.rss();
const figures = await run(loop, Number(steps));
const peak = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ ...figures, aboveByteLength: peak - live }));
