// Page-locked memory of the host, which the device copies from and to by itself.
#pragma once
#include <map>
#include <mutex>
#include <vector>

#include "libraries.h"

namespace flambeau {

/** Blocks to read into. They come back from any thread, so the pool has a lock. The context must be current. */
class PinnedPool {
 public:
  ~PinnedPool();
  /** A block of at least `bytes`, or null where the host has none to lock. */
  void* take(size_t bytes);
  void giveBack(void* block, size_t bytes);

 private:
  static constexpr size_t kSmallest = 4096, kLargestKept = size_t{64} << 20, kMostKept = size_t{128} << 20;
  static size_t sizeOf(size_t bytes);
  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;
  size_t kept_ = 0;
};

/** A ring of blocks to write from: bytes are copied in, sent, and their block is used again when the device has read it. */
class UploadRing {
 public:
  explicit UploadRing(CUstream stream) : stream_(stream) {}
  ~UploadRing();
  CUresult write(CUdeviceptr target, const char* bytes, size_t count);

 private:
  static constexpr size_t kBlocks = 8, kBlockBytes = size_t{1} << 20, kAlignment = 64;
  struct Block {
    char* bytes = nullptr;
    CUevent read = nullptr;
    bool sent = false;
  };
  CUresult open();
  CUresult next();
  CUstream stream_;
  Block blocks_[kBlocks];
  size_t current_ = 0, used_ = 0;
  bool opened_ = false;
};

}  // namespace flambeau
