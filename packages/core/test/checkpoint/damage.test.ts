import { readFileSync } from 'node:fs';
import { cpu } from '@flambeau/backend-cpu';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { CheckpointError, load, loadWithMetadata, registerBackend, serializeSync } from '../../src/index.ts';
import { deviceEntry } from '../../src/storage/registry.ts';
import { entry, fileOf, floats, pieces } from './raw.ts';

registerBackend(cpu());
/** The CPU as a device whose memory core frees, and that has few dtypes. */
const small = cpu();
registerBackend({
  ...small,
  device: 'small',
  limits: { ...small.limits, dtypes: ['float32', 'bool', 'int32'] },
  // Never so small that JavaScript's collector would own it.
  allocate: (byteLength, dtype) => small.allocate(Math.max(byteLength, 128), dtype),
});
const SMALL = 'small' as 'cpu';

const reference = new Uint8Array(readFileSync(new URL('reference.safetensors', import.meta.url)));
const headerOf = (tensors: Readonly<Record<string, unknown>>): string => JSON.stringify(tensors);
const plain = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';

/** Loads damaged bytes as bytes and as a stream: both must refuse, with the same kind of error. */
async function refusal(file: Uint8Array): Promise<string> {
  const errors = await Promise.all(
    [file, pieces(file, 11)].map((source) =>
      load(source).then(
        () => undefined,
        (error: unknown) => error,
      ),
    ),
  );
  for (const error of errors) expect(error).toBeInstanceOf(CheckpointError);
  expect(errors[0]).toMatchObject({ code: 'CHECKPOINT', op: 'load' });
  return (errors[0] as Error).message;
}

describe('load refuses', () => {
  test.each<[what: string, file: Uint8Array, message: RegExp]>([
    ['nothing', new Uint8Array(0), /^load: 0 bytes: it has 0 bytes, too few for a checkpoint$/],
    ['seven bytes', new Uint8Array(7), /it has 7 bytes, too few/],
    ['an empty header', fileOf(''), /the header must begin with \{/],
    [
      'a header beyond the end',
      fileOf('{}', 0, 100n),
      /it is cut off: its header takes 100 bytes, but 2 are left/,
    ],
    [
      'a header of 100 MB and a byte',
      fileOf('{}', 0, 100_000_001n),
      /would take 100000001 bytes; 100000000 is the most/,
    ],
    ['a header of 2^64 bytes', fileOf('{}', 0, 2n ** 64n - 1n), /would take 18446744073709551615 bytes/],
    [
      'a pickle',
      new TextEncoder().encode('PK\u0003\u0004 a zip archive as torch.save writes it'),
      /Is this a safetensors file\?/,
    ],
    ['a header that is no object', fileOf('null'), /the header must begin with \{/],
    ['space before the header', fileOf(` ${plain}`, 4), /the header must begin with \{/],
    ['a byte order mark', fileOf(`\ufeff${plain}`, 4), /the header must begin with \{/],
    ['a zero after the header', fileOf(`${plain}\0`, 4), /the end of the header expected, found "\\u0000"/],
    ['text after the header', fileOf(`${plain} {}`, 4), /the end of the header expected, found "\{"/],
    [
      'invalid UTF-8',
      fileOf(new TextEncoder().encode(plain).with(2, 255), 4),
      /its header is not valid UTF-8/,
    ],
    ['a header that stops', fileOf(plain.slice(0, -1), 4), /the end of the header expected, found the end/],
    ['a comma too many', fileOf(plain.replace(/\}$/, ',}'), 4), /a name in the header expected, found "\}"/],
    ['a name that is no string', fileOf('{a:1}'), /a name in the header expected, found "a"/],
    ['a string without end', fileOf('{"a'), /a name in the header is no valid string/],
    ['an escape without end', fileOf('{"a\\'), /a name in the header is no valid string/],
    ['a control character in a name', fileOf(plain.replace('"a"', '"\n"'), 4), /is no valid string/],
    ['half of a surrogate pair', fileOf(plain.replace('"a"', '"\\ud800"'), 4), /is no valid Unicode/],
    [
      'a name twice',
      fileOf(`{${plain.slice(1, -1)},${plain.slice(1, -1)}}`, 4),
      /the header names "a" twice/,
    ],
    [
      'a name twice, once escaped',
      fileOf(`{${plain.slice(1, -1)},${plain.slice(1, -1).replace('"a"', '"\\u0061"')}}`, 4),
      /the header names "a" twice/,
    ],
    [
      'a field twice',
      fileOf(plain.replace('"dtype"', '"dtype":"F32","dtype"'), 4),
      /tensor "a" names "dtype" twice/,
    ],
    [
      'metadata twice',
      fileOf('{"__metadata__":{},"__metadata__":{}}'),
      /the header names "__metadata__" twice/,
    ],
    ['a key of metadata twice', fileOf('{"__metadata__":{"a":"1","a":"2"}}'), /__metadata__ names "a" twice/],
    [
      'metadata that is no string',
      fileOf('{"__metadata__":{"a":1}}'),
      /__metadata__ "a" expected, found "1"/,
    ],
    ['metadata that is no object', fileOf('{"__metadata__":null}'), /__metadata__ expected, found "n"/],
    ['a tensor that is no object', fileOf('{"a":["F32",[1],[0,4]]}', 4), /tensor "a" expected, found "\["/],
    [
      'a missing field',
      fileOf('{"a":{"dtype":"F32","shape":[1]}}', 4),
      /tensor "a" needs dtype, shape and data_offsets/,
    ],
    [
      'an unknown field',
      fileOf(headerOf({ a: entry({ strides: [1] }) }), 4),
      /tensor "a" has an unknown field "strides"/,
    ],
    [
      'a dtype that we lack',
      fileOf(headerOf({ a: entry({ dtype: 'F8_E4M3' }) }), 4),
      /tensor "a" has dtype "F8_E4M3", which is not supported; supported are BOOL, /,
    ],
    [
      'a dtype of another case',
      fileOf(headerOf({ a: entry({ dtype: 'f32' }) }), 4),
      /dtype "f32", which is not supported/,
    ],
    [
      'a name of Object.prototype as dtype',
      fileOf(headerOf({ a: entry({ dtype: 'constructor' }) }), 4),
      /dtype "constructor"/,
    ],
    [
      'a dtype that is no string',
      fileOf(headerOf({ a: entry({ dtype: 5 }) }), 4),
      /dtype of tensor "a" expected, found "5"/,
    ],
    [
      'a shape that is no list',
      fileOf(headerOf({ a: entry({ shape: 1 }) }), 4),
      /shape of tensor "a" expected/,
    ],
    [
      'a negative size',
      fileOf(headerOf({ a: entry({ shape: [-1] }) }), 4),
      /shape of tensor "a" must hold whole numbers/,
    ],
    ['a fraction', fileOf(headerOf({ a: entry({ shape: [1.5] }) }), 4), /must hold whole numbers/],
    ['an exponent', fileOf(plain.replace('[1]', '[1e0]'), 4), /must hold whole numbers/],
    ['a leading zero', fileOf(plain.replace('[1]', '[01]'), 4), /must hold whole numbers/],
    ['minus zero', fileOf(plain.replace('[0,4]', '[-0,4]'), 4), /must hold whole numbers/],
    ['a size beyond 2^53', fileOf(headerOf({ a: entry({ shape: [2 ** 53] }) }), 4), /below 2\^53/],
    ['a size of a thousand digits', fileOf(plain.replace('[1]', `[1${'0'.repeat(1000)}]`), 4), /below 2\^53/],
    [
      'a product beyond 2^53',
      fileOf(headerOf({ a: entry({ shape: [2 ** 52, 2 ** 52] }) }), 4),
      /more bytes than can be counted/,
    ],
    [
      'a product that wraps to 0 in 64 bits',
      fileOf(headerOf({ a: entry({ shape: [2 ** 32, 2 ** 32], data_offsets: [0, 0] }) })),
      /more bytes than can be counted/,
    ],
    [
      'huge sizes beside a 0',
      fileOf(headerOf({ a: entry({ shape: [2 ** 50, 2 ** 50, 0], data_offsets: [0, 0] }) })),
      /more bytes than can be counted/,
    ],
    [
      'nine dimensions',
      fileOf(headerOf({ a: entry({ shape: Array(9).fill(1) }) }), 4),
      /has 9 dimensions; 8 is the most/,
    ],
    [
      'offsets that are no pair',
      fileOf(headerOf({ a: entry({ data_offsets: [0, 4, 8] }) }), 4),
      /data_offsets must be \[start, end\], got \[0, 4, 8\]/,
    ],
    [
      'offsets that run backwards',
      fileOf(headerOf({ a: entry({ data_offsets: [4, 0] }) }), 4),
      /data_offsets must be \[start, end\], got \[4, 0\]/,
    ],
    [
      'bytes that do not fit the shape',
      fileOf(headerOf({ a: entry({ data_offsets: [0, 8] }) }), 8),
      /\[1\] of float32 takes 4 bytes, but its data_offsets span 8/,
    ],
    [
      'a hole before the first tensor',
      fileOf(headerOf({ a: entry({ data_offsets: [4, 8] }) }), 8),
      /leaves bytes 0\.\.4 unused/,
    ],
    [
      'a hole between tensors',
      fileOf(headerOf({ a: entry(), b: entry({ data_offsets: [8, 12] }) }), 12),
      /tensor "b", bytes 8\.\.12 of the data, leaves bytes 4\.\.8 unused/,
    ],
    [
      'tensors that overlap',
      fileOf(headerOf({ a: entry(), b: entry({ data_offsets: [2, 6] }) }), 6),
      /tensor "b", bytes 2\.\.6 of the data, overlaps/,
    ],
    [
      'tensors that share their bytes',
      fileOf(headerOf({ a: entry(), b: entry() }), 4),
      /overlaps the tensor before it/,
    ],
    [
      'an empty tensor amid another',
      fileOf(headerOf({ a: entry(), b: entry({ shape: [0], data_offsets: [2, 2] }) }), 4),
      /tensor "b", bytes 2\.\.2 of the data, overlaps/,
    ],
    [
      'data that is cut off',
      fileOf(plain, 3),
      /it is cut off: by its header it takes 66 bytes, but there are 65/,
    ],
    [
      'bytes after the data',
      fileOf(plain, 5),
      /bytes follow the checkpoint: by its header it takes 66 bytes, but there are 67/,
    ],
    [
      'truths that are neither 0 nor 1',
      fileOf(
        headerOf({ a: entry({ dtype: 'BOOL', shape: [2], data_offsets: [0, 2] }) }),
        Uint8Array.of(1, 7),
      ),
      /tensor "a" is bool, but has bytes that are neither 0 nor 1/,
    ],
  ])('%s', async (_, file, message) => {
    expect(await refusal(file)).toMatch(message);
  });

  test('a file cut off anywhere', async () => {
    for (let length = 0; length < reference.byteLength; length += 1)
      await refusal(reference.subarray(0, length));
  });

  test('what is no source of bytes', async () => {
    await expect(load(5 as never)).rejects.toThrow(
      'load: the source must be a path, a URL of a file, bytes, a Blob or a stream of bytes, got 5',
    );
    await expect(load(null as never)).rejects.toThrow('got null');
    async function* texts() {
      yield 'text';
    }
    await expect(load(texts() as never)).rejects.toThrow(
      'load: the stream: it must give Uint8Arrays, got "text"',
    );
  });

  test('a stream that fails, with its reason', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield reference.subarray(0, 500);
      throw new TypeError('connection lost');
    }
    const error = await load(failing()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'CheckpointError', message: 'load: the stream: connection lost' });
    expect((error as Error).cause).toBeInstanceOf(TypeError);
    const used = new ReadableStream<Uint8Array>();
    used.getReader();
    await expect(load(used)).rejects.toThrow(CheckpointError);
  });

  test('a dtype that the device does not have, before it reads any data', async () => {
    const file = fileOf(headerOf({ ok: entry(), x: entry({ dtype: 'F64', data_offsets: [4, 12] }) }), 12);
    await expect(load(file, { device: SMALL })).rejects.toThrow(
      'load: 129 bytes: tensor "x" is float64, which small does not have (it has float32, bool, int32); load it on the CPU and convert it: load(source, { device: \'cpu\' }), then .to({ dtype: … })',
    );
  });

  test('options that it does not know', async () => {
    await expect(load(reference, { devise: 'cpu' } as never)).rejects.toThrow(
      'load: unknown option devise; did you mean device?',
    );
  });
});

describe('a refusal', () => {
  test('keeps no memory', async () => {
    const before = deviceEntry(SMALL).memory.storages;
    const file = fileOf(
      headerOf({ a: entry(), b: entry({ dtype: 'BOOL', shape: [1], data_offsets: [4, 5] }) }),
      Uint8Array.of(0, 0, 0, 0, 9),
    );
    await expect(load(file, { device: SMALL })).rejects.toThrow(CheckpointError);
    await expect(load(pieces(file, 3), { device: SMALL })).rejects.toThrow(CheckpointError);
    expect(deviceEntry(SMALL).memory.storages).toBe(before);
    const good = await load(serializeSync({ a: floats(1) }), { device: SMALL });
    expect(deviceEntry(SMALL).memory.storages).toBe(before + 1);
    good.a!.dispose();
  });

  test('takes no memory for what a stream only claims', async () => {
    const allocate = vi.spyOn(deviceEntry('cpu').backend, 'allocate');
    const huge = entry({ shape: [2 ** 40], data_offsets: [0, 2 ** 42] });
    await expect(load(pieces(fileOf(headerOf({ huge }), 1000), 100))).rejects.toThrow(
      'load: the stream: it is cut off: tensor "huge" has 1000 of its 4398046511104 bytes',
    );
    await expect(load(pieces(fileOf('{', 10, 99_999_999n), 100))).rejects.toThrow(
      'it ends inside its header, 99999999 bytes long',
    );
    expect(allocate).not.toHaveBeenCalled();
  });

  test('does not depend on how deep or long the header is', async () => {
    await refusal(fileOf(`{"a":${'['.repeat(1_000_000)}`));
    await refusal(fileOf(`{"a":${'{"a":'.repeat(500_000)}`));
    await refusal(fileOf(`{"${'a'.repeat(2_000_000)}`));
    const many = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`t${i}`, entry({ shape: [0], data_offsets: [0, 0] })]),
    );
    expect(Object.keys(await load(fileOf(headerOf(many)))).length).toBe(20_000);
  });

  test('shows only the beginning of a long name', async () => {
    const message = await refusal(
      fileOf(headerOf({ ['n'.repeat(5000)]: entry({ dtype: 'Q'.repeat(5000) }) }), 4),
    );
    expect(message.length).toBeLessThan(500);
  });
});

describe('names that JavaScript treats specially', () => {
  test('are names like any other', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__', ''];
    const tensors = new Map(names.map((name, i) => [name, floats(i)]));
    const metadata = new Map(names.map((name) => [name, 'text']));
    const { tensors: loaded, metadata: read } = await loadWithMetadata(
      serializeSync(tensors, { metadata: Object.fromEntries(metadata) }),
    );
    expect(Object.keys(loaded).sort()).toEqual([...names].sort());
    for (const [i, name] of names.entries()) expect(loaded[name]!.itemSync()).toBe(i);
    expect(Object.keys(read).sort()).toEqual([...names].sort());
    expect(({} as Record<string, unknown>).polluted).toBe(undefined);
    const hostile =
      '{"__metadata__":{"__proto__":"x"},"__proto__":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}';
    const { tensors: own } = await loadWithMetadata(fileOf(hostile, 1));
    expect(Object.getPrototypeOf(own)).toBe(null);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

describe('whatever happens to a file', () => {
  /** Either refuses with a CheckpointError, or gives tensors that are saved and loaded as the same. */
  async function survives(file: Uint8Array): Promise<void> {
    let bytes: Uint8Array;
    try {
      const { tensors, metadata } = await loadWithMetadata(file);
      bytes = serializeSync(tensors, { metadata });
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointError);
      await expect(load(pieces(file, 97))).rejects.toThrow(CheckpointError);
      return;
    }
    const again = await loadWithMetadata(bytes);
    expect(serializeSync(again.tensors, { metadata: again.metadata })).toEqual(bytes);
  }

  const position = fc.nat(reference.byteLength - 1);
  /** The header is where most can go wrong. */
  const inHeader = fc.nat(8 + Number(new DataView(reference.buffer).getBigUint64(0, true)));

  test('bits that flip', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.oneof(position, inHeader), fc.nat(7)), { minLength: 1, maxLength: 4 }),
        async (flips) => {
          const file = reference.slice();
          for (const [at, bit] of flips) file[at]! ^= 1 << bit;
          await survives(file);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('bytes that are overwritten, lost, repeated or put in', async () => {
    await fc.assert(
      fc.asyncProperty(
        inHeader,
        fc.nat(20),
        fc.uint8Array({ maxLength: 20 }),
        fc.boolean(),
        async (at, count, put, fixLength) => {
          const file = new Uint8Array([
            ...reference.subarray(0, at),
            ...put,
            ...reference.subarray(at + count),
          ]);
          if (fixLength && file.byteLength > 8 && at >= 8) {
            const view = new DataView(file.buffer);
            view.setBigUint64(
              0,
              BigInt(Math.max(0, Number(view.getBigUint64(0, true)) + put.byteLength - count)),
              true,
            );
          }
          await survives(file);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('characters of JSON that are exchanged', async () => {
    await fc.assert(
      fc.asyncProperty(
        inHeader,
        fc.constantFrom(...'{}[]:,"0123456789-.eE\\ \ntfn'),
        async (at, character) => {
          const file = reference.slice();
          if (at >= 8) file[at] = character.charCodeAt(0);
          await survives(file);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('headers of any values', async () => {
    const size = fc.oneof(
      fc.nat(4),
      fc.constantFrom(-1, 0.5, 2 ** 31, 2 ** 53, 2 ** 53 - 1, 1e300, null, 'x', true),
    );
    const fields = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom('F32', 'BOOL', 'I64', 'BF16', 'F8_E5M2', 'toString'), fc.anything()),
        shape: fc.oneof(fc.array(size, { maxLength: 10 }), fc.anything()),
        data_offsets: fc.oneof(fc.array(size, { maxLength: 3 }), fc.anything()),
        extra: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('__metadata__', '__proto__')),
      fc.oneof(fields, fc.anything()),
      { maxKeys: 4 },
    );
    await fc.assert(
      fc.asyncProperty(header, fc.nat(40), async (tensors, byteLength) => {
        const text = JSON.stringify(tensors, (_, value: unknown) =>
          typeof value === 'bigint' ? String(value) : value,
        );
        await survives(fileOf(text, byteLength));
      }),
      { numRuns: 300 },
    );
  });

  test('bytes that never were a checkpoint', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.boolean(), async (bytes, plausible) => {
        await survives(plausible ? fileOf(bytes) : bytes);
      }),
      { numRuns: 300 },
    );
  });
});

describe('tensors of any shape and dtype', () => {
  const dtypes = ['F32', 'F16', 'BF16', 'I32', 'I16', 'I8', 'U8', 'F64', 'I64'] as const;
  const bytesOf = { F32: 4, F16: 2, BF16: 2, I32: 4, I16: 2, I8: 1, U8: 1, F64: 8, I64: 8 };

  test('come back as they were, bit for bit', async () => {
    const stored = fc
      .tuple(
        fc.constantFrom(...dtypes),
        fc.array(fc.nat(3), { maxLength: 5 }),
        fc.infiniteStream(fc.nat(255)),
      )
      .map(([dtype, shape, values]) => {
        const byteLength = shape.reduce((count, value) => count * value, bytesOf[dtype]);
        return { dtype, shape, bytes: Uint8Array.from({ length: byteLength }, () => values.next().value) };
      });
    const name = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => text !== '__metadata__');
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, stored), { maxLength: 6, selector: ([key]) => key }),
        fc.integer({ min: 1, max: 50 }),
        async (tensors, length) => {
          let at = 0;
          const members = tensors.map(([key, { dtype, shape, bytes }]) => {
            const start = at;
            at += bytes.byteLength;
            return `${JSON.stringify(key)}:${JSON.stringify({ dtype, shape, data_offsets: [start, at] })}`;
          });
          const data = new Uint8Array(tensors.flatMap(([, { bytes }]) => [...bytes]));
          const file = fileOf(`{${members.join(',')}}`, data);
          const canonical = serializeSync(await load(file));
          expect(serializeSync(await load(pieces(file, length)))).toEqual(canonical);
          expect(serializeSync(await load(canonical))).toEqual(canonical);
          const byName = new Map(tensors);
          const { tensors: loaded } = await loadWithMetadata(canonical);
          expect(Object.keys(loaded).length).toBe(byName.size);
          for (const [key, { bytes, shape }] of byName) {
            const x = loaded[key]!;
            expect(x.shape).toEqual(shape);
            if (bytes.byteLength > 0)
              expect(x.entry.backend.readSync!(x.storage.allocation, 0, bytes.byteLength)).toEqual(bytes);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
