// Check mode: every byte remembers who wrote and read it last, so that accesses which no barrier orders are told; so
// are accesses outside of buffers and misaligned ones.
#include <dlfcn.h>

#include <cstring>

#include "emulator.h"

namespace emu {

namespace {
/** The last write and the last reads of a byte. A key is the block's serial and the barriers passed. */
struct Cell {
  uint64_t written, read;
  uint32_t writtenWarp, readWarp;  // the warp's own epoch
  int16_t writer, reader;          // -1: several warps
};

std::map<uintptr_t, std::vector<Cell>> shadows;
std::vector<Cell> sharedShadow;
char *sharedFrom, *sharedTo, *dynamicFrom, *contextVariable;
size_t dynamicBytes;
constexpr size_t kDynamicShared = size_t{1} << 18;
Buffer last;
std::vector<Cell>* lastShadow;

constexpr uint64_t key(uint64_t serial, unsigned epoch) { return serial << 20 | epoch; }

bool sameWarp(int a, int b) { return a >= 0 && a >> 5 == b >> 5; }

/** Whether nothing orders an earlier access before one of the running thread. */
bool unordered(uint64_t earlier, int by, uint32_t warpEpoch, bool global) {
  if (!earlier) return false;
  const int me = context.current;
  if (earlier >> 20 != state.serial) return global && earlier >> 20 >= state.launchSerial;  // another block of the launch
  if (earlier != key(state.serial, state.epoch) || by == me) return false;
  return !(sameWarp(by, me) && warpEpoch != state.warpEpoch[me >> 5]);
}

[[noreturn]] void race(const char* kind, bool global, int other) {
  fault(std::string("data race (") + kind + ") in " + (global ? "global" : "shared") + " memory with thread " +
        std::to_string(other) + ": no barrier lies between");
}

void touch(Cell& cell, int write, bool global) {
  if (write == 2) return;
  const int me = context.current;
  const uint64_t now = key(state.serial, state.epoch);
  const uint32_t warpEpoch = state.warpEpoch[me >> 5];
  if (unordered(cell.written, cell.writer, cell.writtenWarp, global))
    race(write ? "write after write" : "read after write", global, cell.writer);
  if (write) {
    if (unordered(cell.read, cell.reader, cell.readWarp, global)) race("write after read", global, cell.reader);
    cell.written = now;
    cell.writer = static_cast<int16_t>(me);
    cell.writtenWarp = warpEpoch;
    return;
  }
  const bool kept = cell.read == now && cell.reader != me && !(sameWarp(cell.reader, me) && cell.readWarp != warpEpoch);
  cell.reader = !kept || sameWarp(cell.reader, me) ? static_cast<int16_t>(me) : int16_t{-1};
  cell.read = now;
  cell.readWarp = warpEpoch;
}

[[noreturn]] void outside(const char* p, int bytes, int write) {
  const char* what = write ? "write" : "read";
  const Buffer* buffer = bufferAt(reinterpret_cast<uintptr_t>(p));
  char text[200];
  if (buffer)
    snprintf(text, sizeof text, "out of bounds: %s of %d bytes at offset %zd of a buffer of %zu bytes", what, bytes,
             static_cast<ssize_t>(reinterpret_cast<uintptr_t>(p) - buffer->address), buffer->bytes);
  else
    snprintf(text, sizeof text, "out of bounds: %s of %d bytes where no buffer is", what, bytes);
  fault(text, nullptr, 0, CUDA_ERROR_ILLEGAL_ADDRESS);
}

void checkGlobal(const char* p, int bytes, int write) {
  auto u = reinterpret_cast<uintptr_t>(p);
  if (!lastShadow || !last.contains(u, static_cast<size_t>(bytes))) {
    const Buffer* buffer = bufferAt(u);
    if (!buffer || !buffer->contains(u, static_cast<size_t>(bytes))) {
      Dl_info constants;
      if (!write && !inArena(u) && dladdr(p, &constants)) return;
      outside(p, bytes, write);
    }
    last = *buffer;
    auto& shadow = shadows[last.address];
    if (shadow.size() < last.bytes) shadow.resize(last.bytes);
    lastShadow = &shadow;
  }
  if (u % static_cast<uintptr_t>(bytes > 16 ? 16 : bytes)) fault("misaligned access", nullptr, 0, 716);
  for (int i = 0; i < bytes; i++) touch((*lastShadow)[u - last.address + static_cast<size_t>(i)], write, true);
}
}  // namespace

void forgetShadow(uintptr_t address) {
  shadows.erase(address);
  lastShadow = nullptr;
}

void beginChecks(const Module& module, char* dynamicShared, size_t bytes) {
  sharedFrom = module.sharedFrom;
  sharedTo = module.sharedTo;
  contextVariable = reinterpret_cast<char*>(module.context);
  dynamicFrom = dynamicShared;
  dynamicBytes = bytes;
  sharedShadow.assign(static_cast<size_t>(sharedTo - sharedFrom) + bytes, Cell{});
  lastShadow = nullptr;
}

void checkAccess(const void* address, int bytes, int write) {
  auto p = static_cast<const char*>(address);
  if (p >= stackFrom && p < stackTo) return;
  if (p >= reinterpret_cast<char*>(&context) && p < reinterpret_cast<char*>(&context + 1)) return;
  if (p == contextVariable) return;
  if (p >= sharedFrom && p + bytes <= sharedTo) {
    for (int i = 0; i < bytes; i++) touch(sharedShadow[static_cast<size_t>(p - sharedFrom + i)], write, false);
  } else if (p >= dynamicFrom && p < dynamicFrom + kDynamicShared) {
    auto at = static_cast<size_t>(p - dynamicFrom);
    if (at + static_cast<size_t>(bytes) > dynamicBytes)
      fault("out of bounds: byte " + std::to_string(at) + " of " + std::to_string(dynamicBytes) + " of dynamic shared memory");
    auto base = static_cast<size_t>(sharedTo - sharedFrom) + at;
    for (int i = 0; i < bytes; i++) touch(sharedShadow[base + static_cast<size_t>(i)], write, false);
  } else {
    checkGlobal(p, bytes, write);
  }
}

}  // namespace emu
