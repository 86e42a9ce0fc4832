import type { Program } from '@flambeau/core/backend';
import type { KernelSource } from '../launch.ts';
import { deviceFunction, faults, parameterSlots, parameterType } from './body.ts';
import { entrySource } from './entry.ts';
import { indexType, NestSource } from './nest.ts';
import { Preamble } from './preamble.ts';
import { stored, storedType } from './types.ts';

export interface PointwiseVariant {
  readonly rank: number;
  readonly wide: boolean;
  /** Elements for one thread; 1 where operands have strides of their own. */
  readonly vector: number;
  /** Bit k is set where input k is one element along the innermost dimension. Only with vectors. */
  readonly repeated: number;
}

/**
 * `output[i] = program(inputs[i]…)`, one thread for an element, or for a vector of neighbours that one load takes. Of
 * a single dimension the last vector may be cut; of more, vectors divide the innermost.
 */
export function pointwiseSource(program: Program, variant: PointwiseVariant): KernelSource {
  const { rank, wide, vector, repeated } = variant;
  return {
    key: `pointwise ${rank} ${wide} ${vector} ${repeated} ${program.key}`,
    entry: 'pointwise',
    source: () => sourceOf(program, variant),
  };
}

function sourceOf(program: Program, variant: PointwiseVariant): string {
  const preamble = new Preamble();
  const names = program.inputs.map((_, k) => `x${k}`);
  const nest = new NestSource('', variant.rank, ['y', ...names], variant);
  const index = indexType(variant);
  const f = deviceFunction(preamble, 'program', program);
  const parameters = [
    `${storedType(program.output)}* y`,
    ...program.inputs.map((dtype, k) => `const ${storedType(dtype)}* x${k}`),
    ...(faults(program) ? ['int* fault'] : []),
    `${index} count`,
    ...nest.parameters,
    ...parameterSlots([program]).map(({ type, name }) => `${parameterType(type)} ${name}`),
  ];
  const store = (inputs: readonly string[], indexOf: (dim: number) => string): string =>
    stored(preamble, program.output, f.call(inputs, indexOf));
  const thread = `const ${index} i = (${index})blockIdx.x * blockDim.x + threadIdx.x;`;
  const body =
    variant.vector === 1
      ? `${thread}
if (i >= count) return;
${nest.decode('i')}
${program.inputs.map((dtype, k) => `const ${storedType(dtype)} e${k} = x${k}[${nest.offset(`x${k}`)}];`).join('\n')}
y[${nest.offset('y')}] = ${store(
          names.map((_, k) => `e${k}`),
          (dim) => nest.index(dim),
        )};`
      : `${thread}\n${vectorBody(program, variant, nest, store)}`;
  const types =
    variant.vector === 1 ? '' : 'template <class T, int N> struct alignas(sizeof(T) * N) Vector { T v[N]; };';
  return entrySource('pointwise', parameters, body, [types, preamble.text, f.text].join('\n'), 256);
}

function vectorBody(
  program: Program,
  { vector, repeated, rank }: PointwiseVariant,
  nest: NestSource,
  store: (inputs: readonly string[], indexOf: (dim: number) => string) => string,
): string {
  const isRepeated = (k: number): boolean => ((repeated >> k) & 1) === 1;
  const type = (k: number): string => storedType(program.inputs[k]!);
  const offsets = program.inputs.map(
    (_, k) => `const ${type(k)}* const q${k} = x${k} + (${nest.offset(`x${k}`)});`,
  );
  const loads = program.inputs.map((_, k) =>
    isRepeated(k)
      ? `const ${type(k)} e${k} = *q${k};`
      : `const Vector<${type(k)}, ${vector}> w${k} = *(const Vector<${type(k)}, ${vector}>*)q${k};`,
  );
  const element = (k: number, at: string): string => (isRepeated(k) ? `e${k}` : `w${k}.v[${at}]`);
  const output = storedType(program.output);
  const whole = `${loads.join('\n')}
Vector<${output}, ${vector}> out;
#pragma unroll
for (int u = 0; u < ${vector}; u++) out.v[u] = ${store(
    program.inputs.map((_, k) => element(k, 'u')),
    () => `i * ${vector} + u`,
  )};
*(Vector<${output}, ${vector}>*)q = out;`;
  const target = `${output}* const q = y + (${nest.offset('y')});`;
  if (rank > 1) {
    return `if (i * ${vector} >= count) return;
${nest.decode('i')}
${target}
${offsets.join('\n')}
${whole}`;
  }
  const rest = `for (int u = 0; u < count - i * ${vector}; u++) q[u] = ${store(
    program.inputs.map((_, k) => (isRepeated(k) ? `*q${k}` : `q${k}[u]`)),
    () => `i * ${vector} + u`,
  )};`;
  return `if (i * ${vector} >= count) return;
${nest.decode('i')}
${target}
${offsets.join('\n')}
if ((i + 1) * ${vector} <= count) {
${whole}
} else {
${rest}
}`;
}
