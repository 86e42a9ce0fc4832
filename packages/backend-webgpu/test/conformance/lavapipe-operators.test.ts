import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { testConformance } from '../support/conformance.ts';
import { describeOn, webgpuOn } from '../support/device.ts';

describeOn('lavapipe', 'operators of the WebGPU backend', () =>
  testConformance(() => webgpuOn('lavapipe'), comparesOperators),
);
