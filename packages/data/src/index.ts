/** Data sets, samplers, the loader of batches, and the reader of MNIST. */
export { type Collated, collate } from './collate.ts';
export { ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset } from './dataset.ts';
export { DataError } from './errors.ts';
export { DataLoader } from './loader.ts';
export type { DataLoaderOptions } from './loader-options.ts';
export { MnistDataset, type MnistOptions } from './mnist/dataset.ts';
export { type IdxArray, type ReadIdxOptions, readIdx } from './mnist/idx.ts';
export { type FileSource, loadMnist, type Mnist, type MnistFiles } from './mnist/load.ts';
export { randomSplit } from './random-split.ts';
export {
  BatchSampler,
  type Counted,
  type GeneratorOptions,
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
  type WeightedRandomSamplerOptions,
} from './sampler.ts';
