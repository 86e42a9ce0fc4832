import { create, globals } from 'webgpu';

/** The device that the harness asks for stands on the command line, as peers look for a GPU while they are loaded. */
export const device = process.argv[2] ?? 'cpu';

/** Gives Node a `navigator.gpu`, by Dawn, as a browser has one. */
export function provideGpu() {
  Object.assign(globalThis, globals);
  globalThis.navigator ??= { userAgent: `Node.js/${process.version}` };
  Object.defineProperty(globalThis.navigator, 'gpu', { value: create([]), configurable: true });
}
