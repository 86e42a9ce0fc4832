import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { testConformance } from '../support/conformance.ts';
import { describeOn, webgpuOn } from '../support/device.ts';

describeOn('lavapipe', 'the WebGPU backend', () =>
  testConformance(
    () => webgpuOn('lavapipe'),
    (name) => !comparesOperators(name),
  ),
);
