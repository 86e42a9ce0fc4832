#include "session.h"

#include <cstring>

namespace flambeau {

namespace {
thread_local CUcontext currentContext = nullptr;
constexpr int kMostArguments = 256;
constexpr int kStaticSharedLimit = 48 << 10;
constexpr size_t kPinnedReadLimit = size_t{1} << 30;

int attribute(int which, CUdevice device) {
  int value = 0;
  check("cuDeviceGetAttribute", driver.cuDeviceGetAttribute(&value, which, device));
  return value;
}
}  // namespace

int deviceCount() {
  int count = 0;
  check("cuDeviceGetCount", driver.cuDeviceGetCount(&count));
  return count;
}

DeviceInfo deviceInfo(int ordinal) {
  CUdevice device;
  check("cuDeviceGet", driver.cuDeviceGet(&device, ordinal));
  char name[256] = {};
  check("cuDeviceGetName", driver.cuDeviceGetName(name, sizeof name - 1, device));
  size_t total = 0;
  check("cuDeviceTotalMem", driver.cuDeviceTotalMem_v2(&total, device));
  return {name,
          attribute(CU_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device) * 10 +
              attribute(CU_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device),
          attribute(CU_ATTRIBUTE_MULTIPROCESSOR_COUNT, device),
          attribute(CU_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, device), total};
}

Session::Session(int ordinal, int32_t* commands, size_t commandBytes)
    : commands_(commands), commandBytes_(commandBytes) {
  check("cuDeviceGet", driver.cuDeviceGet(&device_, ordinal));
  check("cuDevicePrimaryCtxRetain", driver.cuDevicePrimaryCtxRetain(&context_, device_));
  try {
    check("cuCtxSetCurrent", driver.cuCtxSetCurrent(context_));
    currentContext = context_;
    check("cuStreamCreate", driver.cuStreamCreate(&stream_, CU_STREAM_NON_BLOCKING));
    check("cuMemAlloc", driver.cuMemAlloc_v2(&fault_, kFaultBytes));
    check("cuMemsetD8Async", driver.cuMemsetD8Async(fault_, 0, kFaultBytes, stream_));
    pinned_ = std::make_unique<PinnedPool>();
    uploads_ = std::make_unique<UploadRing>(stream_);
    faultNow_ = static_cast<char*>(pinned_->take(kFaultBytes));
    if (!faultNow_) throw Failure{"driver", CUDA_ERROR_OUT_OF_MEMORY, "cuMemHostAlloc: no page-locked memory"};
  } catch (...) {
    close();
    throw;
  }
}

Session::~Session() { close(); }

// On a dead context every call fails, and the release of the context is what gives the memory back.
void Session::close() {
  if (!context_) return;
  driver.cuCtxSetCurrent(context_);
  if (stream_) driver.cuStreamSynchronize(stream_);
  if (blas_) blas.cublasDestroy_v2(blas_);
  uploads_.reset();
  if (faultNow_) pinned_->giveBack(faultNow_, kFaultBytes);
  pinned_.reset();
  dropEvents();
  for (CUdeviceptr address : owned_) driver.cuMemFree_v2(address);
  if (fault_) driver.cuMemFree_v2(fault_);
  for (CUmodule module : modules_) driver.cuModuleUnload(module);
  if (stream_) driver.cuStreamDestroy_v2(stream_);
  driver.cuDevicePrimaryCtxRelease_v2(device_);
  driver.cuCtxSetCurrent(nullptr);
  currentContext = nullptr;
  context_ = nullptr;
}

CUresult Session::enter() {
  if (currentContext == context_) return CUDA_SUCCESS;
  CUresult result = driver.cuCtxSetCurrent(context_);
  if (result == CUDA_SUCCESS) currentContext = context_;
  return result;
}

CUresult Session::launch() {
  const int32_t* words = commands_;
  const int count = words[kArgumentCount];
  if (words[kFunction] < 0 || static_cast<size_t>(words[kFunction]) >= functions_.size() || count < 0 ||
      count > kMostArguments || (kArguments + 2 * static_cast<size_t>(count)) * 4 > commandBytes_)
    return CUDA_ERROR_INVALID_VALUE;
  if (CUresult result = enter()) return result;
  Entry& entry = functions_[static_cast<size_t>(words[kFunction])];
  const int sharedBytes = words[kSharedBytes];
  if (sharedBytes > entry.dynamicSharedBytes) {
    if (CUresult result =
            driver.cuFuncSetAttribute(entry.function, CU_FUNCTION_MAX_DYNAMIC_SHARED_SIZE_BYTES, sharedBytes))
      return result;
    entry.dynamicSharedBytes = sharedBytes;
  }
  void* arguments[kMostArguments];
  for (int i = 0; i < count; i++) arguments[i] = commands_ + kArguments + 2 * i;
  return driver.cuLaunchKernel(
      entry.function, static_cast<unsigned>(words[kGridX]), static_cast<unsigned>(words[kGridY]),
      static_cast<unsigned>(words[kGridZ]), static_cast<unsigned>(words[kBlockX]),
      static_cast<unsigned>(words[kBlockY]), static_cast<unsigned>(words[kBlockZ]),
      static_cast<unsigned>(sharedBytes), stream_, arguments, nullptr);
}

CUresult Session::gemm() {
  if (CUresult result = enter()) return result;
  if (!openBlasHandle()) return CUDA_ERROR_NOT_INITIALIZED;
  double d[kGemmWords];
  std::memcpy(d, commands_, sizeof d);
  static constexpr int kTypes[] = {CUBLAS_R_32F, CUBLAS_R_64F, CUBLAS_R_16F, CUBLAS_R_16BF};
  const int type = kTypes[static_cast<int>(d[kGemmType]) & 3];
  const int compute = type == CUBLAS_R_64F                                ? CUBLAS_COMPUTE_64F
                      : type == CUBLAS_R_32F && d[kGemmTf32] != 0.0 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                    : CUBLAS_COMPUTE_32F;
  const double one = 1, zero = 0;
  const float oneF = 1, zeroF = 0;
  const bool wide = compute == CUBLAS_COMPUTE_64F;
  struct Matrix {
    void* address;
    int leading;
    long long stride;
    int transposed;
  };
  auto matrix = [&](int at) {
    return Matrix{reinterpret_cast<void*>(static_cast<uintptr_t>(d[at])), static_cast<int>(d[at + 1]),
                  static_cast<long long>(d[at + 2]), static_cast<int>(d[at + 3])};
  };
  const Matrix a = matrix(kGemmA), b = matrix(kGemmB), c = matrix(kGemmC);
  const int status = blas.cublasGemmStridedBatchedEx(
      blas_, a.transposed, b.transposed, static_cast<int>(d[kGemmM]), static_cast<int>(d[kGemmN]),
      static_cast<int>(d[kGemmK]), wide ? static_cast<const void*>(&one) : &oneF, a.address, type, a.leading, a.stride,
      b.address, type, b.leading, b.stride, wide ? static_cast<const void*>(&zero) : &zeroF, c.address, type, c.leading,
      c.stride, static_cast<int>(d[kGemmBatch]), compute, CUBLAS_GEMM_DEFAULT);
  // Statuses of cuBLAS are told from results of the driver by their sign.
  return -status;
}

CUresult Session::allocate(size_t bytes, CUdeviceptr& address) {
  if (CUresult result = enter()) return result;
  CUresult result = driver.cuMemAlloc_v2(&address, bytes);
  if (result == CUDA_SUCCESS) owned_.insert(address);
  return result;
}

CUresult Session::release(CUdeviceptr address) {
  if (CUresult result = enter()) return result;
  if (owned_.erase(address) == 0) return CUDA_ERROR_INVALID_VALUE;
  return driver.cuMemFree_v2(address);
}

CUresult Session::memoryInfo(size_t& free, size_t& total) {
  if (CUresult result = enter()) return result;
  return driver.cuMemGetInfo_v2(&free, &total);
}

CUresult Session::write(CUdeviceptr target, const char* bytes, size_t count) {
  if (CUresult result = enter()) return result;
  return uploads_->write(target, bytes, count);
}

CUresult Session::copy(CUdeviceptr source, CUdeviceptr target, size_t count) {
  if (CUresult result = enter()) return result;
  return driver.cuMemcpyDtoDAsync_v2(target, source, count, stream_);
}

CUresult Session::clear(CUdeviceptr target, size_t count) {
  if (CUresult result = enter()) return result;
  return driver.cuMemsetD8Async(target, 0, count, stream_);
}

CUresult Session::readNow(CUdeviceptr source, char* target, size_t count, char* fault) {
  if (CUresult result = enter()) return result;
  // Small reads go through a pinned block, which spares the driver its own staging; large ones gain nothing by it.
  constexpr size_t kStaged = size_t{1} << 20;
  void* block = count > 0 && count <= kStaged ? pinned_->take(count) : nullptr;
  CUresult result = CUDA_SUCCESS;
  if (count > 0) result = driver.cuMemcpyDtoHAsync_v2(block ? block : target, source, count, stream_);
  if (result == CUDA_SUCCESS) result = driver.cuMemcpyDtoHAsync_v2(faultNow_, fault_, kFaultBytes, stream_);
  if (result == CUDA_SUCCESS) result = driver.cuStreamSynchronize(stream_);
  if (result == CUDA_SUCCESS) {
    if (block) std::memcpy(target, block, count);
    std::memcpy(fault, faultNow_, kFaultBytes);
  }
  if (block) pinned_->giveBack(block, count);
  return result;
}

CUresult Session::beginRead(CUdeviceptr source, size_t count, PendingRead& read) {
  if (CUresult result = enter()) return result;
  read.bytes = count + kFaultBytes;
  if (read.bytes <= kPinnedReadLimit) read.block = pinned_->take(read.bytes);
  if (!read.block) return CUDA_ERROR_OUT_OF_MEMORY;
  char* block = static_cast<char*>(read.block);
  CUresult result = CUDA_SUCCESS;
  if (count > 0) result = driver.cuMemcpyDtoHAsync_v2(block, source, count, stream_);
  if (result == CUDA_SUCCESS) result = driver.cuMemcpyDtoHAsync_v2(block + count, fault_, kFaultBytes, stream_);
  if (result == CUDA_SUCCESS) result = driver.cuEventCreate(&read.done, CU_EVENT_DISABLE_TIMING);
  if (result == CUDA_SUCCESS) result = driver.cuEventRecord(read.done, stream_);
  if (result != CUDA_SUCCESS) {
    driver.cuStreamSynchronize(stream_);
    drop(read);
  }
  return result;
}

void Session::finish(PendingRead& read) {
  read.result = enter();
  if (read.result == CUDA_SUCCESS) read.result = driver.cuEventSynchronize(read.done);
}

void Session::drop(PendingRead& read) {
  enter();
  if (read.done) driver.cuEventDestroy_v2(read.done);
  if (read.block) pinned_->giveBack(read.block, read.bytes);
  read.done = nullptr;
  read.block = nullptr;
}

CUresult Session::synchronize() {
  if (CUresult result = enter()) return result;
  return driver.cuStreamSynchronize(stream_);
}

int Session::loadFunction(const std::string& image, const std::string& entry) {
  check("cuCtxSetCurrent", enter());
  CUmodule module;
  check("cuModuleLoadData", driver.cuModuleLoadData(&module, image.data()));
  CUfunction function;
  CUresult result = driver.cuModuleGetFunction(&function, module, entry.c_str());
  if (result != CUDA_SUCCESS) driver.cuModuleUnload(module);
  check("cuModuleGetFunction", result);
  modules_.push_back(module);
  functions_.push_back({function, kStaticSharedLimit});
  return static_cast<int>(functions_.size()) - 1;
}

CUresult Session::functionAttributes(int function, int& registers, int& localBytes, int& sharedBytes) {
  if (function < 0 || static_cast<size_t>(function) >= functions_.size()) return CUDA_ERROR_INVALID_VALUE;
  if (CUresult result = enter()) return result;
  CUfunction f = functions_[static_cast<size_t>(function)].function;
  CUresult result = driver.cuFuncGetAttribute(&registers, CU_FUNCTION_NUM_REGS, f);
  if (result == CUDA_SUCCESS) result = driver.cuFuncGetAttribute(&localBytes, CU_FUNCTION_LOCAL_SIZE_BYTES, f);
  if (result == CUDA_SUCCESS) result = driver.cuFuncGetAttribute(&sharedBytes, CU_FUNCTION_SHARED_SIZE_BYTES, f);
  return result;
}

int Session::recordEvent() {
  check("cuCtxSetCurrent", enter());
  CUevent event;
  check("cuEventCreate", driver.cuEventCreate(&event, CU_EVENT_DEFAULT));
  events_.push_back(event);
  check("cuEventRecord", driver.cuEventRecord(event, stream_));
  return static_cast<int>(events_.size()) - 1;
}

float Session::elapsed(int from, int to) {
  check("cuCtxSetCurrent", enter());
  if (from < 0 || to < 0 || static_cast<size_t>(from) >= events_.size() || static_cast<size_t>(to) >= events_.size())
    throw Failure{"driver", CUDA_ERROR_INVALID_VALUE, "elapsed: no such event"};
  check("cuEventSynchronize", driver.cuEventSynchronize(events_[static_cast<size_t>(to)]));
  float milliseconds = 0;
  check("cuEventElapsedTime", driver.cuEventElapsedTime(&milliseconds, events_[static_cast<size_t>(from)],
                                                        events_[static_cast<size_t>(to)]));
  return milliseconds;
}

void Session::dropEvents() {
  for (CUevent event : events_) driver.cuEventDestroy_v2(event);
  events_.clear();
}

bool Session::openBlasHandle() {
  if (blas_) return true;
  if (blas.path.empty() || enter() != CUDA_SUCCESS) return false;
  if (blas.cublasCreate_v2(&blas_) != 0) {
    blas_ = nullptr;
    return false;
  }
  return blas.cublasSetStream_v2(blas_, stream_) == 0;
}

}  // namespace flambeau
