import { cpu } from '@flambeau/backend-cpu';
import { registerBackend, type Tensor } from '@flambeau/core';

registerBackend(cpu());

export const values = (x: Tensor): number[] => Array.from(x.dataSync(), Number);

/** The text of what a call throws. */
export function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'nothing was thrown';
}
