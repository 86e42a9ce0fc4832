import { defineConfig } from 'tsup';
import { library } from '../../tools/tsup.ts';

export default defineConfig(
  library({
    index: 'src/index.ts',
    worker: 'src/threads/worker.ts',
    'host/node': 'src/host/node.ts',
    'host/browser': 'src/host/browser.ts',
  }),
);
