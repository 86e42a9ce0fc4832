import { defineConfig } from 'tsup';
import { library } from '../../tools/tsup.ts';

export default defineConfig(
  library({
    index: 'src/index.ts',
    'cli/build': 'src/cli/build.ts',
  }),
);
