import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { cpu } from '@flambeau/backend-cpu';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as browser from '../../src/host/browser.ts';
import * as node from '../../src/host/node.ts';
import {
  CheckpointError,
  load,
  loadWithMetadata,
  registerBackend,
  save,
  saveSync,
  serializeSync,
  tensor,
} from '../../src/index.ts';
import { floats, pieces } from './raw.ts';

const onCpu = cpu();
registerBackend(onCpu);
/** The CPU as a device that cannot be read at once. */
const { readSync: _, ...asynchronous } = onCpu;
registerBackend({ ...asynchronous, device: 'remote', limits: { ...onCpu.limits, synchronousReads: false } });
const REMOTE = 'remote' as 'cpu';

let folder: string;
const path = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flambeau-checkpoint-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('a file', () => {
  test('is saved and loaded by path and by URL', async () => {
    const state = { w: floats(1, 2), b: floats(3) };
    await save(path('a.safetensors'), state, { metadata: { epoch: '3' } });
    saveSync(pathToFileURL(path('b c.safetensors')), state, { metadata: { epoch: '3' } });
    expect(readFileSync(path('a.safetensors'))).toEqual(readFileSync(path('b c.safetensors')));
    expect(readdirSync(folder)).toEqual(['a.safetensors', 'b c.safetensors']);
    for (const source of [path('a.safetensors'), pathToFileURL(path('b c.safetensors'))]) {
      const { tensors, metadata } = await loadWithMetadata(source);
      expect([tensors.w!.toArraySync(), tensors.b!.toArraySync(), metadata.epoch]).toEqual([
        [1, 2],
        [3],
        '3',
      ]);
    }
  });

  test("goes through Node's own streams", async () => {
    const bytes = serializeSync({ w: floats(1, 2) });
    expect((await load(Readable.from(pieces(bytes, 7)))).w!.toArraySync()).toEqual([1, 2]);
    const chunks: Buffer[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    await save(Writable.toWeb(stream), { w: floats(1, 2) });
    expect(new Uint8Array(Buffer.concat(chunks))).toEqual(bytes);
    expect(stream.writableFinished).toBe(true);
  });

  test('is refused with its name when it is damaged', async () => {
    writeFileSync(path('x'), serializeSync({ w: floats(1) }).subarray(0, -1));
    await expect(load(path('x'))).rejects.toThrow(`load: ${path('x')}: it is cut off: `);
    writeFileSync(path('empty'), '');
    await expect(load(path('empty'))).rejects.toThrow('it has 0 bytes');
  });

  test('that cannot be read is named with the reason', async () => {
    const error = await load(path('none')).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error).toMatchObject({
      op: 'load',
      message: expect.stringContaining('ENOENT'),
      data: { path: path('none') },
    });
    await expect(load(folder)).rejects.toThrow(`load: ${folder} is no regular file`);
    await expect(load(new URL('https://example.org/x'))).rejects.toThrow(CheckpointError);
    await expect(load('a\0b')).rejects.toThrow(CheckpointError);
  });
});

describe.each([
  ['save', save],
  ['saveSync', async (...args: Parameters<typeof saveSync>) => saveSync(...args)],
] as const)('%s', (op, write) => {
  test('replaces a file in one step, keeps its permissions, and follows links', async () => {
    writeFileSync(path('old'), 'old');
    chmodSync(path('old'), 0o640);
    symlinkSync(path('old'), path('link'));
    await write(path('link'), { w: floats(1) });
    expect(readFileSync(path('old'))).toEqual(Buffer.from(serializeSync({ w: floats(1) })));
    expect(statSync(path('old')).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).sort()).toEqual(['link', 'old']);
  });

  test('leaves the old file and nothing else when it fails half way', async () => {
    writeFileSync(path('old'), 'old');
    const failing = floats(1, 2);
    vi.spyOn(onCpu, 'read').mockRejectedValue(new CheckpointError('the device was lost'));
    vi.spyOn(onCpu, 'readSync').mockImplementation(() => {
      throw new CheckpointError('the device was lost');
    });
    await expect(write(path('old'), { w: failing })).rejects.toThrow('the device was lost');
    expect(readFileSync(path('old'), 'utf8')).toBe('old');
    await expect(write(path('new'), { w: failing })).rejects.toThrow('the device was lost');
    expect(readdirSync(folder)).toEqual(['old']);
  });

  test('names what cannot be written', async () => {
    await expect(write(path('no/where'), {})).rejects.toThrow(new RegExp(`^${op}: .*no.where: ENOENT`));
    mkdirSync(path('folder'));
    await expect(write(path('folder'), {})).rejects.toThrow(`${op}: ${path('folder')} is no regular file`);
    await expect(write(new URL('https://example.org/x'), {})).rejects.toThrow(CheckpointError);
    await expect(write(5 as never, {})).rejects.toThrow(`${op}: the target must be a path, a file URL`);
    expect(existsSync(path('no'))).toBe(false);
  });

  test('takes names of the greatest length', async () => {
    const name = 'é'.repeat(127);
    await write(path(name), {});
    expect(existsSync(path(name))).toBe(true);
  });

  test.each<[what: string, state: unknown, message: string]>([
    ['a single tensor', 'tensor', 'the tensors come by name, as { weight: tensor } or a Map, got a tensor'],
    ['a list', [], 'the tensors come by name'],
    ['a number', { lr: 0.1 }, '"lr" must be a tensor, got 0.1'],
    [
      'the name of the metadata',
      { __metadata__: 'tensor' },
      'no tensor can be called __metadata__; give strings as { metadata }',
    ],
    ['half of a surrogate pair', { 'a\ud800': 'tensor' }, 'a name, "a\\ud800", is no valid Unicode'],
  ])('refuses %s', async (_, state, message) => {
    const filled =
      state === 'tensor'
        ? floats(1)
        : Array.isArray(state)
          ? state
          : Object.fromEntries(
              Object.entries(state as object).map(([name, value]) => [
                name,
                value === 'tensor' ? floats(1) : value,
              ]),
            );
    await expect(write(path('x'), filled as never)).rejects.toThrow(`${op}: ${message}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('refuses metadata that are no strings, and unknown options', async () => {
    await expect(write(path('x'), {}, { metadata: { epoch: 3 } as never })).rejects.toThrow(
      `${op}: metadata "epoch" must be a string, got 3`,
    );
    await expect(write(path('x'), {}, { metadata: { epoch: '\udfff' } })).rejects.toThrow(CheckpointError);
    await expect(write(path('x'), {}, { meta: {} } as never)).rejects.toThrow(
      `${op}: unknown option meta; known options: metadata`,
    );
  });

  test('refuses a tensor that was disposed', async () => {
    const w = floats(1);
    w.dispose();
    await expect(write(path('x'), { w })).rejects.toThrow(`${op}: tensor "w" was disposed`);
  });
});

describe('save', () => {
  test('flushes the file and its folder before and after it takes the name', async () => {
    const handle = await open(path('probe'), 'w');
    const sync = vi.spyOn(Object.getPrototypeOf(handle) as typeof handle, 'sync');
    await handle.close();
    await save(path('x'), { w: floats(1) });
    expect(sync).toHaveBeenCalledTimes(2);
  });

  test('refuses tensors that change while it waits, and keeps the old file', async () => {
    writeFileSync(path('old'), 'old');
    const w = floats(1, 2);
    const saving = save(path('old'), { w });
    w.add_(1);
    await expect(saving).rejects.toThrow(
      'save: tensor "w" was changed in place by add_ before it was saved; await save before the next step, or save clones',
    );
    expect(readFileSync(path('old'), 'utf8')).toBe('old');
    const gone = save(path('old'), { w });
    w.dispose();
    await expect(gone).rejects.toThrow('save: tensor "w" was disposed before it was saved');
  });

  test('of many at once to one name leaves one of them whole', async () => {
    await Promise.all(Array.from({ length: 8 }, (_, i) => save(path('x'), { w: floats(i, i, i) })));
    const values = (await load(path('x'))).w!.toArraySync() as number[];
    expect(new Set(values).size).toBe(1);
    expect(readdirSync(folder)).toEqual(['x']);
  });

  test('gives a failing stream the reason and names it', async () => {
    let reason: unknown;
    const failing = new WritableStream<Uint8Array>({
      write() {
        throw new TypeError('disk full');
      },
    });
    await expect(save(failing, { w: floats(1) })).rejects.toThrow('save: the stream failed: disk full');
    const aborted = new WritableStream<Uint8Array>({
      abort(why) {
        reason = why;
      },
    });
    vi.spyOn(onCpu, 'read').mockRejectedValue(new CheckpointError('the device was lost'));
    await expect(save(aborted, { w: floats(1) })).rejects.toThrow('the device was lost');
    expect(reason).toBeInstanceOf(CheckpointError);
    await expect(save(aborted, {})).rejects.toThrow(CheckpointError);
  });

  test('of a device that is read asynchronously only; saveSync says so', async () => {
    const w = tensor([1, 2], { device: REMOTE });
    await save(path('x'), { w });
    expect((await load(path('x'))).w!.toArraySync()).toEqual([1, 2]);
    expect(() => saveSync(path('y'), { w })).toThrow(
      'saveSync: remote cannot be read synchronously; write await save(…)',
    );
    expect(readdirSync(folder)).toEqual(['x']);
  });
});

describe('without a file system', () => {
  test('every file is refused with what to use', async () => {
    const chunks = (async function* () {})();
    await expect(browser.files.open('load', 'x')).rejects.toThrow(
      'load: there is no file system here; give the bytes, a Blob or a stream: (await fetch(url)).body',
    );
    await expect(browser.files.writeAtomically('save', 'x', chunks)).rejects.toThrow(
      'save: there is no file system here; use await serialize(stateDict) for the bytes, or give a WritableStream: await handle.createWritable()',
    );
    expect(() => browser.files.writeAtomicallySync('saveSync', 'x', [])).toThrow(
      'saveSync: there is no file system here; use serializeSync(stateDict) for the bytes',
    );
  });

  test('both hosts offer the same', () => {
    expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
    expect(Object.keys(browser.files).sort()).toEqual(Object.keys(node.files).sort());
    expect(browser.inspectSymbol).toBe(node.inspectSymbol);
  });
});
