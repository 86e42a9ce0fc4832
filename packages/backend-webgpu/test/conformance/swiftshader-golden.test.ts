import { suites, tier1Files } from '@flambeau/backend-testkit/cases';
import { testGolden } from '../../../../tools/vitest/golden.ts';
import { describeOn, webgpuOn } from '../support/device.ts';

describeOn('swiftshader', 'the WebGPU backend', () =>
  testGolden(suites.flatMap(tier1Files), () => webgpuOn('swiftshader')),
);
