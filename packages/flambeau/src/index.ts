/** All of flambeau in one import, with the CPU backend registered. */
import { cpu } from '@flambeau/backend-cpu';
import { registerBackend } from '@flambeau/core';

registerBackend(cpu());

export { type CpuOptions, cpu, getNumThreads, setNumThreads } from '@flambeau/backend-cpu';
export * from '@flambeau/core';
export * from '@flambeau/data';
export * as nn from '@flambeau/nn';
export * as optim from '@flambeau/optim';
