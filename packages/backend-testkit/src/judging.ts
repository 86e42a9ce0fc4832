let judging = true;

/** Whether cases fail where something is wrong. */
export const isJudging = (): boolean => judging;

/**
 * Calls `body`, within which nothing that a case finds wrong fails it. For a backend that only records what it is asked
 * to launch: a case that failed at its first result would not come to the others.
 */
export async function withoutJudging(body: () => Promise<void>): Promise<void> {
  judging = false;
  try {
    await body();
  } finally {
    judging = true;
  }
}
