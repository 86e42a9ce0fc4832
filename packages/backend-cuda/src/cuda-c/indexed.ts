import { byteLengthOf, type DType, type ScatterMode } from '@flambeau/core/backend';
import { faultCode } from '../fault.ts';
import type { KernelSource } from '../launch.ts';
import { accumulatorType, combineSource } from './combine.ts';
import { entrySource } from './entry.ts';
import { indexType, NestSource } from './nest.ts';
import { type HelperName, Preamble } from './preamble.ts';
import { loaded, stored, storedType } from './types.ts';

export type IndexDType = 'int32' | 'int64';

/** Elements that only move are moved as unsigned integers of their size. */
const MOVED: Readonly<Record<number, string>> = {
  1: 'unsigned char',
  2: 'unsigned short',
  4: 'unsigned',
  8: 'unsigned long long',
};

/** `output[…, i] = input[…, index[…, i]]`, a thread for each element. */
export function gatherSource(bytes: number, index: IndexDType, rank: number, wide: boolean): KernelSource {
  return {
    key: `gather ${bytes} ${index} ${rank} ${wide}`,
    entry: 'gather',
    source: () => {
      const preamble = new Preamble();
      const nest = new NestSource('', rank, ['y', 'x', 'q'], { wide });
      const type = indexType({ wide });
      const parameters = [
        `${MOVED[bytes]}* y`,
        `const ${MOVED[bytes]}* x`,
        `const ${storedType(index)}* q`,
        'int* fault',
        `${type} count`,
        `${type} length`,
        `${type} along`,
        ...nest.parameters,
      ];
      const body = `const ${type} i = (${type})blockIdx.x * blockDim.x + threadIdx.x;
if (i >= count) return;
${nest.decode('i')}
const ${storedType(index)} place = q[${nest.offset('q')}];
const bool good = place >= 0 && place < length;
if (!good) ${preamble.call('raise', 'fault', String(faultCode('gather')), 'place', 'length')};
y[${nest.offset('y')}] = good ? x[(${type})place * along + ${nest.offset('x')}] : 0;`;
      return entrySource('gather', parameters, body, preamble.text, 256);
    },
  };
}

const COMBINERS = { add: 'sum', mul: 'prod', max: 'max', min: 'min' } as const;

/**
 * `output[…, index[…, i]] = combine(that, source[…, i])`, a thread for each element of the source. Repeated indices
 * meet in atomic operations: the device's own where it has them, else compare-and-swap on the word around.
 */
export function scatterSource(
  mode: ScatterMode,
  dtype: DType,
  index: IndexDType,
  rank: number,
  wide: boolean,
): KernelSource {
  const element = mode === 'assign' ? `${byteLengthOf(dtype)}` : dtype;
  return {
    key: `scatter ${mode} ${element} ${index} ${rank} ${wide}`,
    entry: 'scatter',
    source: () => {
      const preamble = new Preamble();
      const nest = new NestSource('', rank, ['y', 'x', 'q'], { wide });
      const type = indexType({ wide });
      const cell = mode === 'assign' ? MOVED[byteLengthOf(dtype)]! : storedType(dtype);
      const parameters = [
        `${cell}* y`,
        `const ${cell}* x`,
        `const ${storedType(index)}* q`,
        'int* fault',
        `${type} count`,
        `${type} length`,
        `${type} along`,
        ...nest.parameters,
      ];
      const body = `const ${type} i = (${type})blockIdx.x * blockDim.x + threadIdx.x;
if (i >= count) return;
${nest.decode('i')}
const ${storedType(index)} place = q[${nest.offset('q')}];
if (place < 0 || place >= length) { ${preamble.call('raise', 'fault', String(faultCode('scatter')), 'place', 'length')}; return; }
${cell}* const target = y + ((${type})place * along + ${nest.offset('y')});
const ${cell} given = x[${nest.offset('x')}];
${updateSource(preamble, mode, dtype)}`;
      return entrySource('scatter', parameters, body, preamble.text, 256);
    },
  };
}

const UPDATES: Readonly<Record<number, HelperName>> = {
  1: 'updateByte',
  2: 'updateShort',
  4: 'updateWord',
  8: 'updateLong',
};

function updateSource(preamble: Preamble, mode: ScatterMode, dtype: DType): string {
  const bytes = byteLengthOf(dtype);
  const bits = MOVED[bytes]!;
  if (mode === 'assign') {
    if (bytes >= 4) return `atomicExch(target, given);`;
    preamble.use(UPDATES[bytes]!);
    return `${UPDATES[bytes]}(target, [=](${bits}) { return given; });`;
  }
  if (mode === 'add') {
    if (dtype === 'float32' || dtype === 'float64' || dtype === 'int32') return 'atomicAdd(target, given);';
    if (dtype === 'int64') return 'atomicAdd((unsigned long long*)target, (unsigned long long)given);';
  }
  if ((mode === 'max' || mode === 'min') && (dtype === 'int32' || dtype === 'int64'))
    return `atomic${mode === 'max' ? 'Max' : 'Min'}(target, given);`;
  const fromBits = (value: string): string => {
    if (dtype === 'float32') return `__uint_as_float(${value})`;
    if (dtype === 'float64') return `__longlong_as_double((long long)${value})`;
    return loaded(preamble, dtype, `(${storedType(dtype)})${value}`);
  };
  const toBits = (value: string): string => {
    if (dtype === 'float32') return `__float_as_uint(${value})`;
    if (dtype === 'float64') return `(unsigned long long)__double_as_longlong(${value})`;
    return `(${bits})${stored(preamble, dtype, value)}`;
  };
  const type = accumulatorType(dtype);
  const combined = combineSource(preamble, COMBINERS[mode], dtype, 'a', 'b');
  preamble.use(UPDATES[bytes]!);
  return `const ${type} b = ${loaded(preamble, dtype, 'given')};
${UPDATES[bytes]}((${bits}*)target, [=](${bits} seen) { const ${type} a = ${fromBits('seen')}; return ${toBits(combined)}; });`;
}
