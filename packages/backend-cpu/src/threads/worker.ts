import type { ThreadStart } from './layout.ts';
import { serveThread } from './serve.ts';
import { startThread } from './start.ts';

// The file behind the option `workerUrl`, for pages whose policy forbids workers made of text.
startThread(serveThread as (start: ThreadStart) => void);
