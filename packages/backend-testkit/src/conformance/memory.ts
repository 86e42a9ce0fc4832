import { type Bench, onBench } from './bench.ts';
import { type ConformanceCase, type ConformanceContext, ensure } from './case.ts';
import { compareValues } from './compare.ts';
import { Random } from './random.ts';

const LENGTHS = [1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 31, 33, 64, 100, 255, 1000, 1027] as const;
const OFFSETS = [0, 1, 2, 3, 4, 5, 8, 13, 16, 30] as const;

const randomBytes = (random: Random, byteLength: number): Uint8Array =>
  Uint8Array.from({ length: byteLength }, () => random.integer(0, 255));

/** A case that has a bench and a generator of its own. */
export const benchCase = (
  name: string,
  body: (bench: Bench, random: Random, context: ConformanceContext) => Promise<void>,
  inapplicable?: ConformanceCase['inapplicable'],
): ConformanceCase => ({
  name,
  run: (context) => onBench(context.backend, (bench) => body(bench, Random.of(name), context)),
  ...(inapplicable === undefined ? {} : { inapplicable }),
});

export const memoryCases: readonly ConformanceCase[] = [
  benchCase('memory: the backend says what it is', async ({ backend }) => {
    ensure(backend.apiVersion === 1, `apiVersion is ${backend.apiVersion}, and must be 1`);
    ensure(backend.device.length > 0 && backend.name.length > 0, 'device and name must not be empty');
    const { dtypes, maxByteLength, synchronousReads } = backend.limits;
    for (const dtype of ['float32', 'int32', 'bool'] as const)
      ensure(dtypes.includes(dtype), `every backend has ${dtype}`);
    ensure(maxByteLength >= 2 ** 24, `maxByteLength is ${maxByteLength}; at least 16 MiB are needed`);
    ensure(
      synchronousReads === (backend.readSync !== undefined),
      'limits.synchronousReads must say whether readSync is there',
    );
    ensure(backend.lost instanceof Promise, 'lost must be a promise');
  }),

  benchCase('memory: an allocation has the length that was asked for', async (bench) => {
    for (const byteLength of [16, 32, 48, 1024, 2 ** 20]) {
      const allocation = bench.allocate(byteLength);
      ensure(allocation.byteLength === byteLength, `allocate(${byteLength}) gave ${allocation.byteLength}`);
    }
  }),

  benchCase('memory: bytes of any length are written and read at any offset', async (bench, random) => {
    for (const byteLength of LENGTHS) {
      for (const offset of OFFSETS) {
        const whole = randomBytes(random, 1088);
        const part = randomBytes(random, byteLength);
        const target = bench.allocate(whole.byteLength);
        bench.backend.write(target, 0, whole);
        bench.backend.write(target, offset, part);
        whole.set(part, offset);
        const what = `${byteLength} bytes at ${offset}`;
        compareValues(what, await bench.backend.read(target, offset, byteLength), part);
        compareValues(
          `${what}, and around them`,
          await bench.backend.read(target, 0, whole.byteLength),
          whole,
        );
        bench.free(target);
      }
    }
  }),

  benchCase('memory: bytes of any length are copied from any offset to any other', async (bench, random) => {
    const source = randomBytes(random, 1088);
    const from = bench.allocate(source.byteLength);
    bench.backend.write(from, 0, source);
    for (const byteLength of LENGTHS) {
      for (let round = 0; round < 4; round++) {
        const [sourceOffset, targetOffset] = [random.pick(OFFSETS), random.pick(OFFSETS)];
        const whole = randomBytes(random, 1088);
        const target = bench.allocate(whole.byteLength);
        bench.backend.write(target, 0, whole);
        bench.backend.copy(from, sourceOffset, target, targetOffset, byteLength);
        whole.set(source.subarray(sourceOffset, sourceOffset + byteLength), targetOffset);
        const what = `${byteLength} bytes from ${sourceOffset} to ${targetOffset}`;
        compareValues(what, await bench.backend.read(target, 0, whole.byteLength), whole);
        bench.free(target);
      }
    }
  }),

  benchCase('memory: parts of one allocation are copied within it', async (bench, random) => {
    const bytes = randomBytes(random, 256);
    const memory = bench.allocate(bytes.byteLength);
    bench.backend.write(memory, 0, bytes);
    bench.backend.copy(memory, 3, memory, 130, 61);
    bytes.copyWithin(130, 3, 64);
    compareValues('copied within', await bench.backend.read(memory, 0, bytes.byteLength), bytes);
  }),

  benchCase('memory: what is written later does not change what write was given', async (bench) => {
    const bytes = new Uint8Array(16).fill(1);
    const memory = bench.allocate(16);
    bench.backend.write(memory, 0, bytes);
    bytes.fill(2);
    compareValues(
      'the bytes at the call',
      await bench.backend.read(memory, 0, 16),
      new Uint8Array(16).fill(1),
    );
  }),

  benchCase('memory: write takes a part of a larger buffer', async (bench, random) => {
    const bytes = randomBytes(random, 64);
    const memory = bench.allocate(32);
    bench.backend.write(memory, 0, bytes.subarray(7, 39));
    compareValues('the part', await bench.backend.read(memory, 0, 32), bytes.subarray(7, 39));
  }),

  benchCase('memory: allocations do not share memory', async (bench) => {
    const all = Array.from({ length: 200 }, (_, i) => {
      const memory = bench.allocate(16 * (1 + (i % 5)));
      bench.backend.write(memory, 0, new Uint8Array(memory.byteLength).fill(i));
      return memory;
    });
    for (const [i, memory] of all.entries()) {
      const bytes = await bench.backend.read(memory, 0, memory.byteLength);
      compareValues(`allocation ${i}`, bytes, new Uint8Array(memory.byteLength).fill(i));
    }
  }),

  benchCase('memory: a large allocation keeps all of its bytes', async (bench, random) => {
    const byteLength = 2 ** 23;
    const words = new Uint32Array(byteLength / 4);
    for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2654435761) ^ random.integer(0, 255);
    const memory = bench.allocate(byteLength);
    bench.backend.write(memory, 0, new Uint8Array(words.buffer));
    const back = new Uint32Array((await bench.backend.read(memory, 0, byteLength)).slice().buffer);
    ensure(
      back.length === words.length && back.every((word, i) => word === words[i]),
      'bytes of 8 MiB changed',
    );
  }),

  benchCase(
    'memory: readSync gives what read gives',
    async (bench, random) => {
      const bytes = randomBytes(random, 100);
      const memory = bench.allocate(112);
      bench.backend.write(memory, 0, bytes);
      for (const [offset, byteLength] of [
        [0, 100],
        [3, 17],
        [99, 1],
      ] as const) {
        const expected = bytes.subarray(offset, offset + byteLength);
        compareValues('readSync', bench.backend.readSync!(memory, offset, byteLength), expected);
        compareValues('read', await bench.backend.read(memory, offset, byteLength), expected);
      }
    },
    ({ backend }) => (backend.readSync === undefined ? 'it reads asynchronously only' : undefined),
  ),

  benchCase('memory: freed memory is used again without a trace', async (bench) => {
    for (let round = 0; round < 50; round++) {
      const memory = bench.allocate(2 ** 16);
      bench.backend.write(memory, 0, new Uint8Array(2 ** 16).fill(round));
      const last = await bench.backend.read(memory, 2 ** 16 - 4, 4);
      compareValues(`round ${round}`, last, new Uint8Array(4).fill(round));
      bench.free(memory);
    }
  }),
];
