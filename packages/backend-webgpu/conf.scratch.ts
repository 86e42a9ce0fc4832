import { cpu } from '@flambeau/backend-cpu';
import { conformanceSummary, runConformance } from '@flambeau/backend-testkit';
import { webgpu } from '@flambeau/backend-webgpu';
import { registerBackend } from '@flambeau/core';

registerBackend(cpu());
const b = await webgpu();
console.log(b.name);
const filter = new RegExp(process.argv[2] ?? '.');
const r = await runConformance(b as any, {
  filter: (n) => filter.test(n),
  onCase: (c) => {
    if (c.elapsedMs > 3000) console.log('slow', c.name, c.elapsedMs | 0);
  },
});
console.log(conformanceSummary(r));
console.log(b.memory);
b.destroy();
