import { describeEmulated } from '../emulated/suite.ts';
import { testConformance } from './suite.ts';

// As where cuBLAS is missing: products through this package's own kernels.
describeEmulated('products without cuBLAS', () =>
  testConformance((name) => name.startsWith('matmul'), { blas: 'off' }),
);
