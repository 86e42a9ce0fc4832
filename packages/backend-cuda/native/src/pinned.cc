#include "pinned.h"

#include <algorithm>
#include <cstring>

namespace flambeau {

PinnedPool::~PinnedPool() {
  for (auto& [bytes, blocks] : free_)
    for (void* block : blocks) driver.cuMemFreeHost(block);
}

size_t PinnedPool::sizeOf(size_t bytes) {
  if (bytes > kLargestKept) return bytes;
  size_t size = kSmallest;
  while (size < bytes) size *= 2;
  return size;
}

void* PinnedPool::take(size_t bytes) {
  size_t size = sizeOf(bytes);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto& blocks = free_[size];
    if (!blocks.empty()) {
      void* block = blocks.back();
      blocks.pop_back();
      kept_ -= size;
      return block;
    }
  }
  void* block = nullptr;
  return driver.cuMemHostAlloc(&block, size, 0) == CUDA_SUCCESS ? block : nullptr;
}

void PinnedPool::giveBack(void* block, size_t bytes) {
  size_t size = sizeOf(bytes);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (size <= kLargestKept && kept_ + size <= kMostKept) {
      free_[size].push_back(block);
      kept_ += size;
      return;
    }
  }
  driver.cuMemFreeHost(block);
}

UploadRing::~UploadRing() {
  for (auto& block : blocks_) {
    if (block.read) driver.cuEventDestroy_v2(block.read);
    if (block.bytes) driver.cuMemFreeHost(block.bytes);
  }
}

CUresult UploadRing::open() {
  opened_ = true;
  for (auto& block : blocks_) {
    void* bytes = nullptr;
    if (CUresult result = driver.cuMemHostAlloc(&bytes, kBlockBytes, 0)) return result;
    block.bytes = static_cast<char*>(bytes);
    if (CUresult result = driver.cuEventCreate(&block.read, CU_EVENT_DISABLE_TIMING)) return result;
  }
  return CUDA_SUCCESS;
}

CUresult UploadRing::next() {
  if (CUresult result = driver.cuEventRecord(blocks_[current_].read, stream_)) return result;
  blocks_[current_].sent = true;
  current_ = (current_ + 1) % kBlocks;
  used_ = 0;
  Block& block = blocks_[current_];
  if (!block.sent) return CUDA_SUCCESS;
  block.sent = false;
  return driver.cuEventSynchronize(block.read);
}

CUresult UploadRing::write(CUdeviceptr target, const char* bytes, size_t count) {
  if (!opened_)
    if (CUresult result = open()) return result;
  while (count > 0) {
    if (used_ == kBlockBytes)
      if (CUresult result = next()) return result;
    size_t part = std::min(count, kBlockBytes - used_);
    char* staged = blocks_[current_].bytes + used_;
    std::memcpy(staged, bytes, part);
    if (CUresult result = driver.cuMemcpyHtoDAsync_v2(target, staged, part, stream_)) return result;
    used_ = std::min(kBlockBytes, (used_ + part + kAlignment - 1) / kAlignment * kAlignment);
    target += part;
    bytes += part;
    count -= part;
  }
  return CUDA_SUCCESS;
}

}  // namespace flambeau
