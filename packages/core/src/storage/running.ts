let running: string | null = null;

/**
 * The operator that the user called and that runs now, for faults that a device notices late: a kernel that may find one
 * keeps the name while it is enqueued. Undefined where a kernel is called by itself.
 */
export const runningOperator = (): string | undefined => running ?? undefined;

/** Enters an operator, and gives what `leaveOperator` takes. Operators within another do not count. */
export function enterOperator(name: string): string | null {
  const before = running;
  if (before === null) running = name;
  return before;
}

export function leaveOperator(before: string | null): void {
  running = before;
}
