/**
 * Functions of CUDA C that generated kernels call. A kernel carries only those that it names, as a compiler's time
 * goes with the length of its text. They include nothing: NVRTC has no headers beside it on many machines.
 */

interface Helper {
  readonly needs?: readonly HelperName[];
  readonly text: string;
}

const D = 'static __device__ __forceinline__';

/** What is the same for floats and doubles but for the names of functions. */
const floating = (T: string, f: string, suffix: string): Record<string, Helper> => ({
  [`min${suffix}`]: {
    text: `${D} ${T} min${suffix}(${T} a, ${T} b) { return a != a ? a : b != b ? b : b < a ? b : a; }`,
  },
  [`max${suffix}`]: {
    text: `${D} ${T} max${suffix}(${T} a, ${T} b) { return a != a ? a : b != b ? b : b > a ? b : a; }`,
  },
  [`pow${suffix}`]: {
    text: `${D} ${T} pow${suffix}(${T} a, ${T} b) { return b == 2 ? a * a : pow${f}(a, b); }`,
  },
  [`floorDiv${suffix}`]: {
    text: `${D} ${T} floorDiv${suffix}(${T} a, ${T} b) {
  if (b == 0) return a / b;
  ${T} rest = fmod${f}(a, b), q = (a - rest) / b;
  if (rest != 0 && (b < 0) != (rest < 0)) q -= 1;
  if (q == 0) return copysign${f}((${T})0, a / b);
  ${T} down = floor${f}(q);
  return q - down > (${T})0.5 ? down + 1 : down;
}`,
  },
  [`mod${suffix}`]: {
    text: `${D} ${T} mod${suffix}(${T} a, ${T} b) {
  ${T} rest = fmod${f}(a, b);
  return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
}`,
  },
  [`toInt64${suffix}`]: {
    text: `${D} long long toInt64${suffix}(${T} x) {
  return fabs${f}(x) < (${T})9223372036854775808.0 ? (long long)x : -9223372036854775807LL - 1;
}`,
  },
  [`toInt32${suffix}`]: {
    needs: [`toInt64${suffix}` as HelperName],
    text: `${D} int toInt32${suffix}(${T} x) { return fabs${f}(x) < (${T})2147483648.0 ? (int)x : (int)toInt64${suffix}(x); }`,
  },
  [`logAddExp${suffix}`]: {
    text: `${D} ${T} logAddExp${suffix}(${T} a, ${T} b) {
  if (a != a) return a;
  if (b != b) return b;
  if (a == b) return a + (${T})0.69314718055994530942;
  ${T} larger = a > b ? a : b;
  return larger + log1p${f}(exp${f}(-fabs${f}(a - b)));
}`,
  },
});

/** Integer functions: `U` is the unsigned type of the same width, in which arithmetic wraps. */
const integral = (T: string, U: string, suffix: string, bits: number): Record<string, Helper> => ({
  [`truncDiv${suffix}`]: {
    needs: ['raise'],
    text: `${D} ${T} truncDiv${suffix}(${T} a, ${T} b, int* fault, int op) {
  if (b == 0) { raise(fault, op, 0, 0); return 0; }
  return b == -1 ? (${T})(0 - (${U})a) : a / b;
}`,
  },
  [`floorDiv${suffix}`]: {
    needs: ['raise'],
    text: `${D} ${T} floorDiv${suffix}(${T} a, ${T} b, int* fault, int op) {
  if (b == 0) { raise(fault, op, 0, 0); return 0; }
  if (b == -1) return (${T})(0 - (${U})a);
  ${T} q = a / b;
  return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}`,
  },
  [`rem${suffix}`]: {
    needs: ['raise'],
    text: `${D} ${T} rem${suffix}(${T} a, ${T} b, int* fault, int op) {
  if (b == 0) { raise(fault, op, 0, 0); return 0; }
  return b == -1 ? 0 : a % b;
}`,
  },
  [`mod${suffix}`]: {
    needs: [`rem${suffix}` as HelperName],
    text: `${D} ${T} mod${suffix}(${T} a, ${T} b, int* fault, int op) {
  ${T} rest = rem${suffix}(a, b, fault, op);
  return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
}`,
  },
  [`pow${suffix}`]: {
    text: `${D} ${T} pow${suffix}(${T} base, ${T} exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? ((exponent & 1) == 0 ? 1 : -1) : 0;
  ${U} result = 1, factor = (${U})base;
  for (${T} rest = exponent; rest > 0; rest >>= 1) {
    if (rest & 1) result *= factor;
    factor *= factor;
  }
  return (${T})result;
}`,
  },
  [`shiftLeft${suffix}`]: {
    text: `${D} ${T} shiftLeft${suffix}(${T} a, ${T} bits) { return bits >= 0 && bits < ${bits} ? (${T})((${U})a << (int)bits) : 0; }`,
  },
  [`shiftRight${suffix}`]: {
    text: `${D} ${T} shiftRight${suffix}(${T} a, ${T} bits) { return a >> (bits >= 0 && bits < ${bits} ? (int)bits : ${bits - 1}); }`,
  },
});

/**
 * Changes a number narrower than 32 bits by compare-and-swap on the word around it. `at` counts bytes, and a number
 * never crosses a word.
 */
const narrowUpdate = (T: string, suffix: string, mask: string): Helper => ({
  text: `template <class F> static __device__ __forceinline__ void update${suffix}(${T}* target, F f) {
  unsigned long long address = (unsigned long long)target;
  unsigned* word = (unsigned*)(address & ~3ULL);
  unsigned shift = (unsigned)(address & 3) * 8u;
  unsigned seen = *(volatile unsigned*)word, assumed;
  do {
    assumed = seen;
    ${T} next = f((${T})(assumed >> shift));
    unsigned changed = (assumed & ~(${mask} << shift)) | (((unsigned)next & ${mask}) << shift);
    seen = atomicCAS(word, assumed, changed);
  } while (seen != assumed);
}`,
});

const wideUpdate = (T: string, suffix: string): Helper => ({
  text: `template <class F> static __device__ __forceinline__ void update${suffix}(${T}* target, F f) {
  ${T} seen = *(volatile ${T}*)target, assumed;
  do {
    assumed = seen;
    seen = atomicCAS(target, assumed, f(assumed));
  } while (seen != assumed);
}`,
});

const HALVES: Record<string, Helper> = {
  halfToFloat: {
    text: `#ifdef __CUDACC__
${D} float halfToFloat(unsigned short h) { float f; asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h)); return f; }
#else
${D} float halfToFloat(unsigned short h) {
  unsigned sign = (unsigned)(h & 0x8000) << 16, e = (h >> 10) & 31, f = h & 1023;
  if (e == 31) return __uint_as_float(sign | 0x7f800000u | (f << 13));
  if (e == 0) return (float)f * (sign ? -5.9604644775390625e-8f : 5.9604644775390625e-8f);
  return __uint_as_float(sign | ((e + 112) << 23) | (f << 13));
}
#endif`,
  },
  floatToHalf: {
    text: `#ifdef __CUDACC__
${D} unsigned short floatToHalf(float f) { unsigned short h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f)); return h; }
#else
${D} unsigned short floatToHalf(float f) {
  unsigned bits = __float_as_uint(f), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (unsigned short)(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return (unsigned short)(sign | 0x7c00u);
  if (magnitude >= 0x38800000u) return (unsigned short)(sign | ((magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13));
  return (unsigned short)(sign | (__float_as_uint(__uint_as_float(magnitude) + 0.5f) - 0x3f000000u));
}
#endif`,
  },
  bfloatToFloat: {
    text: `${D} float bfloatToFloat(unsigned short b) { return __uint_as_float((unsigned)b << 16); }`,
  },
  floatToBfloat: {
    text: `${D} unsigned short floatToBfloat(float f) {
  unsigned bits = __float_as_uint(f);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (unsigned short)(((bits >> 16) & 0x8000u) | 0x7fc0u);
  return (unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}`,
  },
};

const OTHERS: Record<string, Helper> = {
  // The first fault stays; words as in `fault.ts`.
  raise: {
    text: `static __device__ void raise(int* fault, int op, long long index, long long size) {
  if (atomicCAS(fault, 0, op) != 0) return;
  fault[1] = (int)index; fault[2] = (int)(index >> 32);
  fault[3] = (int)size; fault[4] = (int)(size >> 32);
}`,
  },
  divBool: {
    needs: ['raise'],
    text: `${D} bool divBool(bool a, bool b, int* fault, int op) { if (!b) raise(fault, op, 0, 0); return a; }`,
  },
  remBool: {
    needs: ['raise'],
    text: `${D} bool remBool(bool a, bool b, int* fault, int op) { if (!b) raise(fault, op, 0, 0); return false; }`,
  },
  divUint: {
    needs: ['raise'],
    text: `${D} unsigned divUint(unsigned a, unsigned b, int* fault, int op) { if (b == 0) { raise(fault, op, 0, 0); return 0; } return a / b; }`,
  },
  remUint: {
    needs: ['raise'],
    text: `${D} unsigned remUint(unsigned a, unsigned b, int* fault, int op) { if (b == 0) { raise(fault, op, 0, 0); return 0; } return a % b; }`,
  },
  updateByte: narrowUpdate('unsigned char', 'Byte', '0xffu'),
  updateShort: narrowUpdate('unsigned short', 'Short', '0xffffu'),
  updateWord: wideUpdate('unsigned', 'Word'),
  updateLong: wideUpdate('unsigned long long', 'Long'),
};

type FloatName = 'min' | 'max' | 'pow' | 'floorDiv' | 'mod' | 'toInt64' | 'toInt32' | 'logAddExp';
type IntName = 'truncDiv' | 'floorDiv' | 'rem' | 'mod' | 'pow' | 'shiftLeft' | 'shiftRight';

export type HelperName =
  | `${FloatName}${'F' | 'D'}`
  | `${IntName}${'I' | 'L'}`
  | 'halfToFloat'
  | 'floatToHalf'
  | 'bfloatToFloat'
  | 'floatToBfloat'
  | 'raise'
  | 'divBool'
  | 'remBool'
  | 'divUint'
  | 'remUint'
  | 'updateByte'
  | 'updateShort'
  | 'updateWord'
  | 'updateLong';

const HELPERS: Readonly<Record<string, Helper>> = {
  ...HALVES,
  ...OTHERS,
  ...floating('float', 'f', 'F'),
  ...floating('double', '', 'D'),
  ...integral('int', 'unsigned', 'I', 32),
  ...integral('long long', 'unsigned long long', 'L', 64),
};

/** The functions that one kernel calls. */
export class Preamble {
  private readonly names = new Set<HelperName>();

  /** A call of a function, which the kernel then carries. */
  call(name: HelperName, ...args: readonly string[]): string {
    this.use(name);
    return `${name}(${args.join(', ')})`;
  }

  use(name: HelperName): void {
    if (this.names.has(name)) return;
    for (const needed of HELPERS[name]!.needs ?? []) this.use(needed);
    this.names.add(name);
  }

  get text(): string {
    return [...this.names].map((name) => HELPERS[name]!.text).join('\n');
  }
}
