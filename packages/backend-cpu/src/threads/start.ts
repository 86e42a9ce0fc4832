import type { ThreadStart } from './layout.ts';

/**
 * What a worker does first: it finds what it was started with, in Node at once, elsewhere in its first message.
 * Part of the text of inline workers, as `serveThread` is.
 */
export function startThread(serve: (start: ThreadStart) => void): void {
  const host = globalThis as unknown as {
    readonly process?: {
      getBuiltinModule?(name: string): { readonly workerData?: ThreadStart | null } | undefined;
    };
    onmessage: ((event: { readonly data: ThreadStart }) => void) | null;
  };
  const threads = host.process?.getBuiltinModule?.('worker_threads');
  const start = threads?.workerData;
  if (start) serve(start);
  else host.onmessage = (event) => serve(event.data);
}
