import { tier1Files } from '@flambeau/backend-testkit/cases';
import { describeOn, webgpuOn } from '../support/device.ts';
import { testGolden } from '../support/golden.ts';

describeOn('lavapipe', 'the WebGPU backend', () => testGolden(() => webgpuOn('lavapipe'), tier1Files));
