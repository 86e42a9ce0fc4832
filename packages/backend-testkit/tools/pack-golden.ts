/**
 * Packs a folder of reference cases into one compressed file: `pack-golden.ts FOLDER OUT`. The same folder gives the same
 * bytes.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { packFiles } from '../src/golden/archive.ts';

const [folder, out] = process.argv.slice(2);
if (folder === undefined || out === undefined) throw new Error('usage: pack-golden.ts FOLDER OUT');

const files = new Map<string, string>();
for (const name of readdirSync(folder).sort()) {
  if (name.endsWith('.json'))
    files.set(name.slice(0, -'.json'.length), readFileSync(join(folder, name), 'utf8').trim());
}
const text = packFiles(files);
const packed = brotliCompressSync(text, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
  },
});
writeFileSync(out, packed);
console.log(`${out}: ${files.size} files, ${text.length} characters in ${packed.length} bytes`);
