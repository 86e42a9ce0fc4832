import { type FunctionBuilder, Type } from './function.ts';
import { ModuleBuilder } from './module.ts';
import { f32x4, type Opcode } from './opcodes.ts';

/** Whether the host takes a module whose one function applies `code` to three vectors. */
function takes(code: Opcode, operands: number): boolean {
  if (typeof WebAssembly === 'undefined') return false;
  const module = new ModuleBuilder(null);
  module.function(new Array<Type>(operands).fill(Type.v128), [Type.v128], (f: FunctionBuilder) => {
    for (let k = 0; k < operands; k++) f.get(k);
    f.op(code);
  });
  return WebAssembly.validate(module.toBytes());
}

let simd: boolean | null = null;
let relaxed: boolean | null = null;

/** Whether the host has WebAssembly with 128-bit vectors; asked once. */
export const hasSimd = (): boolean => (simd ??= takes(f32x4.add, 2));

/** Whether it has the relaxed operations too, with a fused multiply-add among them; asked once. */
export const hasRelaxedSimd = (): boolean => (relaxed ??= takes(f32x4.relaxedMadd, 3));
