import type { MatmulSize, Operand } from '@flambeau/core/backend';

/** `output = a b + bias`, with strides for `[...batch, m, n]`, `[...batch, m, k]`, `[...batch, k, n]`, `[m, n]`. */
export interface Product {
  readonly size: MatmulSize;
  readonly output: Operand;
  readonly a: Operand;
  readonly b: Operand;
  readonly bias?: Operand | undefined;
}

/** The operand with its last two dimensions exchanged. */
function transposed(operand: Operand): Operand {
  const { strides } = operand;
  const rank = strides.length - 2;
  return { ...operand, strides: [...strides.slice(0, rank), strides[rank + 1]!, strides[rank]!] };
}

/** The product of the transposes, the other way round. */
export const turned = ({ size, output, a, b, bias }: Product): Product => ({
  size: { ...size, m: size.n, n: size.m },
  output: transposed(output),
  a: transposed(b),
  b: transposed(a),
  bias: bias && transposed(bias),
});
