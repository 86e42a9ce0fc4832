import { cpu } from '@flambeau/backend-cpu';
import { expect, it } from 'vitest';
import { commands } from 'vitest/browser';
import { testFiles } from '../golden/files.ts';
import { frameworkOn, isolated } from './page.ts';

it('the page is isolated as it was asked to be', () => expect(crossOriginIsolated).toBe(isolated));

const framework = frameworkOn(cpu());

for (const suite of ['ops', 'modules', 'optim'] as const)
  testFiles(await commands.caseFiles(suite), () => framework);
