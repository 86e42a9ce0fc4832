import { readFileSync } from 'node:fs';
import { cpu } from '@flambeau/backend-cpu';
import { describe, expect, test } from 'vitest';
import {
  arange,
  CheckpointError,
  type DType,
  fromArray,
  load,
  loadWithMetadata,
  registerBackend,
  save,
  serialize,
  serializeSync,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.ts';
import { fileOf, floats, pieces, rawBytes } from './raw.ts';

registerBackend(cpu());

interface Listed {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: string;
}

const reference = new Uint8Array(readFileSync(new URL('reference.safetensors', import.meta.url)));
const listed: readonly Listed[] = JSON.parse(
  readFileSync(new URL('reference.json', import.meta.url), 'utf8'),
);

function expectReference(loaded: Record<string, Tensor>): void {
  expect(Object.keys(loaded).sort()).toEqual(listed.map(({ name }) => name).sort());
  for (const { name, dtype, shape, data } of listed) {
    const x = loaded[name]!;
    expect([name, x.dtype, x.shape, x.device]).toEqual([name, dtype, shape, 'cpu']);
    expect(Buffer.from(rawBytes(x)).toString('base64')).toBe(data);
  }
}

describe("PyTorch's own checkpoints", () => {
  test('are read exactly, every dtype and any name', async () => {
    expectReference(await load(reference));
  });

  test('are written byte for byte', async () => {
    const { tensors, metadata } = await loadWithMetadata(reference);
    expect(metadata).toEqual({ format: 'pt' });
    const reversed = new Map(Object.entries(tensors).reverse());
    expect(await serialize(reversed, { metadata })).toEqual(reference);
    expect(serializeSync(tensors, { metadata })).toEqual(reference);
  });

  test('need no state dict to be non-empty', async () => {
    const empty = await serialize({});
    expect(empty).toEqual(fileOf('{}      '));
    expect(Object.keys(await load(empty))).toEqual([]);
  });
});

describe('load', () => {
  const stream = (length: number): ReadableStream<Uint8Array> => {
    const parts = pieces(reference, length);
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    });
  };

  test.each<[string, () => Parameters<typeof load>[0]]>([
    ['an ArrayBuffer', () => reference.slice().buffer],
    [
      'a SharedArrayBuffer',
      () => {
        const shared = new SharedArrayBuffer(reference.byteLength);
        new Uint8Array(shared).set(reference);
        return shared;
      },
    ],
    [
      'a view amid a buffer',
      () => {
        const larger = new Uint8Array(reference.byteLength + 7);
        larger.set(reference, 3);
        return new DataView(larger.buffer, 3, reference.byteLength);
      },
    ],
    ['a Blob', () => new Blob([reference])],
    ['a stream of single bytes', () => stream(1)],
    ['a stream of odd pieces', () => stream(37)],
    ['a stream of one piece', () => stream(reference.byteLength)],
    ['an async iterable', () => pieces(reference, 100)],
    [
      'an iterable with empty pieces',
      async function* () {
        for await (const piece of pieces(reference, 50)) yield* [new Uint8Array(0), piece];
      },
    ],
    ['the body of a response', () => new Response(reference).body!],
  ])('takes %s', async (_, source) => {
    expectReference(await load(source()));
  });

  test('keeps the order of the header', async () => {
    const file = fileOf(
      '{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
      Uint8Array.of(1, 2),
    );
    const loaded = await load(file);
    expect(Object.keys(loaded)).toEqual(['b', 'a']);
    expect([loaded.a!.itemSync(), loaded.b!.itemSync()]).toEqual([1, 2]);
  });

  test('reads tensors at offsets that are no multiple of their size', async () => {
    const data = new Uint8Array(5);
    data.set([9], 0);
    new DataView(data.buffer).setFloat32(1, 1.5, true);
    const file = fileOf(
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[],"data_offsets":[1,5]}}',
      data,
    );
    expect((await load(file)).b!.itemSync()).toBe(1.5);
    expect((await load(pieces(file, 3))).b!.itemSync()).toBe(1.5);
  });

  test('puts tensors on the device that is named', async () => {
    const { w } = await load(await serialize({ w: floats(1, 2) }), { device: 'meta' });
    expect([w!.device, w!.shape]).toEqual(['meta', [2]]);
  });

  test('does not depend on the bytes afterwards', async () => {
    const bytes = await serialize({ w: floats(1, 2) });
    const { w } = await load(bytes);
    bytes.fill(0);
    expect(w!.toArraySync()).toEqual([1, 2]);
  });

  test('crosses the pieces in which large tensors are read', async () => {
    const count = 2_500_000;
    const large = await serialize({ w: arange(count), flags: zeros([3], { dtype: 'bool' }) });
    for (const source of [large, pieces(large, 1_000_003), new Blob([large as Uint8Array<ArrayBuffer>])]) {
      const { w } = await load(source);
      const values = w!.dataSync() as Int32Array;
      expect(values.length).toBe(count);
      expect(values.findIndex((value, i) => value !== i)).toBe(-1);
    }
  });

  test('stops a stream that it does not read to its end', async () => {
    let returned = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(64).fill(255);
      } finally {
        returned = true;
      }
    }
    await expect(load(endless())).rejects.toThrow(CheckpointError);
    expect(returned).toBe(true);
  });
});

describe('serialize', () => {
  test('writes the elements that a view shows, in row-major order', async () => {
    const x = fromArray([1, 2, 3, 4, 5, 6], [2, 3]);
    const loaded = await load(
      await serialize({ t: x.transpose(0, 1), row: x.select(0, 1), wide: x.select(0, 0).expand([2, 3]) }),
    );
    expect(loaded.t!.toArraySync()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(loaded.row!.toArraySync()).toEqual([4, 5, 6]);
    expect(loaded.wide!.toArraySync()).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test('leaves the graph alone and does not save whether a gradient is wanted', async () => {
    const w = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    const { w: loaded } = await load(await serialize({ w: w.transpose(0, 1) }));
    expect(loaded!.requiresGrad).toBe(false);
    expect(w.grad).toBe(null);
  });

  test('aligns the data to 8 bytes whatever the names', async () => {
    for (let length = 0; length < 9; length++) {
      const bytes = await serialize({ ['n'.repeat(length)]: floats(1) });
      expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
    }
  });

  test('sorts names by their UTF-8, as the reference does', async () => {
    const names = ['b', 'a', '\uffee', '😀', 'é', 'aa', ''];
    const bytes = await serialize(Object.fromEntries(names.map((name) => [name, floats(0)])));
    const expected = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(Object.keys(await load(bytes))).toEqual(expected);
  });

  test('keeps metadata', async () => {
    const metadata = { format: 'pt', 'a "key"': 'a\nvalue', __proto__x: '' };
    const read = await loadWithMetadata(await serialize({}, { metadata }));
    expect({ ...read.metadata }).toEqual(metadata);
  });

  test('a WritableStream is written and closed', async () => {
    const written: number[] = [];
    let closed = false;
    const target = new WritableStream<Uint8Array>({
      write(chunk) {
        written.push(...chunk);
      },
      close() {
        closed = true;
      },
    });
    const state = { w: floats(1, 2), b: floats(3) };
    await save(target, state);
    expect(closed).toBe(true);
    expect(Uint8Array.from(written)).toEqual(serializeSync(state));
  });
});
