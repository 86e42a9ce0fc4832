import { defineConfig } from 'tsup';
import { library } from '../../tools/tsup.ts';

export default defineConfig(
  library({ index: 'src/index.ts' }, { 'lr-scheduler': 'src/lr-scheduler/index.ts' }),
);
