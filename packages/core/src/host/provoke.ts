const MIB = 2 ** 20;
/**
 * What is asked for and dropped, by stage. After a full collection V8 lets about 192 MiB gather outside its heap, so the
 * second stage is more than that. It collects fully before it refuses what its allocator cannot give; what passes
 * 32 GiB, though, it refuses at once.
 */
const STAGES = [64 * MIB, 256 * MIB, 2 ** 34] as const;

/** Makes a collection likely in a host that offers no way to ask for one: big buffers weigh on its collector. */
export function provokeCollection(stage: number): void {
  const byteLength = STAGES[Math.min(stage, STAGES.length - 1)]!;
  try {
    void new ArrayBuffer(byteLength);
  } catch {
    // That it was refused is what the last stage is for.
  }
}
