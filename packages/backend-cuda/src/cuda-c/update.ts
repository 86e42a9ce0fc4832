import type { Update } from '@flambeau/core/backend';
import type { KernelSource } from '../launch.ts';
import { deviceFunction, parameterSlots, parameterType } from './body.ts';
import { entrySource } from './entry.ts';
import { Preamble } from './preamble.ts';
import { stored, storedType } from './types.ts';

export const UPDATE_THREADS = 256;

/**
 * An update of `rowCount` rows, a thread for each element; those of a row are whole blocks. The arguments of a row are
 * its operands, how many elements it has, and the block behind its last.
 */
export function updateSource(update: Update, rowCount: number): KernelSource {
  return {
    key: `update ${rowCount} ${update.key}`,
    entry: 'update',
    source: () => sourceOf(update, rowCount),
  };
}

function sourceOf({ operands, locals, written, steps }: Update, rowCount: number): string {
  const preamble = new Preamble();
  const types = operands.map((dtype, k) => `${written.includes(k) ? '' : 'const '}${storedType(dtype)}`);
  const values = [...operands, ...locals];
  const names = values.map((_, k) => `e${k}`);
  const functions = steps.map(({ program }, i) => deviceFunction(preamble, `step${i}`, program));
  const rows = Array.from({ length: rowCount }, (_, r) => r);
  const parameters = [
    ...rows.flatMap((r) => [
      ...types.map((type, k) => `${type}* r${r}_${k}`),
      `long long length${r}`,
      `int end${r}`,
    ]),
    ...parameterSlots(steps.map(({ program }) => program)).map(
      ({ type, name }) => `${parameterType(type)} ${name}`,
    ),
  ];
  const pick = (r: number): string => `{
${operands.map((_, k) => `q${k} = r${r}_${k};`).join(' ')}
length = length${r}; first = ${r === 0 ? '0' : `end${r - 1}`};
}`;
  const index = (): never => {
    throw new RangeError('an update reads an index');
  };
  const body = `const int block = blockIdx.x;
${types.map((type, k) => `${type}* q${k};`).join(' ')}
long long length; int first;
${rows.map((r) => (r + 1 < rowCount ? `if (block < end${r}) ${pick(r)} else ` : pick(r))).join('')}
const long long i = (long long)(block - first) * ${UPDATE_THREADS} + threadIdx.x;
if (i >= length) return;
${operands.map((dtype, k) => `${storedType(dtype)} e${k} = q${k}[i];`).join('\n')}
${locals.map((dtype, k) => `${storedType(dtype)} e${operands.length + k} = 0;`).join('\n')}
${steps
  .map(
    ({ target }, i) => `e${target} = ${stored(preamble, values[target]!, functions[i]!.call(names, index))};`,
  )
  .join('\n')}
${written.map((k) => `q${k}[i] = e${k};`).join('\n')}`;
  const before = [preamble.text, ...functions.map(({ text }) => text)].join('\n');
  return entrySource('update', parameters, body, before, UPDATE_THREADS);
}
