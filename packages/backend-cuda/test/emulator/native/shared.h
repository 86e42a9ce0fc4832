// What compiled kernels and the emulator share. One block runs at a time, in one thread of the host.
#pragma once
typedef __UINT16_TYPE__ uint16_t;
typedef __INT32_TYPE__ int32_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT64_TYPE__ uint64_t;

struct EmuUint3 {
  unsigned x, y, z;
};

struct EmuContext {
  EmuUint3 thread, block, blockSize, gridSize;
  void* dynamicShared;
  /** The order in which the block's threads start, and the place of each in the block. */
  const uint16_t* order;
  const EmuUint3* places;
  int cursor, count, current, live, arrived;
  int openGroups;
  unsigned liveLanes[32];
  /** `kind` 0 waits, 1 counts the predicates of all threads. */
  void (*barrier)(int line, int kind, int predicate, int* out);
  void (*exited)();
  /** `source` -1 is a ballot, -2 only waits. */
  uint64_t (*warp)(unsigned mask, uint64_t value, int source, int line);
  /** `write` 0 reads, 1 writes, 2 is atomic. */
  void (*access)(const void* address, int bytes, int write);
  void (*fault)(const char* message, const char* file, int line);
};
