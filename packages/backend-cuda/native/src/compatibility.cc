// The compiler's headers call two things that came with GCC 11 and glibc 2.32. Ours stand in for them, so that one
// build also loads where Node 20 does: from glibc 2.28 on.
#if defined(__GLIBC__) || __has_include(<features.h>)
#include <new>

extern "C" {
/** Never told that there is one thread alone: counters of shared pointers stay atomic. */
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;

[[noreturn]] __attribute__((visibility("hidden"))) void throwBadLength() asm("_ZSt28__throw_bad_array_new_lengthv");
void throwBadLength() { throw std::bad_array_new_length(); }
}
#endif
