import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { cpu } from '@flambeau/backend-cpu';
import { registerBackend } from '@flambeau/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError, DataLoader, loadMnist, MnistDataset, readIdx } from '../src/index.ts';

registerBackend(cpu());

/** The bytes of an IDX file. */
function idx(type: number, shape: readonly number[], elements: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint8(2, type);
  header.setUint8(3, shape.length);
  shape.forEach((size, i) => {
    header.setUint32(4 + 4 * i, size);
  });
  return new Uint8Array(Buffer.concat([new Uint8Array(header.buffer), elements]));
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const images = idx(8, [2, 2, 3], bytes(0, 1, 2, 3, 4, 5, 255, 254, 253, 252, 251, 250));
const labels = idx(8, [2], bytes(7, 9));
const gzip = (data: Uint8Array): Uint8Array => new Uint8Array(gzipSync(data));

describe('readIdx', () => {
  it.each([
    [8, bytes(1, 255), 'uint8', [1, 255]],
    [9, bytes(1, 255), 'int8', [1, -1]],
    [11, bytes(1, 0, 255, 254), 'int16', [256, -2]],
    [12, bytes(0, 1, 0, 0, 255, 255, 255, 255), 'int32', [65536, -1]],
    [13, bytes(0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0), 'float32', [1, -2]],
    [14, bytes(0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0), 'float64', [1, -2]],
  ])('reads elements of type %i, plain and compressed', async (type, elements, dtype, values) => {
    for (const pack of [(data: Uint8Array) => data, gzip]) {
      const read = await readIdx(pack(idx(type, [2], elements)));
      expect([read.dtype, read.shape, Array.from(read.data)]).toEqual([dtype, [2], values]);
    }
  });

  it('reads what lies anywhere in a buffer, and arrays without elements', async () => {
    const whole = new Uint8Array([9, 9, 9, ...idx(11, [1], bytes(1, 2)), 9]);
    expect(Array.from((await readIdx(whole.subarray(3, -1))).data)).toEqual([258]);
    expect((await readIdx(idx(8, [0, 28], bytes()))).shape).toEqual([0, 28]);
  });

  it.each([
    [bytes(1, 0, 8, 1, 0, 0, 0, 0), 'f: wrong magic number 01 00 08 01; an IDX file begins with 00 00'],
    [bytes(0, 0, 10, 1, 0, 0, 0, 0), 'f: wrong magic number 00 00 0a 01'],
    [bytes(0, 0, 8, 0), 'f: wrong magic number 00 00 08 00'],
    [bytes(0, 0, 8, 200), 'f: wrong magic number 00 00 08 c8'],
    [new TextEncoder().encode('<!doctype html>'), 'f: wrong magic number 3c 21 64 6f'],
    [gzip(gzip(images)), 'it is compressed twice'],
    [bytes(), 'f: truncated: 0 bytes do not hold the header of an IDX file'],
    [bytes(0, 0, 8, 2, 0, 0, 0), 'f: truncated: 7 bytes do not hold the header of an IDX file'],
    [images.subarray(0, -1), 'f: truncated: [2, 2, 3] of uint8 take 28 bytes with the header, got 27'],
    [bytes(...images, 0), 'f: too long: [2, 2, 3] of uint8 take 28 bytes with the header, got 29'],
    [gzip(images.subarray(0, -1)), 'f: truncated: [2, 2, 3] of uint8 take 28 bytes with the header, got 27'],
    [gzip(bytes(...images, 0)), 'f: too long: [2, 2, 3] of uint8 take 28 bytes with the header, got more'],
    [gzip(images).subarray(0, -4), 'f: damaged gzip data after'],
    [
      idx(8, [0xffffffff, 0xffffffff, 0xffffffff], bytes()),
      'f: the header claims [4294967295, 4294967295, 4294967295] of uint8, ',
    ],
    [
      idx(14, [2 ** 28], bytes()),
      'f: the header claims [268435456] of float64, 2147483648 bytes; at most 1073741824 are read',
    ],
  ])('refuses a damaged file (%#)', async (file, text) => {
    const reading = readIdx(file, { name: 'f' });
    await expect(reading).rejects.toThrow(text);
    await expect(reading).rejects.toBeInstanceOf(DataError);
  });

  it('stops unpacking a small file that grows beyond what its header claims', async () => {
    const bomb = gzip(idx(8, [10], new Uint8Array(32 * 2 ** 20)));
    expect(bomb.length).toBeLessThan(2 ** 17);
    const before = process.memoryUsage().arrayBuffers;
    await expect(readIdx(bomb)).rejects.toThrow('got more');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
  });

  it('reads a file or throws a DataError, whatever the bytes', async () => {
    const damaged = fc.tuple(
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(27), fc.nat(255)), { maxLength: 4 }),
      fc.integer({ min: 0, max: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(damaged, async ([compressed, changes, length]) => {
        const file = Uint8Array.from(compressed ? gzip(images) : images).slice(0, length);
        for (const [position, value] of changes) if (position < file.length) file[position] = value;
        try {
          const { shape, data } = await readIdx(file, { maxByteLength: 1000 });
          expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('MnistDataset', () => {
  const open = async (options = {}): Promise<MnistDataset> =>
    new MnistDataset(await readIdx(images), await readIdx(labels), options);

  it('normalises a batch at a time', async () => {
    const dataset = await open();
    expect([dataset.length, dataset.rows, dataset.columns]).toEqual([2, 2, 3]);
    const [x, y] = dataset.getBatch([1, 0]);
    expect([x.shape, x.dtype, y.shape, y.dtype]).toEqual([[2, 1, 2, 3], 'float32', [2], 'int32']);
    expect(y.toArraySync()).toEqual([9, 7]);
    expect(x.dataSync()[0]).toBeCloseTo((1 - 0.1307) / 0.3081, 5);
    expect(x.dataSync()[7]).toBeCloseTo((1 / 255 - 0.1307) / 0.3081, 5);
  });

  it('gives flat images of 0..1 where asked to', async () => {
    const dataset = await open({ flatten: true, mean: 0, std: 1 });
    const [x, y] = dataset.get(1);
    expect([x.shape, y.shape]).toEqual([[6], []]);
    expect(x.dataSync()[0]).toBe(1);
    expect(y.itemSync()).toBe(9);
    expect(Array.from(dataset.image(0))).toEqual([0, 1, 2, 3, 4, 5]);
    for await (const [images, labels] of new DataLoader(dataset, { batchSize: 2 })) {
      expect([images.shape, labels.toArraySync()]).toEqual([
        [2, 6],
        [7, 9],
      ]);
    }
  });

  it('refuses files that do not belong together', async () => {
    const three = await readIdx(idx(8, [3], bytes(1, 2, 3)));
    const pictures = await readIdx(images);
    expect(() => new MnistDataset(pictures, three)).toThrow('MnistDataset: there are 2 images and 3 labels');
    expect(() => new MnistDataset(three, pictures)).toThrow(
      'MnistDataset: images must be uint8 of 3 dimensions, got uint8 [3]; are images and labels exchanged?',
    );
    await expect(open({ std: 0 })).rejects.toThrow(
      'mean must be a number and std one above 0, got 0.1307 and 0',
    );
    expect(() => new MnistDataset(pictures, three, { flaten: true } as object)).toThrow(
      'did you mean flatten?',
    );
    expect(() => pictures && new MnistDataset(pictures, pictures)).toThrow(
      'labels must be uint8 of 1 dimensions',
    );
  });
});

describe('loadMnist', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mnist-'));
    await writeFile(join(folder, 'train-images-idx3-ubyte'), images);
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), labels);
    await writeFile(join(folder, 't10k-images-idx3-ubyte.gz'), gzip(images));
    await writeFile(join(folder, 't10k-labels.idx1-ubyte'), labels);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('finds the files of a folder, plain and compressed', async () => {
    for (const place of [folder, `${folder}/`, pathToFileURL(folder)]) {
      const { train, test } = await loadMnist(place, { flatten: true });
      expect([train.length, test.length, test.get(0)[0].shape]).toEqual([2, 2, [6]]);
    }
  });

  it('takes the files themselves', async () => {
    const { test } = await loadMnist({
      trainImages: images,
      trainLabels: join(folder, 'train-labels-idx1-ubyte'),
      testImages: gzip(images),
      testLabels: pathToFileURL(join(folder, 'train-labels-idx1-ubyte')),
    });
    expect(Array.from(test.labels)).toEqual([7, 9]);
  });

  it('names what is missing or damaged', async () => {
    await expect(loadMnist(tmpdir())).rejects.toThrow(/holds no train-images-idx3-ubyte, plain or with \.gz/);
    const files = { trainImages: images, trainLabels: labels, testImages: images, testLabels: labels };
    await expect(loadMnist({ ...files, testLabels: bytes(1, 2, 3, 4) })).rejects.toThrow(
      'testLabels: wrong magic number 01 02 03 04',
    );
    await expect(loadMnist({ ...files, testLabels: join(folder, 'none') })).rejects.toThrow(
      'loadMnist: there is no file',
    );
    await expect(loadMnist({ ...files, testLabels: 3 } as never)).rejects.toThrow(
      'loadMnist: testLabels must be a path, an address or bytes, got 3',
    );
  });
});
