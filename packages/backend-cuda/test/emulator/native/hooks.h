// Appended to a kernel in check mode. g++ -fsanitize=thread calls these for every load and store, and
// -fsanitize=bounds,… the handlers below; no runtime of a sanitizer is linked.
extern "C" {
#define EMU_HOOK(n) \
  EMU_UNCHECKED void __tsan_read##n(void* p) { \
    if (__emu) __emu->access(p, n, 0); \
  } \
  EMU_UNCHECKED void __tsan_write##n(void* p) { \
    if (__emu) __emu->access(p, n, 1); \
  } \
  EMU_UNCHECKED void __tsan_unaligned_read##n(void* p) { \
    if (__emu) __emu->access(p, n, 0); \
  } \
  EMU_UNCHECKED void __tsan_unaligned_write##n(void* p) { \
    if (__emu) __emu->access(p, n, 1); \
  } \
  EMU_UNCHECKED void __tsan_volatile_read##n(void* p) { \
    if (__emu) __emu->access(p, n, 2); \
  } \
  EMU_UNCHECKED void __tsan_volatile_write##n(void* p) { \
    if (__emu) __emu->access(p, n, 2); \
  } \
  EMU_UNCHECKED void __tsan_unaligned_volatile_read##n(void* p) { \
    if (__emu) __emu->access(p, n, 2); \
  } \
  EMU_UNCHECKED void __tsan_unaligned_volatile_write##n(void* p) { \
    if (__emu) __emu->access(p, n, 2); \
  }
EMU_HOOK(1) EMU_HOOK(2) EMU_HOOK(4) EMU_HOOK(8) EMU_HOOK(16)
EMU_UNCHECKED void __tsan_read_range(void* p, unsigned long n) { __emu->access(p, (int)n, 0); }
EMU_UNCHECKED void __tsan_write_range(void* p, unsigned long n) { __emu->access(p, (int)n, 1); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit(void*) {}
EMU_UNCHECKED void* __tsan_memcpy(void* to, const void* from, unsigned long n) {
  __emu->access(from, (int)n, 0);
  __emu->access(to, (int)n, 1);
  return __builtin_memcpy(to, from, n);
}
EMU_UNCHECKED void* __tsan_memset(void* to, int value, unsigned long n) {
  __emu->access(to, (int)n, 1);
  return __builtin_memset(to, value, n);
}
struct EmuPlace {
  const char* file;
  unsigned line, column;
};
#define EMU_UNDEFINED(name, message) \
  EMU_UNCHECKED void __ubsan_handle_##name(EmuPlace* place, unsigned long, unsigned long) { \
    __emu->fault(message, place->file, (int)place->line); \
  }
EMU_UNDEFINED(out_of_bounds, "array index out of bounds")
EMU_UNDEFINED(divrem_overflow, "division by zero or overflow")
EMU_UNDEFINED(shift_out_of_bounds, "shift out of range")
EMU_UNDEFINED(type_mismatch_v1, "misaligned or null access")
EMU_UNDEFINED(pointer_overflow, "pointer overflow")
}
