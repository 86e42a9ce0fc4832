import { recordKernels } from './kernel-calls.ts';
import { findNvcc, type KernelReport, occupancy, reportKernels } from './kernel-report.ts';

/**
 * Compiles the kernels of ordinary use for sm_80 and sm_90 and prints registers, shared memory, spills and occupancy.
 * Ends with status 1 where a kernel spills. It needs nvcc and no GPU: `npm run kernels -w @flambeau/backend-cuda`.
 */

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Kernels whose speed is that of training. */
const HOT = [
  /^pointwise 1 false \d 0 float32,float32.*add/,
  /^reduce (whole|partial) .* sum float32/,
  /^matmul (float32|float16)/,
  /^scan block sum float32/,
  /^sort(ChunksSource|Chunks|Merge) .*(float32|unsigned)/,
  /^(softmax|logSoftmax|softmaxBackward|logSoftmaxBackward|norm|crossEntropy) (float32|float16)/,
  /^convolution \w+ (float32|float16)/,
  /^attention (float32|float16)/,
  /^maxPool float32/,
  /^update \d+ .*=float32/,
  /^scatter add float32/,
];

const nvcc = await findNvcc();
if (nvcc === undefined) {
  print('kernels: SKIPPED, nvcc is not installed: nothing is known of registers and spills');
} else {
  const { sources, launches } = recordKernels();
  const all = process.argv.includes('--all');
  print(`nvcc ${nvcc}; ${sources.length} kernels`);
  let spilled = 0;
  for (const arch of ['sm_80', 'sm_90']) {
    const reports = await reportKernels(sources, arch);
    const spills = reports.filter(({ spillBytes }) => spillBytes > 0);
    spilled += spills.length;
    print(`\n${arch}: ${reports.length} compiled, ${spills.length} spill\n`);
    print('| kernel | threads | registers | shared bytes | occupancy |');
    print('| --- | --- | --- | --- | --- |');
    for (const report of reports) {
      if (!all && report.spillBytes === 0 && !HOT.some((hot) => hot.test(report.key))) continue;
      print(rowOf(report));
    }
  }
  if (spilled > 0) process.exitCode = 1;

  function rowOf(report: KernelReport): string {
    const launch = launches.find(({ key }) => key === report.key);
    const threads = launch === undefined ? 256 : launch.block[0] * launch.block[1];
    const share = occupancy(report, threads, launch?.sharedBytes ?? 0);
    const shared = report.sharedBytes + (launch?.sharedBytes ?? 0);
    const spills = report.spillBytes > 0 ? ` SPILLS ${report.spillBytes} bytes` : '';
    const name = report.key.length > 70 ? `${report.key.slice(0, 67)}…` : report.key;
    return `| ${name}${spills} | ${threads} | ${report.registers} | ${shared} | ${Math.round(share * 100)} % |`;
  }
}
