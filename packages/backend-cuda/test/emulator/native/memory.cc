// Device memory: one reserved range, first fit, with a gap after every buffer, and poisoned before and after use so
// that reads of what was never written show as NaN.
#include <sys/mman.h>

#include <cstring>

#include "emulator.h"

namespace emu {

namespace {
constexpr size_t kAlignment = 256, kGap = 256;
char* arena;
size_t arenaBytes, used;
std::map<uintptr_t, Buffer> buffers;
std::map<uintptr_t, size_t> holes;

size_t footprint(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment + kGap; }

void reserve() {
  if (arena) return;
  arenaBytes = options.memoryBytes;
  arena = static_cast<char*>(mmap(nullptr, arenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  holes[reinterpret_cast<uintptr_t>(arena)] = arenaBytes;
}

void poison(uintptr_t address, size_t bytes) { memset(reinterpret_cast<void*>(address), 0xff, bytes); }
}  // namespace

CUdeviceptr allocate(size_t bytes) {
  reserve();
  size_t need = footprint(bytes);
  for (auto hole = holes.begin(); hole != holes.end(); ++hole) {
    if (hole->second < need) continue;
    uintptr_t address = hole->first;
    size_t rest = hole->second - need;
    holes.erase(hole);
    if (rest) holes[address + need] = rest;
    buffers[address] = {address, bytes};
    used += need;
    poison(address, need);
    return address;
  }
  return 0;
}

bool release(uintptr_t address) {
  auto found = buffers.find(address);
  if (found == buffers.end()) return false;
  size_t bytes = footprint(found->second.bytes);
  // Whole pages of what is large go back to the system; they read as zeros then, and the next owner poisons them.
  constexpr uintptr_t page = 4096;
  const uintptr_t from = (address + page - 1) & ~(page - 1), to = (address + bytes) & ~(page - 1);
  if (bytes >= (size_t{1} << 20)) madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
  else poison(address, bytes);
  buffers.erase(found);
  used -= bytes;
  forgetShadow(address);
  auto hole = holes.emplace(address, bytes).first;
  auto next = std::next(hole);
  if (next != holes.end() && hole->first + hole->second == next->first) {
    hole->second += next->second;
    holes.erase(next);
  }
  if (hole != holes.begin()) {
    auto before = std::prev(hole);
    if (before->first + before->second == hole->first) {
      before->second += hole->second;
      holes.erase(hole);
    }
  }
  return true;
}

const Buffer* bufferAt(uintptr_t address) {
  auto after = buffers.upper_bound(address);
  return after == buffers.begin() ? nullptr : &std::prev(after)->second;
}

bool inArena(uintptr_t address) {
  auto from = reinterpret_cast<uintptr_t>(arena);
  return arena && address >= from && address < from + arenaBytes;
}

bool inBuffer(uintptr_t address, size_t bytes) {
  const Buffer* buffer = bufferAt(address);
  return bytes == 0 || (buffer && buffer->contains(address, bytes));
}

size_t freeBytes() {
  reserve();
  return arenaBytes - used;
}

}  // namespace emu
