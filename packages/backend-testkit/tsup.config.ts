import { defineConfig } from 'tsup';
import { library } from '../../tools/tsup.ts';

export default defineConfig(
  library({
    index: 'src/index.ts',
    'host/cases': 'src/host/cases.ts',
    'golden/index': 'src/golden/index.ts',
    'cli/golden': 'src/cli/golden.ts',
  }),
);
