const MIB = 2 ** 20;
/** What is asked for and dropped, by stage. V8 collects fully before it refuses what it cannot have. */
const STAGES = [64 * MIB, 128 * MIB, 2 ** 44] as const;

/** Makes a collection likely in a host that offers no way to ask for one: big buffers weigh on its collector. */
export function provokeCollection(stage: number): void {
  const byteLength = STAGES[Math.min(stage, STAGES.length - 1)]!;
  try {
    void new ArrayBuffer(byteLength);
  } catch {
    // That it was refused is what the last stage is for.
  }
}
