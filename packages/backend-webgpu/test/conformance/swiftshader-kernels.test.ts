import { comparesOperators } from '../../../../tools/vitest/conformance.ts';
import { testConformance } from '../support/conformance.ts';
import { describeOn, webgpuOn } from '../support/device.ts';

describeOn('swiftshader', 'the WebGPU backend', () =>
  testConformance(
    () => webgpuOn('swiftshader'),
    (name) => !comparesOperators(name),
  ),
);
