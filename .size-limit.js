// What a page takes of flambeau, in gzip. The applications name what they use; the rest must stay out of their bundles.
const limits = {
  'an MLP trained by SGD on the CPU': ['benchmarks/size/mlp-cpu.ts', '177 kB'],
  'an MLP trained by SGD on WebGPU': ['benchmarks/size/mlp-webgpu.ts', '142 kB'],
  'all of core, the CPU backend, nn and optim': ['benchmarks/size/all-cpu.ts', '213 kB'],
  'all of core, the WebGPU backend, nn and optim': ['benchmarks/size/all-webgpu.ts', '178 kB'],
  'all of flambeau: that for the CPU, and data': ['packages/flambeau/dist/index.js', '220 kB'],
};

export default Object.entries(limits).map(([name, [path, limit]]) => ({
  name,
  path,
  limit,
  gzip: true,
  // A script for a page has no exports, and what nobody exports would be left out.
  modifyEsbuildConfig: (config) => ({ ...config, format: 'esm' }),
}));
