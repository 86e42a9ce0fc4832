// Included before every kernel that the emulator compiles: CUDA C in, C++ of the host out.
#pragma once
#include "shared.h"

// Headers are left out: reading them takes longer than all else of a kernel's compilation.
typedef __SIZE_TYPE__ size_t;
#define EMU_MATH1(name) \
  float name##f(float); \
  double name(double);
#define EMU_MATH2(name) \
  float name##f(float, float); \
  double name(double, double);
extern "C" {
EMU_MATH1(exp) EMU_MATH1(exp2) EMU_MATH1(exp10) EMU_MATH1(expm1) EMU_MATH1(log) EMU_MATH1(log2) EMU_MATH1(log10)
EMU_MATH1(log1p) EMU_MATH1(sin) EMU_MATH1(cos) EMU_MATH1(tan) EMU_MATH1(asin) EMU_MATH1(acos) EMU_MATH1(atan)
EMU_MATH1(sinh) EMU_MATH1(cosh) EMU_MATH1(tanh) EMU_MATH1(asinh) EMU_MATH1(acosh) EMU_MATH1(atanh) EMU_MATH1(sqrt)
EMU_MATH1(cbrt) EMU_MATH1(floor) EMU_MATH1(ceil) EMU_MATH1(trunc) EMU_MATH1(rint) EMU_MATH1(nearbyint) EMU_MATH1(round)
EMU_MATH1(fabs) EMU_MATH1(erf) EMU_MATH1(erfc) EMU_MATH1(lgamma) EMU_MATH1(tgamma) EMU_MATH1(logb)
EMU_MATH2(pow) EMU_MATH2(fmod) EMU_MATH2(atan2) EMU_MATH2(hypot) EMU_MATH2(copysign) EMU_MATH2(fmin) EMU_MATH2(fmax)
EMU_MATH2(remainder) EMU_MATH2(nextafter) EMU_MATH2(fdim)
float fmaf(float, float, float);
double fma(double, double, double);
float ldexpf(float, int);
double ldexp(double, int);
void* memcpy(void*, const void*, size_t);
void* memset(void*, int, size_t);
}
static inline int abs(int x) { return x < 0 ? -x : x; }
static inline long long abs(long long x) { return x < 0 ? -x : x; }
static inline long long llabs(long long x) { return x < 0 ? -x : x; }
// On a GPU no NaN signals: these are 1 for every NaN.
static inline float emuPow(float a, float b) { return b == 0 || a == 1 ? 1 : powf(a, b); }
static inline double emuPow(double a, double b) { return b == 0 || a == 1 ? 1 : pow(a, b); }
#define powf(a, b) emuPow((float)(a), (float)(b))
#define pow(a, b) emuPow((double)(a), (double)(b))
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf_sign(x)
#define isfinite(x) __builtin_isfinite(x)
#define signbit(x) __builtin_signbit(x)
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

#define EMU_UNCHECKED __attribute__((no_sanitize("thread", "undefined")))
typedef EmuUint3 uint3;
typedef EmuUint3 dim3;
extern "C" {
extern EmuContext* __emu;
}
#define threadIdx (__emu->thread)
#define blockIdx (__emu->block)
#define blockDim (__emu->blockSize)
#define gridDim (__emu->gridSize)
#define warpSize 32
#define __global__
#define __device__
#define __host__
#define __constant__
// Kernels that are compiled together name their parts: each has its shared memory in a section of its own.
#define EMU_PART ""
#define __shared__ static __attribute__((section("emu_shared" EMU_PART)))
#define EMU_SHARED(part) \
  extern "C" { \
  extern char __start_emu_shared##part[] __attribute__((weak, visibility("hidden"))); \
  extern char __stop_emu_shared##part[] __attribute__((weak, visibility("hidden"))); \
  char* __emu_shared_from##part() { return __start_emu_shared##part; } \
  char* __emu_shared_to##part() { return __stop_emu_shared##part; } \
  }
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__ __restrict
#define CUDART_INF_F __builtin_inff()
#define CUDART_NAN_F __builtin_nanf("")

// ---- waiting for one another

static inline void __syncthreads(int line = __builtin_LINE()) { __emu->barrier(line, 0, 0, nullptr); }
static inline int __syncthreads_count(int predicate, int line = __builtin_LINE()) {
  int count;
  __emu->barrier(line, 1, predicate != 0, &count);
  return count;
}
static inline int __syncthreads_or(int predicate, int line = __builtin_LINE()) {
  return __syncthreads_count(predicate, line) > 0;
}
static inline int __syncthreads_and(int predicate, int line = __builtin_LINE()) {
  return __syncthreads_count(!predicate, line) == 0;
}
static inline void __syncwarp(unsigned mask = 0xffffffffu, int line = __builtin_LINE()) {
  __emu->warp(mask, 0, -2, line);
}
static inline void __threadfence() {}
static inline void __threadfence_block() {}
static inline void __threadfence_system() {}

template <class T>
EMU_UNCHECKED static inline T emuShuffle(unsigned mask, T value, int source, int line) {
  static_assert(sizeof(T) <= 8, "a shuffle moves 8 bytes at most");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  bits = __emu->warp(mask, bits, source, line);
  memcpy(&value, &bits, sizeof value);
  return value;
}
#define EMU_LANE (__emu->current & 31)
template <class T>
static inline T __shfl_sync(unsigned mask, T value, int source, int width = 32, int line = __builtin_LINE()) {
  return emuShuffle(mask, value, (EMU_LANE & ~(width - 1)) | (source & (width - 1)), line);
}
template <class T>
static inline T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, int line = __builtin_LINE()) {
  int lane = EMU_LANE;
  return emuShuffle(mask, value, (lane & (width - 1)) + (int)by < width ? lane + (int)by : lane, line);
}
template <class T>
static inline T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, int line = __builtin_LINE()) {
  int lane = EMU_LANE;
  return emuShuffle(mask, value, (lane & (width - 1)) >= (int)by ? lane - (int)by : lane, line);
}
template <class T>
static inline T __shfl_xor_sync(unsigned mask, T value, int with, int width = 32, int line = __builtin_LINE()) {
  int lane = EMU_LANE, source = lane ^ with;
  return emuShuffle(mask, value, (source & ~(width - 1)) <= (lane & ~(width - 1)) ? source : lane, line);
}
static inline unsigned __ballot_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
  return (unsigned)__emu->warp(mask, predicate != 0, -1, line);
}
static inline int __any_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
  return __ballot_sync(mask, predicate, line) != 0;
}
static inline int __all_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
  return __ballot_sync(mask, !predicate, line) == 0;
}

// ---- atomics: one thread of the host runs all of a device, so reading and writing is one step

template <class T, class F>
EMU_UNCHECKED static inline T emuAtomic(T* address, F change) {
  __emu->access(address, sizeof(T), 2);
  T old = *address;
  *address = change(old);
  return old;
}
#define EMU_ATOMIC(name, expression) \
  template <class T> \
  EMU_UNCHECKED static inline T name(T* address, decltype(T() + T() ? T() : T()) v) { \
    return emuAtomic(address, [=](T o) EMU_UNCHECKED -> T { return (T)(expression); }); \
  }
EMU_ATOMIC(atomicAdd, o + v)
EMU_ATOMIC(atomicSub, o - v)
EMU_ATOMIC(atomicMax, v > o ? v : o)
EMU_ATOMIC(atomicMin, v < o ? v : o)
EMU_ATOMIC(atomicExch, v)
template <class T>
EMU_UNCHECKED static inline T atomicOr(T* address, T v) {
  return emuAtomic(address, [=](T o) EMU_UNCHECKED { return (T)(o | v); });
}
template <class T>
EMU_UNCHECKED static inline T atomicAnd(T* address, T v) {
  return emuAtomic(address, [=](T o) EMU_UNCHECKED { return (T)(o & v); });
}
template <class T>
EMU_UNCHECKED static inline T atomicXor(T* address, T v) {
  return emuAtomic(address, [=](T o) EMU_UNCHECKED { return (T)(o ^ v); });
}
template <class T>
struct EmuSame {
  typedef T type;
};
template <class T>
EMU_UNCHECKED static inline T atomicCAS(T* address, typename EmuSame<T>::type seen, typename EmuSame<T>::type v) {
  return emuAtomic(address, [=](T o) EMU_UNCHECKED -> T { return o == seen ? v : o; });
}

// ---- vectors

#define EMU_VECTOR2(T, name) \
  struct __align__(2 * sizeof(T)) name { \
    T x, y; \
  }; \
  static inline name make_##name(T x, T y) { return name{x, y}; }
#define EMU_VECTOR3(T, name) \
  struct name { \
    T x, y, z; \
  }; \
  static inline name make_##name(T x, T y, T z) { return name{x, y, z}; }
#define EMU_VECTOR4(T, name, alignment) \
  struct __align__(alignment) name { \
    T x, y, z, w; \
  }; \
  static inline name make_##name(T x, T y, T z, T w) { return name{x, y, z, w}; }
EMU_VECTOR2(float, float2)
EMU_VECTOR2(double, double2)
EMU_VECTOR2(int, int2)
EMU_VECTOR2(unsigned, uint2)
EMU_VECTOR2(short, short2)
EMU_VECTOR2(unsigned short, ushort2)
EMU_VECTOR2(signed char, char2)
EMU_VECTOR2(unsigned char, uchar2)
EMU_VECTOR2(long long, longlong2)
EMU_VECTOR2(unsigned long long, ulonglong2)
EMU_VECTOR3(float, float3)
EMU_VECTOR3(int, int3)
EMU_VECTOR4(float, float4, 16)
EMU_VECTOR4(double, double4, 16)
EMU_VECTOR4(int, int4, 16)
EMU_VECTOR4(unsigned, uint4, 16)
EMU_VECTOR4(short, short4, 8)
EMU_VECTOR4(unsigned short, ushort4, 8)
EMU_VECTOR4(signed char, char4, 4)
EMU_VECTOR4(unsigned char, uchar4, 4)

// ---- loads, stores and functions

template <class T>
static inline T __ldg(const T* p) {
  return *p;
}
template <class T>
static inline T __ldcs(const T* p) {
  return *p;
}
template <class T>
static inline T __ldcg(const T* p) {
  return *p;
}
template <class T>
static inline void __stcs(T* p, T v) {
  *p = v;
}
template <class T>
static inline void __stcg(T* p, T v) {
  *p = v;
}
#define EMU_MIN_MAX(T) \
  static inline T min(T a, T b) { return b < a ? b : a; } \
  static inline T max(T a, T b) { return a < b ? b : a; }
EMU_MIN_MAX(int)
EMU_MIN_MAX(unsigned)
EMU_MIN_MAX(long)
EMU_MIN_MAX(unsigned long)
EMU_MIN_MAX(long long)
EMU_MIN_MAX(unsigned long long)
static inline float min(float a, float b) { return fminf(a, b); }
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline double min(double a, double b) { return fmin(a, b); }
static inline double max(double a, double b) { return fmax(a, b); }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline double rsqrt(double x) { return 1.0 / sqrt(x); }
static inline float __frsqrt_rn(float x) { return 1.0f / sqrtf(x); }
static inline float __frcp_rn(float x) { return 1.0f / x; }
static inline float __fsqrt_rn(float x) { return sqrtf(x); }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline float __saturatef(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
// glibc has functions of these names.
#define __expf expf
#define __logf logf
#define __log2f log2f
#define __exp10f exp10f
#define __sinf sinf
#define __cosf cosf
#define __powf(a, b) powf(a, b)
#define normcdff(x) (0.5f * erfcf(-(x) * 0.70710678f))

template <class To, class From>
EMU_UNCHECKED static inline To emuBits(From from) {
  static_assert(sizeof(To) == sizeof(From), "the same bits");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}
static inline int __float_as_int(float x) { return emuBits<int>(x); }
static inline unsigned __float_as_uint(float x) { return emuBits<unsigned>(x); }
static inline float __int_as_float(int x) { return emuBits<float>(x); }
static inline float __uint_as_float(unsigned x) { return emuBits<float>(x); }
static inline long long __double_as_longlong(double x) { return emuBits<long long>(x); }
static inline double __longlong_as_double(long long x) { return emuBits<double>(x); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __ffsll(long long x) { return __builtin_ffsll(x); }
static inline unsigned __brev(unsigned x) {
  unsigned r = 0;
  for (int i = 0; i < 32; i++) r |= ((x >> i) & 1u) << (31 - i);
  return r;
}
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((uint64_t)a * b) >> 32); }
static inline int __mulhi(int a, int b) { return (int)(((int64_t)a * b) >> 32); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}
static inline long long __mul64hi(long long a, long long b) { return (long long)(((__int128)a * b) >> 64); }
#define assert(c) ((c) ? (void)0 : __emu->fault("assert: " #c, __FILE__, __LINE__))
static inline void __trap(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  __emu->fault("trap", file, line);
}

// ---- the way into a kernel: runs threads until none is left unstarted

template <class... A>
struct EmuCall {
  template <size_t... I>
  struct Indices {};
  template <size_t N, size_t... I>
  struct Make : Make<N - 1, N - 1, I...> {};
  template <size_t... I>
  struct Make<0, I...> {
    typedef Indices<I...> type;
  };
  template <size_t... I>
  EMU_UNCHECKED static void run(void (*kernel)(A...), void** arguments, Indices<I...>) {
    EmuContext* c = __emu;
    while (c->cursor < c->count) {
      int t = c->order[c->cursor++];
      c->current = t;
      c->thread = c->places[t];
      kernel(*(A*)arguments[I]...);
      // A kernel that waited goes on in another place of this loop: `t` is of this stack, so it still is its own.
      --c->live;
      c->liveLanes[t >> 5] &= ~(1u << (t & 31));
      if (c->openGroups || (c->arrived && c->arrived == c->live)) c->exited();
    }
  }
};
template <class... A>
EMU_UNCHECKED static void emuRun(void (*kernel)(A...), void** arguments) {
  EmuCall<A...>::run(kernel, arguments, typename EmuCall<A...>::template Make<sizeof...(A)>::type());
}
template <class... A>
EMU_UNCHECKED static int emuSizes(void (*)(A...), int* out, int most) {
  int sizes[] = {(int)sizeof(A)..., 0};
  int count = sizeof...(A);
  for (int i = 0; i < count && i < most; i++) out[i] = sizes[i];
  return count;
}
#define EMU_KERNEL(name) \
  extern "C" EMU_UNCHECKED void __emu_run_##name(void** arguments) { emuRun(&name, arguments); } \
  extern "C" EMU_UNCHECKED int __emu_sizes_##name(int* out, int most) { return emuSizes(&name, out, most); }
