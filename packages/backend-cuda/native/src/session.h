// One device as one thread of JavaScript uses it: a stream, its memory, its kernels and the command buffer.
#pragma once
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "libraries.h"
#include "pinned.h"

namespace flambeau {

/** Where a launch stands in the command buffer, in words of 32 bits. src/native/commands.ts writes it. */
enum CommandWord : int {
  kFunction,
  kArgumentCount,
  kGridX,
  kGridY,
  kGridZ,
  kBlockX,
  kBlockY,
  kBlockZ,
  kSharedBytes,
  kReserved,
  kArguments,
};

/** A product in the command buffer, in doubles: sizes and addresses are whole numbers below 2^53. */
enum GemmWord : int {
  kGemmType,
  kGemmTf32,
  kGemmM,
  kGemmN,
  kGemmK,
  kGemmBatch,
  kGemmA,
  kGemmB = kGemmA + 4,
  kGemmC = kGemmB + 4,
  kGemmWords = kGemmC + 4,
};

constexpr size_t kFaultBytes = 32;

struct DeviceInfo {
  std::string name;
  int sm, multiprocessors, maxSharedBytes;
  size_t totalBytes;
};
int deviceCount();
/** @throws Failure */
DeviceInfo deviceInfo(int ordinal);

/** A read under way: the device copies into a pinned block, and the event says when it is there. */
struct PendingRead {
  void* block = nullptr;
  CUevent done = nullptr;
  size_t bytes = 0;
  CUresult result = CUDA_SUCCESS;
};

class Session {
 public:
  /** @throws Failure */
  Session(int ordinal, int32_t* commands, size_t commandBytes);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /** Makes the context current in this thread. */
  CUresult enter();

  CUresult launch();
  CUresult gemm();

  CUresult allocate(size_t bytes, CUdeviceptr& address);
  CUresult release(CUdeviceptr address);
  CUresult memoryInfo(size_t& free, size_t& total);

  CUresult write(CUdeviceptr target, const char* bytes, size_t count);
  CUresult copy(CUdeviceptr source, CUdeviceptr target, size_t count);
  CUresult clear(CUdeviceptr target, size_t count);
  /** Waits for all that was enqueued, and reads; `fault` receives the words of the fault. */
  CUresult readNow(CUdeviceptr source, char* target, size_t count, char* fault);
  /** Enqueues a read. `finish` waits for it in any thread; `drop` gives its block back. */
  CUresult beginRead(CUdeviceptr source, size_t count, PendingRead& read);
  void finish(PendingRead& read);
  void drop(PendingRead& read);
  CUresult synchronize();

  /** @throws Failure */
  int loadFunction(const std::string& image, const std::string& entry);
  CUresult functionAttributes(int function, int& registers, int& localBytes, int& sharedBytes);
  int recordEvent();
  float elapsed(int from, int to);
  void dropEvents();
  bool openBlasHandle();

  CUdeviceptr fault() const { return fault_; }

 private:
  struct Entry {
    CUfunction function;
    int dynamicSharedBytes;
  };
  void close();

  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
  int32_t* commands_;
  size_t commandBytes_;
  CUdeviceptr fault_ = 0;
  char* faultNow_ = nullptr;
  cublasHandle_t blas_ = nullptr;
  std::vector<CUmodule> modules_;
  std::vector<Entry> functions_;
  std::vector<CUevent> events_;
  std::unordered_set<CUdeviceptr> owned_;
  std::unique_ptr<PinnedPool> pinned_;
  std::unique_ptr<UploadRing> uploads_;
};

}  // namespace flambeau
