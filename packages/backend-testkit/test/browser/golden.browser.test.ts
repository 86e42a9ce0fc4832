import { cpu } from '@flambeau/backend-cpu';
import { expect, inject, it } from 'vitest';
import { commands } from 'vitest/browser';
import { testGolden } from '../../../../tools/vitest/golden.ts';

it('the page is isolated as it was asked to be', () => expect(crossOriginIsolated).toBe(inject('isolated')));

testGolden(await commands.caseFiles(), cpu);
