import { webgpu } from '@flambeau/backend-webgpu';
import { registerBackend } from '@flambeau/core';

registerBackend(await webgpu());

export { step } from './mlp.ts';
