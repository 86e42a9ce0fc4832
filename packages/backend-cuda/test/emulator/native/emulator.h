// A stand-in for the CUDA driver, NVRTC and cuBLAS on the CPU, for tests on machines without a GPU: x86-64 Linux.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "../../../native/src/driver.h"
#include "shared.h"

namespace emu {

/** Read from the environment when the device is first used, and again after its context has gone. */
struct Options {
  size_t memoryBytes;
  bool check, deferred, verbose, blocking;
  bool discard;  // launches are thrown away, so that the way to the driver can be measured alone
  int order;  // 0 forward, 1 reverse, 2 random
  unsigned seed;
  int sm, driverVersion;
};
extern Options options;
void readOptions();

/** Every entry point of the driver holds it. */
extern std::recursive_mutex device;

// ---- memory
struct Buffer {
  uintptr_t address;
  size_t bytes;
  bool contains(uintptr_t p, size_t n) const { return p >= address && p + n <= address + bytes; }
};
CUdeviceptr allocate(size_t bytes);
bool release(uintptr_t address);
/** The buffer that holds the address, or the last one before it. */
const Buffer* bufferAt(uintptr_t address);
bool inArena(uintptr_t address);
bool inBuffer(uintptr_t address, size_t bytes);
size_t freeBytes();

// ---- the launch that runs
struct Module {
  void* library;
  EmuContext** context;
  char *sharedFrom, *sharedTo;
  /** The entry's name in a library of many kernels; empty where it has its own. */
  std::string entry;
  std::map<std::string, CUfunction> functions;
};
struct Launch {
  CUfunction function;
  EmuUint3 grid, block;
  unsigned sharedBytes;
  std::vector<std::vector<char>> arguments;
};
/** Runs all blocks; what went wrong stays in `sticky` and `stickyText`. */
void run(const Launch& launch);
extern CUresult sticky;
extern std::string stickyText;
extern EmuContext context;
/** Ends the launch with a fault of the thread that runs; it does not come back. */
[[noreturn]] void fault(const std::string& message, const char* file = nullptr, int line = 0, int code = CUDA_ERROR_LAUNCH_FAILED);

// ---- check mode
struct BlockState {
  uint64_t serial;        // of the block, counted over all launches
  uint64_t launchSerial;  // of the launch's first block
  unsigned epoch;         // barriers passed in this block
  unsigned warpEpoch[32];
};
extern BlockState state;
extern char *stackFrom, *stackTo;  // of the thread that runs
void beginChecks(const Module& module, char* dynamicShared, size_t dynamicBytes);
void checkAccess(const void* address, int bytes, int write);
void forgetShadow(uintptr_t address);

}  // namespace emu

struct CUmod_st : emu::Module {};
struct CUfunc_st {
  CUmodule module;
  std::string name;
  void (*run)(void**);
  std::vector<int> sizes;
  int mostDynamicShared;
};
