import { cpu } from '@flambeau/backend-cpu';
import { registerBackend } from '@flambeau/core';

registerBackend(cpu());

export { step } from './mlp.ts';
