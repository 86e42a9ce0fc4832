import type { Instruction, Program } from '@flambeau/core/backend';

/** Steps in the order in which they run; a `select` carries the steps that only one of its branches needs. */
export interface Block {
  readonly steps: readonly Placed[];
}

export interface Placed {
  readonly step: number;
  readonly taken: Block | null;
  readonly otherwise: Block | null;
}

class Region implements Block {
  readonly steps: Placed[] = [];
  readonly parent: Region | null;
  readonly depth: number;

  constructor(parent: Region | null) {
    this.parent = parent;
    this.depth = parent === null ? 0 : parent.depth + 1;
  }
}

/** The innermost region that holds both. */
function common(a: Region, b: Region): Region {
  let [x, y] = [a, b];
  while (x !== y) {
    if (x.depth >= y.depth) x = x.parent ?? x;
    else y = y.parent ?? y;
  }
  return x;
}

function argumentsOf(step: Instruction): readonly number[] {
  if ('b' in step) return [step.a, step.b];
  return 'a' in step ? [step.a] : [];
}

/**
 * Puts each step where all that read it find it, as deep in branches as that goes: what one branch alone needs runs
 * in it alone. A division by zero in the branch not taken is then no fault, and a costly branch costs nothing.
 */
export function scheduleOf({ steps }: Program): Block {
  const root = new Region(null);
  const regions: (Region | undefined)[] = steps.map(() => undefined);
  const branches = new Map<number, readonly [Region, Region]>();
  const read = (step: number, region: Region): void => {
    const present = regions[step];
    regions[step] = present === undefined ? region : common(present, region);
  };
  read(steps.length - 1, root);
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i]!;
    const region = regions[i] ?? root;
    if (step.op !== 'select') {
      for (const argument of argumentsOf(step)) read(argument, region);
      continue;
    }
    const pair = [new Region(region), new Region(region)] as const;
    branches.set(i, pair);
    read(step.c, region);
    read(step.a, pair[0]);
    read(step.b, pair[1]);
  }
  for (const i of steps.keys()) {
    const pair = branches.get(i);
    (regions[i] ?? root).steps.push({ step: i, taken: pair?.[0] ?? null, otherwise: pair?.[1] ?? null });
  }
  return root;
}
