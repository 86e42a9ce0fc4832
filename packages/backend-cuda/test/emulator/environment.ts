import { emulatedEnvironment } from './index.ts';

// The environment in which any program's `cuda()` opens the emulated driver, as JSON:
// node --conditions=source --import tsx packages/backend-cuda/test/emulator/environment.ts
process.stdout.write(`${JSON.stringify(await emulatedEnvironment())}\n`);
