import { defineConfig } from 'tsup';
import { library } from '../../tools/tsup.ts';

export default defineConfig(
  library({ index: 'src/index.ts' }, { functional: 'src/functional/index.ts', init: 'src/init/index.ts' }),
);
