import { suites, tier1Files } from '@flambeau/backend-testkit/cases';
import { testGolden } from '../../../../tools/vitest/golden.ts';
import { describeOn, webgpuOn } from '../support/device.ts';

describeOn('lavapipe', 'the WebGPU backend', () =>
  testGolden(suites.flatMap(tier1Files), () => webgpuOn('lavapipe')),
);
